/** Tests that nothing is left running, however the script that runs a child is stopped; with real processes. */
import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';

const MODULE = fileURLToPath(new URL('./run-child.mjs', import.meta.url));
const LIMIT_MS = 10_000;

/** Says its id, counts its signals, and exits 7 half a second after the first. */
const CHILD = `
let signals = [];
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => {
  signals.push(signal);
  if (signals.length === 1) setTimeout(() => { console.log('got ' + signals.join(',')); process.exit(7); }, 500);
});
setTimeout(() => process.exit(9), 20000);
console.log('pid ' + process.pid);
`;

let folder;
let script;
let outputs;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'towpath-run-child-'));
  writeFileSync(join(folder, 'child.mjs'), CHILD);
  writeFileSync(
    join(folder, 'parent.mjs'),
    `import { runChild } from ${JSON.stringify(MODULE)};
     const result = await runChild(process.execPath, [${JSON.stringify(join(folder, 'child.mjs'))}],
       { cwd: ${JSON.stringify(folder)}, output: 'inherit', endWithParent: true });
     process.exitCode = result.code ?? 99;`,
  );
  outputs = '';
});
afterEach(() => {
  for (const pid of [script?.pid, childPid()])
    if (pid !== undefined && isRunning(pid)) process.kill(pid, 'SIGKILL');
  rmSync(folder, { recursive: true, force: true });
});

function childPid() {
  const match = /pid (\d+)/.exec(outputs);
  return match === null ? undefined : Number(match[1]);
}

function isRunning(pid) {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

async function eventually(condition) {
  const deadline = Date.now() + LIMIT_MS;
  while (!condition() && Date.now() < deadline) await new Promise((resolve) => setTimeout(resolve, 25));
  return condition();
}

async function startScript() {
  script = spawn(process.execPath, [join(folder, 'parent.mjs')], {
    stdio: ['ignore', 'pipe', 'inherit'],
    detached: true,
  });
  script.stdout.setEncoding('utf8').on('data', (text) => {
    outputs += text;
  });
  const exited = new Promise((resolve) => script.once('exit', (code) => resolve(code)));
  expect(await eventually(() => childPid() !== undefined)).toBe(true);
  return { exited };
}

describe('runChild', () => {
  it.each(['SIGINT', 'SIGTERM', 'SIGHUP'])('passes %s on, once, and the exit code back', async (signal) => {
    const { exited } = await startScript();
    // A terminal signals the group, and npm repeats it at once.
    process.kill(-script.pid, signal);
    process.kill(script.pid, signal);
    expect(await exited).toBe(7);
    expect(outputs).toContain(`got ${signal}\n`);
    expect(isRunning(childPid())).toBe(false);
  });

  it('ends the child when the script itself is killed with -9', async () => {
    const { exited } = await startScript();
    process.kill(script.pid, 'SIGKILL');
    await exited;
    expect(await eventually(() => !isRunning(childPid()))).toBe(true);
    expect(outputs).toContain('got SIGTERM\n');
  });

  it('ends a child over its time limit with all that it started', async () => {
    const { runChild } = await import(MODULE);
    const grandchild =
      'process.on("SIGTERM", () => {}); setTimeout(() => {}, 20000); console.log("pid " + process.pid);';
    const child = `require('node:child_process').spawn(process.execPath, ['-e', ${JSON.stringify(grandchild)}], { stdio: 'inherit' }); setTimeout(() => {}, 20000);`;
    const result = await runChild(process.execPath, ['-e', child], {
      cwd: folder,
      output: 'capture',
      timeoutMs: 1_500,
    });
    outputs = result.output;
    expect(result).toMatchObject({ timedOut: true, signal: 'SIGTERM' });
    expect(childPid()).toBeGreaterThan(0);
    expect(await eventually(() => !isRunning(childPid()))).toBe(true);
  });

  it('says which program is not there', async () => {
    const { runChild } = await import(MODULE);
    const attempt = runChild('no-such-program', [], { cwd: folder, output: 'capture' });
    await expect(attempt).rejects.toThrow('no-such-program');
  });
});
