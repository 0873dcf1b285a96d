/** How Terraform is started and interrupted, on programs of the system that play its part. */

import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { runTerraform, supervise } from './terraform-process.ts';

const INTERRUPT_AFTER_MS = 300;
/** Ends by itself with 0, too late for the test. */
const SLEEP_SECONDS = '30';
const SPAWN_LIMIT_MS = 10_000;

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'terraform-process-'));
});
afterEach(() => {
  rmSync(folder, { recursive: true, force: true });
});

it('an interrupt that comes before Terraform asks for interrupts is not lost', async () => {
  const result = await runTerraform({
    // Never asks for any.
    program: 'sleep',
    args: [SLEEP_SECONDS],
    cwd: folder,
    env: { PATH: process.env.PATH ?? '' },
    pidFile: join(folder, 'terraform.json'),
    signal: AbortSignal.timeout(INTERRUPT_AFTER_MS),
  });
  expect(result).toMatchObject({ interrupted: true, code: expect.toSatisfy((code) => code !== 0) });
});

describe.runIf(process.platform === 'linux')('Terraform', () => {
  const started = () => existsSync(join(folder, 'started'));
  const start = (parentPid: number, input: string) => {
    const [command, args] = supervise('touch', ['started'], parentPid);
    return spawnSync(command, args, { cwd: folder, input, timeout: SPAWN_LIMIT_MS });
  };

  it('starts once it is noted', () => {
    expect(start(process.pid, 'noted\n').status).toBe(0);
    expect(started()).toBe(true);
  });

  it('does not start when the command is gone before it has noted it', () => {
    expect(start(process.pid, '').status).not.toBe(0);
    expect(started()).toBe(false);
  });

  it('does not start when the command is gone before the kernel would tell of it', () => {
    expect(start(process.pid + 1, 'noted\n').status).not.toBe(0);
    expect(started()).toBe(false);
  });
});
