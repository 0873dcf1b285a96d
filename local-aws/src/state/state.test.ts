import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { endLeftovers, openChildRegister } from './child-register.ts';
import { writePrivateFile } from './private-file.ts';
import { decideLiveness, identifyProcess } from './process-identity.ts';
import { acquireStateLock } from './state-lock.ts';

let folder = '';
const pids: number[] = [];

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'local-aws-state-'));
});
afterEach(() => {
  rmSync(folder, { recursive: true, force: true });
  for (const pid of pids.splice(0)) {
    try {
      process.kill(-pid, 'SIGKILL');
    } catch {
      // It has ended, as it should.
    }
  }
});

function startSleeper(): number {
  const child = spawn('sleep', ['60'], { detached: true, stdio: 'ignore' });
  if (child.pid === undefined) throw new Error('sleep did not start');
  pids.push(child.pid);
  return child.pid;
}

test('a second one is told process id and endpoint of the first', () => {
  const lock = acquireStateLock(folder);
  expect(() => acquireStateLock(folder)).toThrow(`process ${process.pid}, it is still starting`);
  lock.publish('http://127.0.0.1:4700');
  expect(() => acquireStateLock(folder)).toThrow(
    `process ${process.pid}, it answers on http://127.0.0.1:4700`,
  );
  lock.release();
  acquireStateLock(folder).release();
  expect(readdirSync(folder)).toEqual([]);
});

test.each([
  ['ended', { pid: 2 ** 22 - 1, startTime: '1' }],
  ['followed by a stranger with its id', { pid: process.pid, startTime: '1' }],
  ['of an earlier boot', { pid: process.pid, bootId: 'other' }],
])('a lock whose holder is %s is taken over', (_name, holder) => {
  const file = join(folder, 'daemon.lock');
  writeFileSync(file, JSON.stringify({ ...identifyProcess(process.pid), endpoint: '', ...holder }));
  acquireStateLock(folder);
  expect(JSON.parse(readFileSync(file, 'utf8'))).toMatchObject(identifyProcess(process.pid));
  expect(readdirSync(folder)).toEqual(['daemon.lock']);
});

test('a damaged lock is taken over', () => {
  writeFileSync(join(folder, 'daemon.lock'), '{"pid":');
  acquireStateLock(folder).release();
});

test('leftovers are ended, strangers are not', async () => {
  const left = startSleeper();
  const stranger = startSleeper();
  const register = openChildRegister(folder);
  register.track(left, true);
  register.track(stranger, true);
  const file = join(folder, 'children.json');
  const recorded = JSON.parse(readFileSync(file, 'utf8')) as { pid: number }[];
  writePrivateFile(
    file,
    recorded.map((child) => (child.pid === stranger ? { ...child, startTime: '1' } : child)),
  );
  expect(await endLeftovers(folder)).toEqual([left]);
  expect([decideLiveness(identifyProcess(left)), decideLiveness(identifyProcess(stranger))]).toEqual([
    'gone',
    'alive',
  ]);
});

test('the register forgets what has ended, and itself on close', async () => {
  const register = openChildRegister(folder);
  const pid = startSleeper();
  register.track(pid, true);
  register.track(pid, false);
  expect(await endLeftovers(folder)).toEqual([]);
  register.close();
  register.track(pid, true);
  expect(existsSync(join(folder, 'children.json'))).toBe(false);
});

test.each(['', '{}', '[{"pid":-1},{"pid":1},{"pid":0}]'])(
  'a register with %j ends nothing',
  async (content) => {
    writeFileSync(join(folder, 'children.json'), content);
    expect(await endLeftovers(folder)).toEqual([]);
  },
);

test('private files are private and whole', () => {
  const file = join(folder, 'f.json');
  writePrivateFile(file, { a: 1 });
  writePrivateFile(file, { a: 2 });
  expect(statSync(file).mode & 0o777).toBe(0o600);
  expect(JSON.parse(readFileSync(file, 'utf8'))).toEqual({ a: 2 });
  expect(readdirSync(folder)).toEqual(['f.json']);
});
