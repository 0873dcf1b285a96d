import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import type { AwsRequest } from '../contract.ts';
import { openSnapshotStore, saveBeforeAnswer, saveDelayMs } from './snapshot-store.ts';

let folder = '';
const log: string[] = [];
const file = () => join(folder, 'part.json');
const saved = () => JSON.parse(readFileSync(file(), 'utf8')) as { state: object };

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'snapshots-'));
  log.length = 0;
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
  rmSync(folder, { recursive: true, force: true });
});

function open() {
  const store = openSnapshotStore(folder, (line) => void log.push(line));
  const part = {
    name: 'part',
    value: 0,
    snapshot: () => ({ value: part.value }),
    restore: (given: object) => {
      part.value = (given as { value: number }).value;
    },
  };
  return { store, part };
}

test('a part gets back what was saved of it', () => {
  const first = open();
  first.store.add(first.part);
  first.part.value = 7;
  first.store.save('part');
  const second = open();
  second.store.add(second.part);
  expect(second.part.value).toBe(7);
});

test('a touch saves within its time, once for many', () => {
  const { store, part } = open();
  store.add(part);
  for (part.value = 1; part.value < 5; part.value += 1) store.touch('part');
  expect(existsSync(file())).toBe(false);
  vi.advanceTimersByTime(saveDelayMs);
  expect(saved().state).toEqual({ value: 5 });
});

test('the end saves all, and nothing after it', () => {
  const { store, part } = open();
  store.add(part);
  part.value = 1;
  store.touch('part');
  store.close();
  part.value = 2;
  vi.advanceTimersByTime(saveDelayMs);
  expect(() => store.save('part')).toThrow('stopping');
  expect(saved().state).toEqual({ value: 1 });
});

test.each([
  ['{', /can't be read/],
  ['{"format":99,"state":{}}', /format 99, this one reads format 1/],
])('a file with %s is refused with a way out', (content, message) => {
  writeFileSync(file(), content);
  const { store, part } = open();
  expect(() => store.add(part)).toThrow(
    expect.objectContaining({
      message: expect.stringMatching(message),
      hint: expect.stringContaining('--purge'),
    }),
  );
});

test('a changing call is answered when its part is saved, and refused when it is not', async () => {
  const { store, part } = open();
  store.add(part);
  const answer = { status: 200, headers: {}, body: '' };
  const handle = async () => {
    part.value += 1;
    return answer;
  };
  const overlay = saveBeforeAnswer({ service: 'ecs', handle }, store, 'part');
  const ask = (action: string) => overlay.handle({ action } as AwsRequest, async () => answer);
  await ask('DescribeServices');
  expect(existsSync(file())).toBe(false);
  await ask('UpdateService');
  expect(saved().state).toEqual({ value: 2 });
  rmSync(folder, { recursive: true, force: true });
  await expect(ask('UpdateService')).rejects.toMatchObject({ code: 'EmbeddedStateNotWritable' });
});
