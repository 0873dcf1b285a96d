import { spawn } from 'node:child_process';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { followOutput, splitLines } from './followed-output.ts';

const WAIT_LIMIT_MS = 10_000;

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'followed-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

function start(script: string, fd: number) {
  const child = spawn(process.execPath, ['-e', script], { stdio: ['ignore', fd, 'ignore'] });
  return new Promise<number | null>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', resolve);
  });
}

describe('followOutput', () => {
  it('gives what a program writes while it writes, and nothing stays', async () => {
    let text = '';
    const output = followOutput(folder, (more) => {
      text += more;
    });
    expect(readdirSync(folder)).toEqual([]);
    const ended = start("console.log('first'); setTimeout(() => console.log('läst'), 1_500);", output.fd);
    const deadline = Date.now() + WAIT_LIMIT_MS;
    while (text === '' && Date.now() < deadline) await delay(10);
    expect(text).toBe('first\n');
    expect(await ended).toBe(0);
    await output.finish();
    expect(text).toBe('first\nläst\n');
  });

  it('gives all of a large output', async () => {
    let length = 0;
    const output = followOutput(folder, (more) => {
      length += more.length;
    });
    await start("process.stdout.write('é'.repeat(300_000))", output.fd);
    await output.finish();
    expect(length).toBe(300_000);
  });
});

describe('splitLines', () => {
  it('makes lines of pieces, the last one too', () => {
    const lines: string[] = [];
    const { take, end } = splitLines((line) => lines.push(line));
    for (const piece of ['a', 'b\nc', '\r\n', '\nd']) take(piece);
    expect(lines).toEqual(['ab', 'c', '']);
    end();
    end();
    expect(lines).toEqual(['ab', 'c', '', 'd']);
  });
});
