import { existsSync } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { createServer } from 'node:net';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { RunningTask, TaskDriver } from '../contract.ts';
import {
  alive,
  type MemoryLogSink,
  openProcessDriver,
  type ProcessDriverFixture,
  specOf,
  until,
} from './driver-fixture.ts';
import { type FixtureImageStore, REGISTRY } from './image-fixture.ts';

const onLinux = process.platform === 'linux';
let fixture: ProcessDriverFixture;
let stateDir: string;
let images: FixtureImageStore;
let logs: MemoryLogSink;
let driver: TaskDriver;
let tracked: Map<number, boolean>;

beforeEach(async () => {
  tracked = new Map();
  fixture = await openProcessDriver('process-driver', {
    track: (child, alive) => tracked.set(child.pid, alive),
  });
  ({ stateDir, images, logs, driver } = fixture);
});

afterEach(() => fixture.close());

const imageOf: ProcessDriverFixture['addImage'] = (...given) => fixture.addImage(...given);

const says = (text: string) => () => logs.messages.some((line) => line.includes(text));

describe('starting', () => {
  it('runs the image as a server on its own address, with its logs in order', async () => {
    const image = await imageOf(
      `import http from 'node:http';
       for (let i = 0; i < 500; i++) console.log('line ' + i);
       console.error('to stderr');
       http.createServer((q, s) => s.end('hello from ' + process.cwd())).listen(Number(process.env.PORT), process.env.HOST,
         () => console.log('listening'));
       process.on('SIGTERM', () => { console.log('bye'); process.exit(0); });`,
      { Env: ['PORT=5000', 'PATH=/nowhere', 'FROM_IMAGE=yes'] },
    );
    const task = await driver.start(specOf(image, { containerPort: 5000 }));
    await until('listening', says('listening'));
    if (onLinux) expect(task.address).toMatch(/^127\.250\.\d+\.\d+$/);
    const answer = await fetch(`http://${task.address}:${task.port}/`);
    expect(await answer.text()).toContain(path.join('rootfs', 'app'));
    expect(tracked.get(task.pid)).toBe(true);

    const exit = await task.stop();
    expect(exit).toEqual({ exitCode: 0, signal: undefined, reason: undefined });
    const numbered = logs.messages.filter((line) => line.startsWith('line '));
    expect(numbered).toEqual(Array.from({ length: 500 }, (_, i) => `line ${i}`));
    expect(logs.messages.at(-1)).toBe('bye');
    expect(tracked.get(task.pid)).toBe(false);
    expect(await readdir(path.join(stateDir, 'tasks'))).toEqual([]);
  });

  it('gives the task its variables and none of the embedded AWS', async () => {
    process.env.DAEMON_ONLY = 'leaked';
    const image = await imageOf('console.log(JSON.stringify(process.env)); ', {
      Env: ['A=image', 'B=image'],
    });
    const task = await driver.start(specOf(image, { environment: { B: 'task', SECRET: 's' } }));
    delete process.env.DAEMON_ONLY;
    expect((await task.exited).exitCode).toBe(0);
    const environment = JSON.parse(logs.messages[0] ?? '');
    expect(environment).toMatchObject({ A: 'image', B: 'task', SECRET: 's', PATH: process.env.PATH });
    expect(environment).not.toHaveProperty('DAEMON_ONLY');
    expect(environment.HOME).toContain(stateDir);
  });

  it('takes entry point and command of the task definition, and absolute paths of the image', async () => {
    const image = await imageOf('console.log(process.argv.slice(2).join(" "))', { Entrypoint: ['false'] });
    const task = await driver.start(
      specOf(image, { entryPoint: ['node', '/app/main.mjs'], command: ['one', '/etc/two'] }),
    );
    expect((await task.exited).exitCode).toBe(0);
    expect(logs.messages).toEqual(['one /etc/two']);
  });

  it('fails as a pull does when the image is not there, malformed or for another platform', async () => {
    const ref = `${REGISTRY}/shop/web:nope`;
    await expect(driver.pull(ref)).rejects.toMatchObject({
      code: 'CannotPullContainerError',
      message: expect.stringContaining(`failed to resolve ref ${ref}: ${ref}: not found`),
    });
    await expect(driver.pull('Not A Ref')).rejects.toMatchObject({ code: 'CannotPullContainerError' });
    const other = await images.add('shop/web', 'arm', { layers: [], architecture: 's390x' });
    await expect(driver.start(specOf(other))).rejects.toMatchObject({
      code: 'CannotPullContainerError',
      message: expect.stringContaining('does not contain descriptor matching platform'),
    });
  });

  it('fails as a container does when the command is not there', async () => {
    const image = await imageOf('', { Cmd: ['no-such-program'] });
    await expect(driver.start(specOf(image))).rejects.toMatchObject({
      code: 'CannotStartContainerError',
      message: expect.stringContaining('exec: "no-such-program": executable file not found in $PATH'),
    });
    const misplaced = await imageOf('', { WorkingDir: '/app/main.mjs' });
    await expect(driver.start(specOf(misplaced))).rejects.toMatchObject({
      code: 'CannotStartContainerError',
    });
    const empty = await imageOf('', { Cmd: [] });
    await expect(driver.start(specOf(empty))).rejects.toThrow('no command specified');
    expect(await readdir(path.join(stateDir, 'tasks'))).toEqual([]);
  });

  it('fails as awslogs does when the log group is not there', async () => {
    const image = await imageOf('');
    const spec = specOf(image, { log: { group: '/missing', stream: 's' } });
    await expect(driver.start(spec)).rejects.toMatchObject({
      code: 'ResourceInitializationError',
      message: expect.stringMatching(
        /failed to validate logger args: .*The specified log group does not exist\./,
      ),
    });
  });

  it('refuses an address whose port another program holds', async () => {
    const image = await imageOf('');
    const holder = createServer();
    await new Promise<void>((resolve) => holder.listen(0, '0.0.0.0', resolve));
    const bound = holder.address();
    const containerPort = typeof bound === 'object' && bound !== null ? bound.port : 0;
    try {
      await expect(driver.start(specOf(image, { containerPort }))).rejects.toMatchObject({
        code: 'CannotStartContainerError',
        message: expect.stringContaining('EADDRINUSE'),
      });
    } finally {
      holder.close();
    }
  });
});

describe('stopping', () => {
  const stubborn = `process.on('SIGTERM', () => console.log('ignored')); setInterval(() => {}, 1000); console.log('up');`;

  it('kills after the stop timeout who ignores SIGTERM', async () => {
    const task = await driver.start(specOf(await imageOf(stubborn), { stopTimeoutSeconds: 0.4 }));
    await until('up', says('up'));
    const [first, second] = await Promise.all([task.stop(), task.stop()]);
    expect(first).toEqual({ exitCode: 137, signal: 'SIGKILL', reason: undefined });
    expect(second).toBe(first);
    expect(logs.messages).toEqual(['up', 'ignored']);
  });

  it('reports 143 for a task that does not handle SIGTERM, and sends the signal of the image', async () => {
    const idle = `setInterval(() => {}, 1000); console.log('up');`;
    const task = await driver.start(specOf(await imageOf(idle)));
    await until('up', says('up'));
    expect(await task.stop()).toMatchObject({ exitCode: 143, signal: 'SIGTERM' });

    const other = await driver.start(specOf(await imageOf(idle, { StopSignal: 'SIGINT' })));
    await until('up', () => logs.messages.filter((line) => line === 'up').length === 2);
    expect(await other.stop()).toMatchObject({ exitCode: 130, signal: 'SIGINT' });
  });

  const family = `
    import { spawn } from 'node:child_process';
    const idle = ['-e', 'process.on("SIGTERM", () => {}); setInterval(() => {}, 1000); console.log("pid " + process.pid)'];
    spawn('node', idle, { stdio: 'inherit' });
    spawn('node', idle, { stdio: 'inherit', detached: true });
    console.log('pid ' + process.pid);`;
  const pids = () =>
    logs.messages.filter((line) => line.startsWith('pid ')).map((line) => Number(line.slice(4)));

  it.runIf(onLinux)('leaves no child behind, not even one in a group of its own', async () => {
    const task = await driver.start(
      specOf(
        await imageOf(`${family} setInterval(() => {}, 1000);
      process.on('SIGTERM', () => {});`),
        { stopTimeoutSeconds: 0.2 },
      ),
    );
    await until('three processes', () => pids().length === 3);
    expect(pids().every(alive)).toBe(true);
    expect(task.usage().memoryMb).toBeGreaterThan(60); // three runtimes, not one
    await task.stop();
    await until('all gone', () => !pids().some(alive));
  });

  it('ends the group when the first process ends by itself', async () => {
    const script = `${family} setTimeout(() => process.exit(3), 1500);`;
    const task = await driver.start(specOf(await imageOf(script.replace(/.*detached.*\n/, ''))));
    await until('two processes', () => pids().length === 2);
    expect((await task.exited).exitCode).toBe(3);
    await until('all gone', () => !pids().some(alive));
  });

  it('stops all within its time and starts nothing afterwards', async () => {
    const image = await imageOf(stubborn);
    const tasks: RunningTask[] = [];
    for (let i = 0; i < 3; i += 1) tasks.push(await driver.start(specOf(image)));
    await until('all up', () => logs.messages.filter((line) => line === 'up').length === 3);
    const from = Date.now();
    await driver.stopAll(300);
    expect(Date.now() - from).toBeLessThan(5000);
    expect(tasks.some((task) => alive(task.pid))).toBe(false);
    await expect(driver.start(specOf(image))).rejects.toThrow('the driver was stopped');
  });
});

describe('limits', () => {
  it.runIf(onLinux)('kills a task over its memory, and measures what it uses', async () => {
    const image = await imageOf(`
      const kept = []; console.log('up');
      setInterval(() => kept.push(Buffer.alloc(20 * 1024 * 1024, 1)), 50);`);
    const task = await driver.start(specOf(image, { memoryMb: 200 }));
    await until('some memory', () => task.usage().memoryMb > 60);
    expect(await task.exited).toEqual({
      exitCode: 137,
      signal: 'SIGKILL',
      reason: 'OutOfMemoryError: Container killed due to memory usage',
    });
  });

  it.runIf(onLinux)('measures CPU in units of a core', async () => {
    const image = await imageOf(
      `console.log('up'); const end = Date.now() + 5000; while (Date.now() < end);`,
    );
    const task = await driver.start(specOf(image, { stopTimeoutSeconds: 0 }));
    await until('up', says('up'));
    task.usage();
    await sleep(500);
    const { cpuUnits } = task.usage();
    expect(cpuUnits).toBeGreaterThan(100);
    expect(cpuUnits).toBeLessThan(1300);
    await task.stop();
  });

  it('survives a flood of lines: order is kept, and what is dropped is counted', async () => {
    const image = await imageOf(`
      const line = 'x'.repeat(200);
      for (let i = 0; i < 100000; i++) if (!process.stdout.write(i + ' ' + line + '\\n')) await new Promise((d) => process.stdout.once('drain', d));`);
    const task = await driver.start(specOf(image));
    let worstPauseMs = 0;
    let last = performance.now();
    const watch = setInterval(() => {
      worstPauseMs = Math.max(worstPauseMs, performance.now() - last - 10);
      last = performance.now();
    }, 10);
    expect((await task.exited).exitCode).toBe(0);
    clearInterval(watch);
    let expected = 0;
    for (const message of logs.messages) {
      const dropped = /^\[local-aws\] (\d+) log lines were dropped/.exec(message);
      if (dropped !== null) expected += Number(dropped[1]);
      else expect(message.startsWith(`${expected++} `)).toBe(true);
    }
    expect(expected).toBe(100_000);
    expect(worstPauseMs).toBeLessThan(500);
  });
});

describe('images', () => {
  it('unpacks an image once for tasks that start together', async () => {
    const image = await imageOf('console.log("ran")');
    await Promise.all([driver.pull(image), driver.pull(image), driver.pull(image)]);
    expect(await readdir(path.join(stateDir, 'images'))).toHaveLength(1);
    const again = await driver.pull(`${REGISTRY}/shop/web:v1`);
    expect(existsSync(path.join(stateDir, 'images', again.digest.replace(':', '-'), 'rootfs', 'app'))).toBe(
      true,
    );
  });
});
