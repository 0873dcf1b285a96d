import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { ImageStore, RunningTask, TaskDriver } from '../contract.ts';
import { CONTAINER_IMAGE, makeContainerImage } from './container-image-fixture.ts';
import { createDockerDriver } from './docker-driver.ts';
import { DockerEngine } from './docker-engine.ts';
import { clock, MemoryLogSink, specOf, textOf, until } from './driver-fixture.ts';
import { findDockerEngine } from './find-docker-engine.ts';

const SCRIPT = `
  import http from 'node:http';
  import { spawn } from 'node:child_process';
  console.log('variables ' + JSON.stringify(process.env));
  console.error('to stderr');
  if (process.env.ASK) fetch(process.env.ASK).then(async (r) => console.log('gateway says ' + await r.text()), (e) => console.log('gateway fails ' + e.cause));
  if (process.env.MODE === 'flood') for (let i = 0; i < 20000; i++) console.log('flood ' + i + ' ' + 'x'.repeat(100));
  if (process.env.MODE === 'exit') process.exit(3);
  if (process.env.MODE === 'spin') for (;;);
  if (process.env.MODE === 'child') spawn('setsid', ['sleep', '600']);
  process.on('SIGTERM', () => { console.log('bye'); if (process.env.MODE !== 'stubborn') process.exit(0); });
  http.createServer((q, s) => s.end('hello')).listen(5000, process.env.HOST ?? '0.0.0.0', () => console.log('listening'));
  setInterval(() => console.log('tick'), 50);`;

/** Starting a container takes a second or two on a busy computer. */
const UP_MS = 20_000;
let problem = '';
const engine = await findDockerEngine(process.env).catch((error: Error) => {
  problem = error.message;
  return undefined;
});
const withEngine = engine !== undefined && process.platform === 'linux';
if (!withEngine) process.stderr.write(`skipped, the docker driver on an engine: ${problem || 'not Linux'}\n`);

describe.runIf(withEngine)('the docker driver', () => {
  const scratch = mkdtempSync(path.join(tmpdir(), 'docker-driver-'));
  let images: ImageStore;
  let gateway: Server;
  let endpoint: string;
  let logs: MemoryLogSink;
  let driver: TaskDriver;
  let said: string[];

  beforeAll(async () => {
    images = await makeContainerImage(path.join(scratch, 'image'), SCRIPT);
    gateway = createServer((request, response) => response.end(`host ${request.headers.host}`));
    await new Promise<void>((resolve) => gateway.listen(0, '127.0.0.1', resolve));
    endpoint = `http://127.0.0.1:${(gateway.address() as AddressInfo).port}`;
  }, 120_000);
  afterAll(async () => {
    gateway.close();
    await rm(scratch, { recursive: true, force: true });
  });
  const open = (on = engine): TaskDriver => {
    if (on === undefined) throw new Error('no engine');
    const log = (line: string) => said.push(line);
    return createDockerDriver({
      engine: on,
      stateDir: scratch,
      images,
      logs,
      clock,
      log,
      endpoint: () => endpoint,
    });
  };
  beforeEach(() => {
    logs = new MemoryLogSink();
    said = [];
    driver = open();
  });
  afterEach(() => driver.stopAll(0));

  const ours = async (): Promise<number> => {
    const names = await engine?.call<{ Names: string[] }[]>({
      method: 'GET',
      path: '/containers/json',
      query: { all: '1', filters: JSON.stringify({ label: ['towpath.local-aws.task'] }) },
    });
    return (names ?? []).filter(({ Names }) => Names.some((name) => name.includes('-task'))).length;
  };
  const startTask = (
    environment: Record<string, string> = {},
    changes: Parameters<typeof specOf>[1] = {},
  ): Promise<RunningTask> =>
    driver.start(
      specOf(CONTAINER_IMAGE, {
        containerPort: 5000,
        cpuUnits: 1024,
        memoryMb: 256,
        environment: { HOST: '127.0.0.9', ...environment },
        ...changes,
      }),
    );
  const up = () => until('listening', logs.says('listening'), UP_MS);

  it('runs the image on the address of the task, with its logs, the gateway and a clean end', async () => {
    const task = await startTask({ AWS_ENDPOINT_URL: endpoint, ASK: `${endpoint}/v4/x`, SECRET: 's' });
    await up();
    expect(task.address).toMatch(/^127\.250\./);
    expect(task.port).toBe(5000);
    expect(await (await fetch(`http://${task.address}:5000/`)).text()).toBe('hello');
    await until('the gateway', logs.says(`gateway says host ${endpoint.slice('http://'.length)}`), UP_MS);
    const line = logs.messages.find((one) => one.startsWith('variables ')) ?? '';
    const variables = JSON.parse(line.slice('variables '.length));
    expect(variables).toMatchObject({ FROM_IMAGE: 'yes', SECRET: 's' });
    expect(variables).not.toHaveProperty('HOST');
    expect(logs.messages).toContain('to stderr');
    const [first, second] = await Promise.all([task.stop(), task.stop()]);
    expect(first).toEqual({ exitCode: 0, signal: undefined, reason: undefined });
    expect(second).toBe(first);
    expect(logs.messages.at(-1)).toBe('bye');
    expect(await ours()).toBe(0);
  });

  it('two tasks listen on port 5000 side by side', async () => {
    const tasks = await Promise.all([startTask(), startTask()]);
    await until('both', () => logs.messages.filter((line) => line === 'listening').length === 2, UP_MS);
    for (const { address } of tasks) expect((await fetch(`http://${address}:5000/`)).status).toBe(200);
  });

  it('[alb.stop-signal] SIGTERM, then SIGKILL after the stop timeout; also for a frozen one', async () => {
    const task = await startTask({ MODE: 'stubborn' }, { stopTimeoutSeconds: 1 });
    await up();
    expect(await task.stop()).toEqual({ exitCode: 137, signal: 'SIGKILL', reason: undefined });
    expect(logs.messages).toContain('bye');
    const frozen = await startTask({}, { stopTimeoutSeconds: 1 });
    await until('again', () => logs.messages.filter((line) => line === 'listening').length === 2, UP_MS);
    frozen.freeze(true);
    await sleep(800);
    const before = logs.lines.length;
    await sleep(400);
    expect(logs.lines.length).toBe(before);
    expect(await frozen.stop()).toMatchObject({ exitCode: 137, reason: undefined });
  });

  it('goes on after a freeze, and dies of a kill', async () => {
    const task = await startTask({ MODE: 'child' });
    await up();
    task.freeze(true);
    await sleep(800);
    task.freeze(false);
    const before = logs.lines.length;
    await until('it ticks again', () => logs.lines.length > before + 3);
    task.kill();
    expect(await task.exited).toEqual({ exitCode: 137, signal: 'SIGKILL', reason: undefined });
  });

  it('reports exit codes, floods of lines in order, and use of CPU within the share', async () => {
    expect(await (await startTask({ MODE: 'exit' })).exited).toMatchObject({ exitCode: 3 });
    const flood = await startTask({ MODE: 'flood' });
    await until('the last line', logs.says('flood 19999 '), UP_MS);
    const numbers = logs.messages.flatMap((line) => /^flood (\d+)/.exec(line)?.[1] ?? []).map(Number);
    expect(numbers).toEqual(Array.from({ length: 20_000 }, (_, at) => at));
    await flood.stop();
    const spin = await startTask({ MODE: 'spin' }, { cpuUnits: 256, stopTimeoutSeconds: 0 });
    await until('a sample', () => spin.usage().memoryMb > 5, UP_MS);
    await sleep(2500);
    const { cpuUnits } = spin.usage();
    expect(cpuUnits).toBeGreaterThan(60);
    expect(cpuUnits).toBeLessThan(320);
  });

  it('ends with OutOfMemoryError when its memory is filled', async () => {
    const task = await startTask();
    await up();
    task.fillMemory();
    expect(await task.exited).toEqual({
      exitCode: 137,
      signal: 'SIGKILL',
      reason: 'OutOfMemoryError: Container killed due to memory usage',
    });
  });

  it('executes commands, with pipes and with a terminal', async () => {
    const task = await startTask();
    await up();
    const command = task.execute(`sh -c 'read line; echo "$FROM_IMAGE got $line"; echo bad >&2; exit 5'`);
    command.stdin.write('this\n');
    const [stdout, stderr] = await Promise.all([textOf(command.stdout), textOf(command.stderr)]);
    expect([stdout, stderr]).toEqual(['yes got this\n', 'bad\n']);
    expect(await command.exited).toEqual({ exitCode: 5, signal: undefined, reason: undefined });
    expect(await task.execute('no-such-program').exited).toMatchObject({
      exitCode: expect.toSatisfy((code) => code >= 126),
    });

    const terminal = task.execute('sh', { tty: true, columns: 100, rows: 30 });
    let shown = '';
    terminal.stdout.on('data', (chunk) => {
      shown += String(chunk);
    });
    await until('the size', async () => {
      terminal.stdin.write('stty size\n');
      await sleep(200);
      return /30 100\r?$/m.test(shown);
    });
    terminal.resize?.(132, 50);
    await until('the new size', async () => {
      terminal.stdin.write('stty size\n');
      await sleep(200);
      return /50 132\r?$/m.test(shown);
    });
    const sleeping = task.execute('sleep 600');
    await sleep(500);
    sleeping.kill();
    expect(await sleeping.exited).toMatchObject({ exitCode: 137 });
    terminal.stdin.write('exit 4\n');
    expect(await terminal.exited).toMatchObject({ exitCode: 4 });
  });

  it('says why a task can not start: a port in use, a program or a group that is not there', async () => {
    const spec = specOf(CONTAINER_IMAGE, { containerPort: 5000 });
    const holder = createServer().listen(5000, spec.privateIp.replace(/^10/, '127'));
    await new Promise((resolve) => holder.once('listening', resolve));
    await expect(driver.start(spec)).rejects.toMatchObject({
      code: 'CannotStartContainerError',
      message: expect.stringContaining('EADDRINUSE'),
    });
    holder.close();
    await expect(startTask({}, { command: ['no-such-program'] })).rejects.toMatchObject({
      code: 'CannotStartContainerError',
      message: expect.stringMatching(/no-such-program.*without a container engine/s),
    });
    await expect(startTask({}, { log: { group: '/missing', stream: 's' } })).rejects.toMatchObject({
      code: 'ResourceInitializationError',
    });
    await expect(driver.pull(CONTAINER_IMAGE, 'linux/s390x')).rejects.toMatchObject({
      code: 'CannotPullContainerError',
    });
    expect(await ours()).toBe(0);
  });

  it('removes what a killed run has left', async () => {
    await startTask();
    expect(await ours()).toBe(1);
    const next = open();
    await until('the leftover is gone', async () => (await ours()) === 0, UP_MS);
    await next.stopAll(0);
    expect(said.some((line) => line.includes('an earlier run had left'))).toBe(true);
  });
});

/** The engine's end is played by a process between, as no test may stop the engine that others use. */
describe.runIf(withEngine)('an engine that dies', () => {
  it('ends its tasks with a reason; the driver goes on with the next one', async () => {
    const scratch = mkdtempSync(path.join(tmpdir(), 'docker-dies-'));
    const socket = path.join(scratch, 'engine.sock');
    const relay = (): ChildProcess => {
      const script = `require('node:net').createServer({ allowHalfOpen: true }, (a) => {
        const b = require('node:net').connect({ path: process.argv[1], allowHalfOpen: true });
        a.on('error', () => b.destroy()).pipe(b).on('error', () => a.destroy()).pipe(a); }).listen(process.argv[2])`;
      return spawn(process.execPath, ['-e', script, engine?.socketPath ?? '', socket], { stdio: 'ignore' });
    };
    let between = relay();
    const logs = new MemoryLogSink();
    const through = new DockerEngine(socket);
    const answers = () =>
      through.call({ method: 'GET', path: '/_ping' }).then(
        () => true,
        () => false,
      );
    await until('the way to the engine', answers);
    const images = await makeContainerImage(path.join(scratch, 'image'), SCRIPT);
    const driver = createDockerDriver({
      engine: through,
      stateDir: scratch,
      images,
      logs,
      clock,
      log: () => {},
      endpoint: () => 'http://127.0.0.1:1',
    });
    try {
      const task = await driver.start(specOf(CONTAINER_IMAGE, { containerPort: 5000 }));
      between.kill('SIGKILL');
      expect(await task.exited).toEqual({
        exitCode: undefined,
        signal: undefined,
        reason: expect.stringContaining('the container engine lost the container'),
      });
      await expect(driver.start(specOf(CONTAINER_IMAGE))).rejects.toThrow('container engine');
      await rm(socket, { force: true });
      between = relay();
      await until('the way to the engine', answers);
      const next = await driver.start(specOf(CONTAINER_IMAGE, { containerPort: 5000 }));
      expect((await next.stop()).reason).toBeUndefined();
    } finally {
      await driver.stopAll(0);
      between.kill('SIGKILL');
      await rm(scratch, { recursive: true, force: true });
    }
  }, 120_000);
});
