import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { ExecutedCommand, TaskSpec } from '../contract.ts';
import { parseCommandWords, quoteWords } from './command-words.ts';
import {
  alive,
  type MemoryLogSink,
  openProcessDriver,
  type ProcessDriverFixture,
  textOf,
  until,
} from './driver-fixture.ts';

const onLinux = process.platform === 'linux';

let fixture: ProcessDriverFixture;
let logs: MemoryLogSink;

beforeEach(async () => {
  fixture = await openProcessDriver('task-control');
  logs = fixture.logs;
});
afterEach(() => fixture.close());

/** Counts to stdout, as does a child in a session of its own. */
const TICKING = `
  import { spawn } from 'node:child_process';
  const tick = 'console.log("pid " + process.pid); setInterval(() => console.log("tick " + process.pid), 20)';
  spawn('node', ['-e', tick], { stdio: 'inherit', detached: true });
  eval(tick);`;

const startTask = (script: string, changes: Partial<TaskSpec> = {}) =>
  fixture.start(script, changes, { Env: ['FROM_IMAGE=yes'] });

const finished = async (command: ExecutedCommand) => ({
  stdout: await textOf(command.stdout),
  stderr: await textOf(command.stderr),
  exit: await command.exited,
});

describe.runIf(onLinux)('freezing', () => {
  it('holds every process of the task, and lets them go on', async () => {
    const task = await startTask(TICKING);
    await until('two processes', () => logs.pids.length === 2);
    task.freeze(true);
    await sleep(500); // what was written before is delivered
    const before = logs.lines.length;
    await sleep(400);
    expect(logs.lines.length).toBe(before);
    task.freeze(false);
    const ticks = () => logs.messages.slice(before);
    await until('both tick', () => logs.pids.every((pid) => ticks().includes(`tick ${pid}`)));
  });

  it('[alb.stop-signal] does not keep a task from its end: SIGKILL after the stop timeout', async () => {
    const task = await startTask(TICKING, { stopTimeoutSeconds: 0.3 });
    await until('two processes', () => logs.pids.length === 2);
    task.freeze(true);
    expect(await task.stop()).toEqual({ exitCode: 137, signal: 'SIGKILL', reason: undefined });
    await until('all gone', () => !logs.pids.some(alive));
  });
});

it.runIf(onLinux)('kill ends all of it as a crash would', async () => {
  const task = await startTask(TICKING);
  await until('two processes', () => logs.pids.length === 2);
  task.kill();
  task.kill();
  expect(await task.exited).toEqual({ exitCode: 137, signal: 'SIGKILL', reason: undefined });
  await until('all gone', () => !logs.pids.some(alive));
});

describe.runIf(onLinux)('filling the memory', () => {
  const idle = `console.log('up'); setInterval(() => {}, 1000);`;

  it('ends the task with OutOfMemoryError', async () => {
    const task = await startTask(idle, { memoryMb: 256 });
    await until('up', logs.says('up'));
    task.fillMemory();
    expect(await task.exited).toEqual({
      exitCode: 137,
      signal: 'SIGKILL',
      reason: 'OutOfMemoryError: Container killed due to memory usage',
    });
  });

  it('can be called off', async () => {
    const task = await startTask(idle, { memoryMb: 4096 });
    await until('up', logs.says('up'));
    const filling = task.fillMemory();
    await until('more memory', () => task.usage().memoryMb > 300);
    filling.stop();
    await until('less memory', () => task.usage().memoryMb < 200);
    expect(alive(task.pid)).toBe(true);
  });
});

describe('executing a command', () => {
  const idle = `setInterval(() => {}, 1000); console.log('up')`;

  it('has the variables, the folder and the programs of the task, its own input and both outputs', async () => {
    const task = await startTask(idle, { environment: { SECRET: 's1' } });
    const command = task.execute(
      `node -e "process.stdin.on('data', (d) => { console.log(process.cwd(), process.env.FROM_IMAGE, process.env.SECRET, 'got ' + d); console.error('bad'); process.exit(3) })"`,
    );
    command.stdin.write('input');
    const { stdout, stderr, exit } = await finished(command);
    expect(stdout).toMatch(/rootfs\/app yes s1 got input\n$/);
    expect(stderr).toBe('bad\n');
    expect(exit).toEqual({ exitCode: 3, signal: undefined, reason: undefined });
  });

  it('says what is wrong with a command', async () => {
    const task = await startTask(idle);
    expect(await finished(task.execute('no-such-program -x'))).toEqual({
      stdout: '',
      stderr: 'exec: "no-such-program": executable file not found in $PATH\n',
      exit: expect.objectContaining({ exitCode: 127 }),
    });
    expect(await task.execute(`echo "open`).exited).toMatchObject({ exitCode: 126 });
    expect(await task.execute('  ').exited).toMatchObject({ exitCode: 126, reason: 'the command is empty' });
    await task.stop();
    expect(await task.execute('echo hi').exited).toMatchObject({
      exitCode: 126,
      reason: 'the task has ended',
    });
  });

  it('is killed with what it started, alone or with its task', async () => {
    const task = await startTask(idle);
    // Goes on when its child is gone: which of the two the kernel kills first is left to it.
    const line = `sh -c "sleep 600 & echo \\$!; wait; sleep 600"`;
    const first = task.execute(line);
    const firstPid = await new Promise((resolve) => first.stdout.once('data', resolve)).then(Number);
    first.kill();
    expect(await first.exited).toMatchObject({ signal: 'SIGKILL' });
    await until('its child is gone', () => !alive(firstPid));
    const second = task.execute(line);
    const secondPid = await new Promise((resolve) => second.stdout.once('data', resolve)).then(Number);
    task.kill();
    expect(await second.exited).toMatchObject({ signal: 'SIGKILL' });
    await until('its child is gone', () => !alive(secondPid));
  });

  it.runIf(onLinux)('gives it a terminal, whose size can change', async () => {
    const task = await startTask(idle);
    const command = task.execute('sh', { tty: true, columns: 100, rows: 30 });
    expect(command.stderr).toBeUndefined();
    let shown = '';
    command.stdout.on('data', (chunk) => {
      shown += String(chunk);
    });
    command.stdin.write('stty size; tty; echo $TERM\n');
    await until('the first size', () => /30 100\r?$/m.test(shown));
    await until('a terminal', () => shown.includes('/dev/pts/'));
    command.resize?.(132, 50);
    await until('the second size', async () => {
      command.stdin.write('stty size\n');
      await sleep(100);
      return /50 132\r?$/m.test(shown);
    });
    command.stdin.write('exit 7\n');
    expect(await command.exited).toEqual({ exitCode: 7, signal: undefined, reason: undefined });
  });
});

it.each<[string, readonly string[] | undefined]>([
  ['/bin/sh', ['/bin/sh']],
  [`sh -c 'a b' "c d"e f\\ g`, ['sh', '-c', 'a b', 'c de', 'f g']],
  [`  '' ""  `, ['', '']],
  [`"a\\"b\\n"`, ['a"b\\n']],
  [`'it`, undefined],
  ['', []],
])('parseCommandWords(%s)', (line, words) => {
  expect(parseCommandWords(line)).toEqual(words);
  if (words !== undefined) expect(parseCommandWords(quoteWords(words))).toEqual(words);
});
