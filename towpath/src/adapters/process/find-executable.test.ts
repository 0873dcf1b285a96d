import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { findExecutable } from './find-executable.ts';

let base: string;
beforeEach(() => {
  base = mkdtempSync(join(tmpdir(), 'path-'));
  for (const folder of ['a', 'b']) mkdirSync(join(base, folder));
});
afterEach(() => rmSync(base, { recursive: true, force: true }));

const add = (folder: string, mode: number) => writeFileSync(join(base, folder, 'tool'), '', { mode });
const find = (...folders: readonly string[]) =>
  findExecutable('tool', folders.map((folder) => (folder === '' ? '' : join(base, folder))).join(':'));

describe('findExecutable', () => {
  it('takes the first of the PATH', () => {
    add('a', 0o755);
    add('b', 0o755);
    expect(find('b', 'a')).toBe(join(base, 'b', 'tool'));
  });

  it('passes over what cannot be run: a plain file, a folder, a folder of the PATH that is not there', () => {
    add('a', 0o644);
    expect(find('a')).toBeUndefined();
    mkdirSync(join(base, 'c', 'tool'), { recursive: true });
    expect(find('absent', 'c')).toBeUndefined();
    add('b', 0o755);
    expect(find('absent', 'c', 'a', 'b')).toBe(join(base, 'b', 'tool'));
  });

  it('does not look into the current folder for an empty entry', () => {
    expect(find('', '')).toBeUndefined();
    expect(findExecutable('package.json', ':')).toBeUndefined();
    expect(findExecutable('tool', undefined)).toBeUndefined();
  });
});
