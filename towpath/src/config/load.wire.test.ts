/** Finding, compiling, caching and evaluating a configuration, on real files. */
import { chmod, mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { TowpathError } from '../domain/errors.ts';
import { canonicalJson } from '../domain/ledger.ts';
import { hashText, readCachedConfig, rememberVerdict } from './config-cache.ts';
import { loadProject } from './load.ts';

const GOOD = `
import { defineProject, type ProjectInput } from 'towpath';
const input: ProjectInput = { project: 'shop', owner: 'us', environments: [{ name: 'live', cidr: '10.9.0.0/16' }] };
export default defineProject(input);
`;

let root: string;
let file: string;

beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'towpath-config-'));
  file = join(root, 'towpath.config.ts');
});

afterEach(async () => {
  await rm(root, { recursive: true, force: true });
});

async function failure(cwd = root, name?: string): Promise<TowpathError> {
  const error = await loadProject({ cwd, file: name }).catch((reason: unknown) => reason);
  if (error instanceof TowpathError) return error;
  throw new Error(`expected a TowpathError, got ${String(error)}`);
}

it('finds the configuration above, with nothing installed beside it', async () => {
  await writeFile(file, GOOD);
  const below = join(root, 'a', 'b');
  await mkdir(below, { recursive: true });
  const loaded = await loadProject({ cwd: below });
  expect(loaded).toMatchObject({ root, file, project: { name: 'shop' } });
});

it('takes a file by name, and another folder for its cache', async () => {
  await writeFile(join(root, 'other.ts'), GOOD);
  const cacheDir = join(root, 'kept');
  const loaded = await loadProject({ cwd: root, file: 'other.ts', cacheDir });
  expect(loaded.file).toBe(join(root, 'other.ts'));
  expect((await readdir(cacheDir)).length).toBe(2);
});

it('serves an unchanged configuration from the cache, and a changed one anew', async () => {
  const cacheDir = join(root, '.towpath', 'cache');
  await writeFile(file, GOOD);
  await loadProject({ cwd: root });
  const first = await readCachedConfig(cacheDir, file);
  expect(first?.moduleUrl).toMatch(/config-[0-9a-f]{16}\.mjs$/);
  await loadProject({ cwd: root });
  expect((await readCachedConfig(cacheDir, file))?.moduleUrl).toBe(first?.moduleUrl);

  await writeFile(file, GOOD.replace('shop', 'store'));
  expect(await readCachedConfig(cacheDir, file)).toBeUndefined();
  expect((await loadProject({ cwd: root })).project.name).toBe('store');
  expect(await readdir(cacheDir)).toHaveLength(2);
});

it('compiles anew when an imported file changes', async () => {
  await writeFile(join(root, 'owner.ts'), "export const owner = 'red';");
  await writeFile(
    file,
    GOOD.replace("owner: 'us'", 'owner').replace(
      'const input',
      "import { owner } from './owner.ts';\nconst input",
    ),
  );
  expect((await loadProject({ cwd: root })).project.owner).toBe('red');
  await writeFile(join(root, 'owner.ts'), "export const owner = 'blue';");
  expect((await loadProject({ cwd: root })).project.owner).toBe('blue');
});

it('survives a cache that is broken or cannot be written', async () => {
  const cacheDir = join(root, '.towpath', 'cache');
  await writeFile(file, GOOD);
  await loadProject({ cwd: root });
  for (const name of await readdir(cacheDir)) {
    if (name.endsWith('.json')) await writeFile(join(cacheDir, name), '{"format": 1, "inp');
  }
  expect((await loadProject({ cwd: root })).project.name).toBe('shop');

  const blocked = join(root, 'a-file');
  await writeFile(blocked, '');
  await chmod(blocked, 0o444);
  expect((await loadProject({ cwd: root, cacheDir: join(blocked, 'cache') })).project.name).toBe('shop');
});

it('says where it looked when there is no configuration', async () => {
  const searched = await failure();
  expect(searched.code).toBe('CONFIG_NOT_FOUND');
  expect(searched.message).toContain(root);
  const named = await failure(root, 'nope.ts');
  expect(named.code).toBe('CONFIG_NOT_FOUND');
  expect(named.message).toContain(join(root, 'nope.ts'));
});

it("names file, line and column of everything that doesn't compile", async () => {
  await writeFile(
    file,
    "import a from './nope.ts';\nimport b from './neither.ts';\nexport default [a, b];\n",
  );
  const error = await failure();
  expect(error.code).toBe('CONFIG_DOES_NOT_COMPILE');
  expect(error.problems.map(({ path }) => path).sort()).toEqual([
    'towpath.config.ts:1:15',
    'towpath.config.ts:2:15',
  ]);
  expect(error.problems[0]?.message).toContain('Could not resolve');

  await writeFile(file, '\nexport default { project: ; }\n');
  const syntax = await failure();
  expect(syntax.problems).toEqual([{ path: 'towpath.config.ts:2:27', message: 'Unexpected ";"' }]);
  expect(syntax.context).toEqual(['export default { project: ; }']);
});

it('names the place in the source where an evaluation fails', async () => {
  await writeFile(
    file,
    "interface A {\n  b: string;\n}\n\nexport default ((): A => {\n  throw new Error('no region');\n})();\n",
  );
  const error = await failure();
  expect(error.code).toBe('CONFIG_DOES_NOT_COMPILE');
  expect(error.problems).toEqual([{ path: 'towpath.config.ts:6:9', message: 'Error: no region' }]);
});

it('asks for a default export', async () => {
  await writeFile(file, 'export const project = 1;');
  const error = await failure();
  expect(error.code).toBe('CONFIG_DOES_NOT_COMPILE');
  expect(error.hint).toContain('export default defineProject');
});

it('reports every problem of an invalid project', async () => {
  await writeFile(
    file,
    GOOD.replace("'shop'", "'Shop'").replace('10.9.0.0/16', '10.9/16').replace(': ProjectInput', ''),
  );
  const error = await failure();
  expect(error.code).toBe('CONFIG_INVALID');
  expect(error.exitCode).toBe(2);
  expect(error.message).toBe('towpath.config.ts has 2 problems');
  expect(error.problems.map(({ path }) => path)).toEqual(['project', 'environments[0].cidr']);
});

it('does not validate again what the same build found valid', async () => {
  const cacheDir = join(root, '.towpath', 'cache');
  const verdict = async () => (await readCachedConfig(cacheDir, file))?.verdict;
  await writeFile(file, GOOD);
  await loadProject({ cwd: root });
  expect(await verdict()).toBeUndefined();
  await loadProject({ cwd: root, toolStamp: 'v1' });
  const first = await verdict();
  expect(first).toMatch(/^[0-9a-f]{64}$/);
  await loadProject({ cwd: root, toolStamp: 'v2' });
  expect(await verdict()).not.toBe(first);

  // Proof that the rules are left out: a value that they would refuse, remembered as valid.
  const bad = { project: 'shop', owner: 'us', environments: [{ name: 'live', cidr: '10.9.0.1/16' }] };
  await writeFile(file, `export default ${JSON.stringify(bad)};`);
  expect((await failure()).code).toBe('CONFIG_INVALID');
  await rememberVerdict(cacheDir, file, hashText(`v2:${canonicalJson(bad)}`));
  expect((await loadProject({ cwd: root, toolStamp: 'v2' })).project.name).toBe('shop');
  await expect(loadProject({ cwd: root, toolStamp: 'v3' })).rejects.toMatchObject({ code: 'CONFIG_INVALID' });
});
