/** Same source, same bytes: the digest of a release must not depend on where or when it was built. */
import { cp, mkdtemp, readdir, readFile, rm, symlink } from 'node:fs/promises';
import { builtinModules } from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { APP_DIR, buildInto } from './built-service.ts';

const BUILD_TEST_TIMEOUT_MS = 30_000;

let dir = '';
beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'towpath-build-'));
});
afterAll(() => rm(dir, { recursive: true, force: true }));

/** A second checkout elsewhere, with the same tools. */
async function copyCheckout(to: string): Promise<void> {
  await cp(APP_DIR, to, { recursive: true, filter: (path) => !/[/\\](node_modules|dist)$/.test(path) });
  await symlink(join(dirname(APP_DIR), 'node_modules'), join(dirname(to), 'node_modules'));
}

describe('build.mjs', { timeout: BUILD_TEST_TIMEOUT_MS }, () => {
  it('makes the same bytes twice, and from another folder', async () => {
    const copy = join(dir, 'elsewhere', 'app');
    await copyCheckout(copy);
    await buildInto(APP_DIR, join(dir, 'first'));
    await buildInto(APP_DIR, join(dir, 'second'));
    await buildInto(copy, join(dir, 'third'));
    const [first, second, third] = await Promise.all(
      ['first', 'second', 'third'].map((name) => readFile(join(dir, name, 'server.js'))),
    );
    expect(first?.byteLength).toBeGreaterThan(10_000);
    expect(second?.equals(first ?? Buffer.alloc(0))).toBe(true);
    expect(third?.equals(first ?? Buffer.alloc(0))).toBe(true);
  });

  it('makes one file that needs nothing but Node and names no folder of this machine', async () => {
    const out = join(dir, 'single');
    await buildInto(APP_DIR, out);
    expect(await readdir(out)).toEqual(['server.js']);
    const bundle = await readFile(join(out, 'server.js'), 'utf8');
    const imported = [...bundle.matchAll(/^import .* from ["']([^"']+)["'];$/gm)].map(
      (found) => found[1] ?? '',
    );
    expect(imported.length).toBeGreaterThan(0);
    for (const name of imported) expect(builtinModules).toContain(name.replace(/^node:/, ''));
    expect(bundle).not.toContain(APP_DIR);
  });
});
