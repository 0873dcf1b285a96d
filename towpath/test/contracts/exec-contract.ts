/** What every way into a running task must do. */
import { expect, it } from 'vitest';
import { renderBareCommand } from '../../src/domain/exec-command.ts';
import type { CommandTerminal, ExecPort } from '../../src/ports.ts';

export interface ExecHarness {
  /** Of a service with two running tasks, ECS Exec on. */
  readonly exec: ExecPort;
  /** Of an environment without a service. */
  readonly nothing: ExecPort;
  /** Of a service that ECS Exec is off for. */
  readonly disabled: ExecPort;
}

/** Commands that the contract runs. */
export const COMMANDS = {
  say: renderBareCommand(['printf', '%s', 'a ☂ b']),
  /** Prints the line that it is given, and ends. */
  echoLine: renderBareCommand(['head', '-n', '1']),
  flood: renderBareCommand(['head', '-c', '300000', '/dev/zero']),
  wait: renderBareCommand(['sleep', '30']),
} as const;

export function recordTerminal(input?: AsyncIterable<Uint8Array>): CommandTerminal & { text(): string } {
  const chunks: Uint8Array[] = [];
  return {
    input,
    write(bytes) {
      chunks.push(bytes);
      // Now and then there is no room.
      return chunks.length % 7 === 0 ? new Promise((resolve) => setTimeout(resolve, 1)) : undefined;
    },
    size: () => ({ columns: 100, rows: 30 }),
    onResize: () => () => undefined,
    text: () => Buffer.concat(chunks).toString('utf8'),
  };
}

export function execContract(open: () => Promise<ExecHarness>): void {
  const firstTask = async (exec: ExecPort) => (await exec.tasks())[0]?.id ?? '';

  it('lists the tasks, and none where there is no service', async () => {
    const { exec, nothing, disabled } = await open();
    const tasks = await exec.tasks();
    expect(tasks).toHaveLength(2);
    expect(new Set(tasks.map(({ id }) => id)).size).toBe(2);
    for (const task of tasks)
      expect(task).toMatchObject({
        status: 'RUNNING',
        enabled: true,
        ready: true,
        zone: expect.stringMatching(/^us-east-1/),
      });
    expect((await disabled.tasks()).map(({ enabled, ready }) => [enabled, ready])).toContainEqual([
      false,
      false,
    ]);
    expect(await nothing.tasks()).toEqual([]);
  });

  it('runs a command to its end and carries its output', async () => {
    const { exec } = await open();
    const terminal = recordTerminal();
    expect(await exec.run(await firstTask(exec), COMMANDS.say, terminal)).toMatchObject({
      reason: undefined,
    });
    expect(terminal.text()).toBe('a ☂ b');
  });

  it('carries all of a long output', async () => {
    const { exec } = await open();
    const terminal = recordTerminal();
    await exec.run(await firstTask(exec), COMMANDS.flood, terminal);
    expect(terminal.text()).toHaveLength(300_000);
  });

  it('carries input, in pieces as it comes', async () => {
    const { exec } = await open();
    async function* type() {
      yield Buffer.from('over ');
      yield Buffer.from(`${'x'.repeat(3_000)}\n`);
    }
    const terminal = recordTerminal(type());
    await exec.run(await firstTask(exec), COMMANDS.echoLine, terminal);
    expect(terminal.text()).toContain(`over ${'x'.repeat(3_000)}`);
  });

  it('ends when it is aborted, with the reason', async () => {
    const { exec } = await open();
    const task = await firstTask(exec);
    const controller = new AbortController();
    const running = exec.run(task, COMMANDS.wait, recordTerminal(), controller.signal);
    setTimeout(() => controller.abort(new Error('enough')), 100);
    await expect(running).rejects.toThrow('enough');
    await expect(exec.run(task, COMMANDS.wait, recordTerminal(), controller.signal)).rejects.toThrow(
      'enough',
    );
  });

  it('opens no session into a task that is not there, or that it is off for', async () => {
    const { exec, disabled } = await open();
    const failure = { code: 'EXEC_FAILED' };
    await expect(exec.run('0'.repeat(32), COMMANDS.say, recordTerminal())).rejects.toMatchObject(failure);
    const task = await firstTask(disabled);
    await expect(disabled.run(task, COMMANDS.say, recordTerminal())).rejects.toMatchObject(failure);
  });
}
