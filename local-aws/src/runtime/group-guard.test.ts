import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { readProcessRow, readProcessTable } from './process-table.ts';

const here = path.dirname(fileURLToPath(import.meta.url));
let scratch: string;
let daemon: ChildProcess | undefined;

beforeEach(async () => {
  scratch = await mkdtemp(path.join(tmpdir(), 'group-guard-'));
});
afterEach(async () => {
  daemon?.kill('SIGKILL');
  await rm(scratch, { recursive: true, force: true });
});

/** Starts the driver in a process of its own, with one task that forks; prints the pids one a line. */
const DAEMON = `
  import { createProcessDriver } from './process-driver.ts';
  import { FixtureImageStore } from './image-fixture.ts';
  const stateDir = process.argv[2];
  const images = new FixtureImageStore(stateDir + '/blobs');
  const script = \`
    import { spawn } from 'node:child_process';
    process.on('SIGTERM', () => {});
    console.log(process.pid);
    spawn('sleep', ['600'], { stdio: 'inherit' }).on('spawn', function () { console.log(this.pid); });
    setInterval(() => {}, 1000);\`;
  const image = await images.add('a/b', 't', {
    layers: [[{ name: 'main.mjs', content: script }]], config: { Cmd: ['node', 'main.mjs'] } });
  const driver = createProcessDriver({
    stateDir, images, log: console.error, track: () => {},
    clock: { now: Date.now, scaled: (ms) => ms, sleep: async () => {} },
    logs: { openStream: async () => {}, put: async (g, s, lines) => lines.forEach((line) => console.log(line.message)) },
  });
  await driver.start({ taskArn: 'a', taskId: 't', clusterName: 'c', family: 'f', revision: 1, zone: 'z',
    privateIp: '10.252.1.1', image, containerName: 'w', environment: {}, secretNames: [], containerPort: undefined,
    cpuUnits: 256, memoryMb: 512, stopTimeoutSeconds: 30, log: { group: 'g', stream: 's' } });
`;

it.runIf(process.platform === 'linux')(
  'a killed embedded AWS leaves neither tasks nor their children nor a guard',
  async () => {
    const file = path.join(scratch, 'daemon.mjs');
    await build({
      stdin: { contents: DAEMON, resolveDir: here, loader: 'ts' },
      outfile: file,
      bundle: true,
      platform: 'node',
      format: 'esm',
      logLevel: 'error',
      // tar-stream is CommonJS and asks for modules of Node.
      banner: {
        js: `import { createRequire } from 'node:module'; const require = createRequire(import.meta.url);`,
      },
    });
    const owner = spawn(process.execPath, [file, scratch], { stdio: ['ignore', 'pipe', 'inherit'] });
    daemon = owner;
    const pids: number[] = [];
    for await (const line of createInterface({ input: owner.stdout })) {
      pids.push(Number(line));
      if (pids.length === 2) break;
    }
    const guards = readProcessTable().filter(({ ppid }) => ppid === owner.pid);
    expect(guards.map(({ pid }) => pid)).toContain(pids[0]);
    const all = [...pids, ...guards.map(({ pid }) => pid)];
    const started = new Map(all.map((pid) => [pid, readProcessRow(pid)?.startTime]));

    owner.kill('SIGKILL');
    const living = () => all.filter((pid) => readProcessRow(pid)?.startTime === started.get(pid));
    await expect.poll(living, { timeout: 4000 }).toEqual([]);
  },
);
