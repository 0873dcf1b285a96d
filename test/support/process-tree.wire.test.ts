/** Tests of running commands and finding their processes, with real ones. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import {
  killTree,
  leftovers,
  leftoversAfter,
  processTree,
  survivors,
  survivorsAfter,
} from './process-tree.ts';
import { cleanEnvironment } from './run-cli.ts';
import { type RunningCommand, runCommand, startCommand } from './run-command.ts';

/** Starts a child that sleeps, prints its id, and sleeps as well. */
const PARENT = `
const child = require('node:child_process').spawn(process.execPath, ['-e', 'setTimeout(() => {}, 30000)', process.argv[1]], { detached: true, stdio: 'ignore' });
console.log(child.pid);
setTimeout(() => {}, 30000);
`;

const folder = mkdtempSync(join(tmpdir(), 'towpath-marker-'));
const options = { cwd: folder, env: cleanEnvironment(), timeoutMs: 20_000 };
let command: RunningCommand | undefined;

afterEach(async () => {
  if (command !== undefined) killTree(command.pid);
  for (const { pid } of leftovers(folder)) killTree(pid);
  await command?.ended;
  command = undefined;
  rmSync(folder, { recursive: true, force: true });
});

async function startPair(marker: string): Promise<{ running: RunningCommand; childPid: number }> {
  const running = startCommand(process.execPath, ['-e', PARENT, marker], { ...options, cwd: tmpdir() });
  command = running;
  const deadline = Date.now() + 10_000;
  while (!running.stdout().includes('\n') && Date.now() < deadline)
    await new Promise((resolve) => setTimeout(resolve, 20));
  return { running, childPid: Number(running.stdout()) };
}

describe('processes', () => {
  it('are found by descent and by marker, and killed with all their descendants', async () => {
    const { running, childPid } = await startPair(folder);
    expect(processTree(running.pid).map(({ pid }) => pid)).toEqual([running.pid, childPid]);
    expect(new Set(leftovers(folder).map(({ pid }) => pid))).toEqual(new Set([running.pid, childPid]));
    killTree(running.pid);
    expect(await leftoversAfter(folder, 5_000)).toEqual([]);
  });

  it('left behind by a parent that died are found by marker', async () => {
    const { running, childPid } = await startPair(folder);
    running.signal('SIGKILL');
    await running.ended;
    expect((await leftoversAfter(folder, 300)).map(({ pid }) => pid)).toEqual([childPid]);
  });

  it('seen before are known again, until they end', async () => {
    const { running, childPid } = await startPair(folder);
    const seen = processTree(running.pid);
    running.signal('SIGKILL');
    await running.ended;
    expect((await survivorsAfter(seen, 300)).map(({ pid }) => pid)).toEqual([childPid]);
    expect(survivors(seen.map((each) => ({ ...each, startedAt: each.startedAt - 60_000 })))).toEqual([]);
    killTree(childPid);
    expect(await survivorsAfter(seen, 5_000)).toEqual([]);
  });
});

describe('runCommand', () => {
  const inTmp = { ...options, cwd: tmpdir() };

  it('captures output, input and exit code', async () => {
    const script = 'process.stdin.pipe(process.stdout); console.error("e"); process.exitCode = 3;';
    const result = await runCommand(process.execPath, ['-e', script], { ...inTmp, input: 'in' });
    expect(result).toMatchObject({ exitCode: 3, stdout: 'in', stderr: 'e\n', timedOut: false });
  });

  it('kills a program over its time limit', async () => {
    const result = await runCommand(process.execPath, ['-e', 'setTimeout(() => {}, 30000)'], {
      ...inTmp,
      timeoutMs: 300,
    });
    expect(result).toMatchObject({ exitCode: null, signal: 'SIGKILL', timedOut: true });
  });

  it('rejects for a program that is not there', async () => {
    await expect(runCommand('no-such-program', [], inTmp)).rejects.toThrow('no-such-program');
  });
});
