import { describe, expect, it } from 'vitest';
import { createMemoryTerminal, sampleExecTask, tellExitCode } from '../../test/fakes/memory-exec.ts';
import { createMemoryWorld, type MemoryWorld } from '../../test/fakes/memory-world.ts';
import { sampleDigest, stableSnapshot } from '../../test/fakes/sample-snapshot.ts';
import { TowpathError } from '../domain/errors.ts';
import { type ExecOptions, exec } from './exec.ts';

const write = (text: string) => Buffer.from(text);

function run(world: MemoryWorld, changes: Partial<ExecOptions> = {}) {
  let output = '';
  const options: ExecOptions = {
    task: undefined,
    command: ['ls', '-l'],
    bare: false,
    interactive: false,
    openTerminal: () =>
      createMemoryTerminal((text) => {
        output += text;
      }),
    signal: new AbortController().signal,
    ...changes,
  };
  return { done: exec(world.ports, 'test', options), output: () => output };
}

function deployed(): MemoryWorld {
  const world = createMemoryWorld();
  world.test.exec.tasks = [
    sampleExecTask('aaa'),
    sampleExecTask('bbb', { startedAt: '2026-02-01T00:00:00Z' }),
  ];
  return world;
}

describe('exec', () => {
  it('shows the output and tells the exit code of the command', async () => {
    const world = deployed();
    world.test.exec.play = async (command, terminal) => {
      terminal.write(write(`total 0\n${tellExitCode(command, 3)}`));
      return undefined;
    };
    const { done, output } = run(world);
    expect(await done).toEqual({
      environment: 'test',
      task: 'bbb',
      zone: 'us-east-1a',
      command: ['ls', '-l'],
      exitCode: 3,
    });
    expect(output()).toBe('total 0\n');
    expect(world.test.exec.ran[0]?.command).toMatch(/ sh ls -l$/);
    expect(world.events.map(({ type }) => type)).toEqual(['target', 'note']);
  });

  it('opens a shell when no command is given', async () => {
    const world = deployed();
    expect(await run(world, { command: [], interactive: true, task: 'aa' }).done).toMatchObject({
      task: 'aaa',
      command: ['/bin/sh'],
      exitCode: undefined,
    });
  });

  it('runs a bare command by itself, whose code nobody tells', async () => {
    const world = deployed();
    expect(await run(world, { bare: true }).done).toMatchObject({ exitCode: undefined });
    expect(world.test.exec.ran).toEqual([{ task: 'bbb', command: 'ls -l' }]);
  });

  it('takes the code from a session that tells it', async () => {
    const world = deployed();
    world.test.exec.play = async () => ({ exitCode: 4 });
    expect(await run(world, { bare: true }).done).toMatchObject({ exitCode: 4 });
  });

  it.each([
    ['the session says why it ended', { reason: 'exec: "/bin/sh": not found' }, /not found/],
    ['the command told no code', {}, /before `ls -l` told its exit code\./],
  ])('fails when %s', async (_why, end, message) => {
    const world = deployed();
    world.test.exec.play = async () => end;
    await expect(run(world).done).rejects.toMatchObject({
      code: 'EXEC_FAILED',
      message: expect.stringMatching(message),
      hint: expect.stringContaining('--bare'),
    });
  });

  const begin = (command: string) => {
    const label = /towpath-exit:[^:]*:/.exec(command)?.[0] ?? '';
    return write(`\u001e${label}b\u001e`);
  };

  it('does not blame the image when the task ended meanwhile', async () => {
    const world = deployed();
    world.test.exec.play = async () => {
      world.test.exec.tasks = world.test.exec.tasks.filter(({ id }) => id !== 'bbb');
      return { reason: 'Your session has ended.' };
    };
    await expect(run(world).done).rejects.toMatchObject({
      code: 'EXEC_FAILED',
      hint: 'the task has ended: towpath logs test --task bbb shows its last lines; the same command again takes another task',
    });
  });

  it('nor when AWS went away, nor when the shell was there', async () => {
    const world = deployed();
    world.test.exec.play = async (command, terminal) => {
      terminal.write(begin(command));
      return { reason: 'closed' };
    };
    const { done, output } = run(world);
    await expect(done).rejects.toMatchObject({
      hint: 'run the same command again; towpath status test shows how the task is',
    });
    expect(output()).toBe('');
    world.test.exec.play = async () => {
      Object.defineProperty(world.test.exec, 'tasks', {
        get: () => {
          throw new TowpathError('AWS_UNREACHABLE', 'No answer.', { hint: 'towpath local up' });
        },
      });
      return { reason: 'closed' };
    };
    await expect(run(world).done).rejects.toMatchObject({
      hint: 'AWS does not answer any more: No answer. towpath local up',
    });
  });

  it('says what an interruption means', async () => {
    const world = deployed();
    const controller = new AbortController();
    world.test.exec.play = async () => {
      controller.abort(new Error('received SIGINT'));
      throw controller.signal.reason;
    };
    await expect(run(world, { signal: controller.signal }).done).rejects.toMatchObject({
      code: 'ABORTED',
      message: 'Interrupted: the session in task bbb was ended.',
      hint: 'what `ls -l` had done by then stays done',
    });
  });

  it('says whether nothing is deployed or nothing runs', async () => {
    const world = createMemoryWorld();
    await expect(run(world).done).rejects.toMatchObject({ code: 'NOT_DEPLOYED' });
    world.test.service.play(stableSnapshot(sampleDigest('a')));
    await expect(run(world).done).rejects.toMatchObject({ code: 'NO_RUNNING_TASK' });
  });

  it('opens no terminal before there is a task', async () => {
    const world = createMemoryWorld();
    let opened = 0;
    const openTerminal = () => {
      opened += 1;
      return createMemoryTerminal(() => undefined);
    };
    await expect(run(world, { openTerminal }).done).rejects.toMatchObject({ code: 'NOT_DEPLOYED' });
    expect(opened).toBe(0);
  });
});
