/** Which process a number means, on processes that this test starts. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { afterEach, describe, expect, it } from 'vitest';
import { isAlive, processStartTime } from './process-identity.ts';

const children: ChildProcess[] = [];
afterEach(() => {
  for (const child of children.splice(0)) child.kill('SIGKILL');
});

async function start(): Promise<{ readonly child: ChildProcess; readonly pid: number }> {
  const child = spawn(process.execPath, ['-e', 'setTimeout(() => undefined, 20_000)'], { stdio: 'ignore' });
  children.push(child);
  await once(child, 'spawn');
  if (child.pid === undefined) throw new Error('a pid expected');
  return { child, pid: child.pid };
}

describe('isAlive', () => {
  it('knows a process by its number and start time, until it ends', async () => {
    const { child, pid } = await start();
    const startTime = processStartTime(pid);
    expect(isAlive(pid, startTime)).toBe(true);
    expect(isAlive(pid, undefined)).toBe(true);
    const ended = once(child, 'exit');
    child.kill('SIGKILL');
    await ended;
    expect(isAlive(pid, startTime)).toBe(false);
    expect(processStartTime(pid)).toBeUndefined();
  });

  it.runIf(process.platform === 'linux')(
    'does not take another process for the one that had the number',
    async () => {
      const { pid } = await start();
      expect(isAlive(pid, 'another time')).toBe(false);
    },
  );

  it('takes a process of somebody else for alive', () => {
    expect(isAlive(1, undefined)).toBe(true);
  });
});
