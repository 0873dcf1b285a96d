import { chmod, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { listenOnPort, PortBusyError } from '../gateway/listen-on-port.ts';
import { findMoto, MotoMissingError } from './find-moto.ts';
import { type MotoProcess, type MotoProcessOptions, startMoto } from './moto-process.ts';

let folder = '';
let started: MotoProcess[] = [];

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'local-aws-moto-'));
  started = [];
});
afterEach(async () => {
  await Promise.all(started.map((moto) => moto.stop()));
  await rm(folder, { recursive: true, force: true });
});

/** A program in the place of moto_server: `$4` is the port, as in `-H 127.0.0.1 -p PORT`. */
async function fake(script: string): Promise<string> {
  const program = join(folder, 'moto_server');
  await writeFile(program, `#!/bin/sh\n${script}\n`);
  await chmod(program, 0o755);
  return program;
}

const serve = (body: string) =>
  `exec ${process.execPath} -e "${body}require('http').createServer((q, r) => r.end('ok')).listen(process.argv[1], '127.0.0.1')" "$4"`;

function options(program: string, tracked: [number, boolean][] = []): MotoProcessOptions {
  return {
    program,
    region: 'us-east-1',
    accountId: '123456789012',
    environment: process.env,
    track: (pid, alive) => tracked.push([pid, alive]),
    log: () => undefined,
  };
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

test('a program that crashes at start fails at once, with its last words', async () => {
  const program = await fake('echo "no module named flask" >&2; exit 3');
  const begun = Date.now();
  await expect(startMoto(options(program))).rejects.toThrow(/exited with code 3\n {2}no module named flask/);
  expect(Date.now() - begun).toBeLessThan(5_000);
});

test('a deliberate stop is no crash, and is told to the register', async () => {
  const tracked: [number, boolean][] = [];
  const moto = await startMoto(options(await fake(serve('')), tracked));
  started.push(moto);
  expect(isAlive(moto.pid)).toBe(true);
  await moto.stop();
  await moto.stop();
  expect([isAlive(moto.pid), moto.failure()]).toEqual([false, undefined]);
  await expect
    .poll(() => tracked)
    .toEqual([
      [moto.pid, true],
      [moto.pid, false],
    ]);
});

test('one that dies later says why', async () => {
  const moto = await startMoto(
    options(
      await fake(serve(`setTimeout(() => { console.error('out of memory'); process.exit(9) }, 700); `)),
    ),
  );
  started.push(moto);
  expect(moto.failure()).toBeUndefined();
  expect(await moto.crashed).toBe('moto: it exited with code 9 | out of memory');
  expect(moto.failure()).toContain('code 9');
});

test('one that ignores SIGTERM is killed', async () => {
  const moto = await startMoto(options(await fake(serve(`process.on('SIGTERM', () => 0); `))));
  started.push(moto);
  await moto.stop();
  expect(isAlive(moto.pid)).toBe(false);
});

test('without moto_server and python3 the command that installs it is named', async () => {
  const finding = findMoto({
    stateDir: folder,
    requirements: 'r.txt',
    path: join(folder, 'nothing'),
    log: () => undefined,
  });
  await expect(finding).rejects.toMatchObject({
    name: MotoMissingError.name,
    hint: expect.stringContaining('pip install'),
  });
});

test('it is installed from the pinned requirements where python3 is there, once', async () => {
  const python = join(folder, 'python3');
  const install = '#!/bin/sh\\necho "$@" > "$0.args"; cp "$0" "$(dirname "$0")/moto_server"';
  await writeFile(
    python,
    `#!/bin/sh\nmkdir -p "$3/bin"; printf '${install}' > "$3/bin/python3"; chmod +x "$3/bin/python3"\n`,
  );
  await chmod(python, 0o755);
  const find = () =>
    findMoto({ stateDir: folder, requirements: 'pinned.txt', path: folder, log: () => undefined });
  expect(await find()).toBe(join(folder, 'venv', 'bin', 'moto_server'));
  const args = await readFile(join(folder, 'venv', 'bin', 'python3.args'), 'utf8');
  expect(args.trim()).toBe('-m pip install --quiet -r pinned.txt');
  await rm(python);
  expect(await find()).toBe(join(folder, 'venv', 'bin', 'moto_server'));
});

test('a failed installation leaves no half-made environment', async () => {
  const python = join(folder, 'python3');
  await writeFile(
    python,
    '#!/bin/sh\nmkdir -p "$3/bin"; echo "WARNING: retry" >&2; echo "ERROR: no network" >&2; exit 1\n',
  );
  await chmod(python, 0o755);
  const finding = findMoto({ stateDir: folder, requirements: 'r.txt', path: folder, log: () => undefined });
  await expect(finding).rejects.toThrow(/could not be installed into .*: no network$/);
  await expect(rm(join(folder, 'venv'))).rejects.toMatchObject({ code: 'ENOENT' });
});

test('a busy port that was asked for is named', async () => {
  const first = createServer();
  const second = createServer();
  const port = await listenOnPort(first, 0);
  try {
    await expect(listenOnPort(second, port)).rejects.toThrow(PortBusyError);
    await expect(listenOnPort(second, port)).rejects.toThrow(`Port ${port} of 127.0.0.1 is in use`);
  } finally {
    first.close();
    second.close();
  }
});
