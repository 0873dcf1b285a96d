/** What every way to run a task beside the service must do. */
import { expect, it } from 'vitest';
import type { OneOffPort } from '../../src/ports.ts';

export interface OneOffHarness {
  readonly port: OneOffPort;
  /** Of an environment without a service. */
  readonly nothing: OneOffPort;
  /** Tasks come as far as they will by themselves. */
  settle(): Promise<void>;
  /** The running command ends. */
  finish(command: readonly string[], exitCode: number): Promise<void>;
  write(...lines: readonly string[]): void;
}

export function oneOffContract(open: () => Promise<OneOffHarness>): void {
  it('starts nothing where there is no service', async () => {
    const { nothing } = await open();
    expect(await nothing.start(['ls'])).toBeUndefined();
  });

  it('runs a command to its end and tells the exit code', async () => {
    const { port, settle, finish } = await open();
    const task = (await port.start(['migrate', '--all'])) ?? '';
    await settle();
    expect(await port.look(task)).toMatchObject({ status: 'RUNNING', exitCode: undefined });
    await finish(['migrate', '--all'], 3);
    expect(await port.look(task)).toMatchObject({ status: 'STOPPED', exitCode: 3 });
  });

  it('reads each line of the log once', async () => {
    const { port, settle, write } = await open();
    const task = (await port.start(['talk'])) ?? '';
    await settle();
    const none = await port.log(task, undefined);
    expect(none.lines).toEqual([]);
    write('one', 'two');
    const first = await port.log(task, none.cursor);
    expect(first.lines).toEqual(['one', 'two']);
    const again = await port.log(task, first.cursor);
    expect(again.lines).toEqual([]);
    write('three');
    expect((await port.log(task, again.cursor)).lines).toEqual(['three']);
  });

  it('stops a task, and says nothing of one that was', async () => {
    const { port, settle } = await open();
    const task = (await port.start(['wait'])) ?? '';
    await settle();
    await port.stop(task, 'enough');
    await settle();
    expect((await port.look(task))?.status).toBe('STOPPED');
    await port.stop(task, 'enough');
  });

  it('knows no task that was not started', async () => {
    expect(await (await open()).port.look('0'.repeat(32))).toBeUndefined();
  });
}
