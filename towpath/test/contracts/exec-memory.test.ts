/** The contract of commands in tasks, on the fake that tests of actions use. */
import { describe } from 'vitest';
import {
  createExecStore,
  createMemoryExec,
  type PlayedCommand,
  sampleExecTask,
} from '../fakes/memory-exec.ts';
import { COMMANDS, execContract } from './exec-contract.ts';

const play: PlayedCommand = async (command, terminal, signal) => {
  if (command === COMMANDS.say) await terminal.write(Buffer.from('a ☂ b'));
  if (command === COMMANDS.flood) await terminal.write(Buffer.alloc(300_000));
  if (command === COMMANDS.echoLine)
    for await (const chunk of terminal.input ?? []) await terminal.write(chunk);
  if (command === COMMANDS.wait)
    await new Promise((_resolve, reject) => {
      signal?.addEventListener('abort', () => reject(signal.reason));
    });
  return undefined;
};

describe('exec in memory', () =>
  execContract(async () => {
    const stores = [
      [sampleExecTask('a'), sampleExecTask('b')],
      [],
      [sampleExecTask('c', { enabled: false, ready: false })],
    ].map((tasks) => ({ ...createExecStore(), tasks, play }));
    const [exec, nothing, disabled] = stores.map(createMemoryExec);
    if (!exec || !nothing || !disabled) throw new Error('three stores');
    return { exec, nothing, disabled };
  }));
