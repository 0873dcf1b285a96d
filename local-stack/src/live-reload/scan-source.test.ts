import { mkdirSync, mkdtempSync, renameSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { changedFiles, scanSource } from './scan-source.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'scan-'));
  mkdirSync(join(folder, 'src', 'routes'), { recursive: true });
  write('src/main.ts', 'one');
  write('src/routes/home.ts', 'two');
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const write = (path: string, text: string) => writeFileSync(join(folder, path), text);

it('finds what came, went and changed, in folders of any depth', () => {
  const before = scanSource(folder);
  expect(changedFiles(before, scanSource(folder))).toEqual([]);
  write('src/main.ts', 'longer');
  write('src/new.ts', '');
  rmSync(join(folder, 'src/routes/home.ts'));
  expect(changedFiles(before, scanSource(folder))).toEqual([
    'src/main.ts',
    'src/new.ts',
    'src/routes/home.ts',
  ]);
});

it('finds a change of the same length, and a file that an editor put in the place of another', () => {
  const before = scanSource(folder);
  write('src/main.ts', 'eno');
  utimesSync(join(folder, 'src/main.ts'), 1, 2);
  write('src/routes/other.ts', 'owt');
  utimesSync(join(folder, 'src/routes/other.ts'), 1, 3);
  renameSync(join(folder, 'src/routes/other.ts'), join(folder, 'src/routes/home.ts'));
  expect(changedFiles(before, scanSource(folder))).toEqual(['src/main.ts', 'src/routes/home.ts']);
});

it('does not see what tools and editors write', () => {
  const before = scanSource(folder);
  for (const name of ['node_modules', 'dist', '.cache', '__pycache__', 'coverage']) {
    mkdirSync(join(folder, name));
    write(`${name}/made.js`, '');
  }
  for (const name of ['.main.ts.swp', 'main.ts~', 'x.tmp', 'main.pyc', 'tsconfig.tsbuildinfo'])
    write(`src/${name}`, '');
  expect(changedFiles(before, scanSource(folder))).toEqual([]);
});

it('takes a folder that is not there for an empty one', () => {
  expect(scanSource(join(folder, 'absent')).size).toBe(0);
});
