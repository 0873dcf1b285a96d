/**
 * Compiled configurations kept on disk, so that a later start neither loads nor runs the compiler.
 * An entry holds the hashes of all files it was made from and serves only while they are unchanged.
 * Losing the cache costs a compilation and nothing else: what can't be read or written is ignored.
 */
import { createHash, randomUUID } from 'node:crypto';
import { mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { CompiledConfig } from './compile-config.ts';

/** Changes whenever `compile-config.ts` makes other text from the same files. */
const FORMAT = 1;

export interface CacheEntry {
  /** URL of the module to import. */
  readonly moduleUrl: string;
  readonly sourceMap: string;
  /** Stamp of the tool and hash of the value that was last found valid; undefined when none was. */
  readonly verdict: string | undefined;
}

interface Manifest {
  readonly format: number;
  readonly inputs: readonly { readonly path: string; readonly hash: string }[];
  readonly module: string;
  readonly sourceMap: string;
  readonly verdict?: string | undefined;
}

export function hashText(text: string | Buffer): string {
  return createHash('sha256').update(text).digest('hex');
}

function manifestPath(cacheDir: string, file: string): string {
  return join(cacheDir, `config-${hashText(file).slice(0, 16)}.json`);
}

/** The entry for this configuration file; undefined when there is none or a file changed. */
export async function readCachedConfig(cacheDir: string, file: string): Promise<CacheEntry | undefined> {
  try {
    const manifest = JSON.parse(await readFile(manifestPath(cacheDir, file), 'utf8')) as Manifest;
    if (manifest.format !== FORMAT) return undefined;
    const fresh = await Promise.all(
      manifest.inputs.map(async ({ path, hash }) => hashText(await readFile(path)) === hash),
    );
    if (!fresh.every(Boolean)) return undefined;
    const { module, sourceMap, verdict } = manifest;
    return { moduleUrl: pathToFileURL(join(cacheDir, module)).href, sourceMap, verdict };
  } catch {
    return undefined;
  }
}

/** Keeps a compiled configuration; where nothing can be written, the entry's module lives in its URL. */
export async function writeCachedConfig(
  cacheDir: string,
  file: string,
  compiled: CompiledConfig,
): Promise<CacheEntry> {
  const { code, sourceMap, inputs } = compiled;
  // Node loads a module's path once: a changed configuration needs a name of its own.
  const module = `config-${hashText(code).slice(0, 16)}.mjs`;
  const path = manifestPath(cacheDir, file);
  try {
    const before = await moduleBefore(path);
    await mkdir(cacheDir, { recursive: true });
    await replaceFile(join(cacheDir, module), code);
    await replaceFile(path, JSON.stringify({ format: FORMAT, inputs, module, sourceMap } satisfies Manifest));
    if (before !== undefined && before !== module) await rm(join(cacheDir, before), { force: true });
    return { moduleUrl: pathToFileURL(join(cacheDir, module)).href, sourceMap, verdict: undefined };
  } catch {
    const moduleUrl = `data:text/javascript;base64,${Buffer.from(code).toString('base64')}`;
    return { moduleUrl, sourceMap, verdict: undefined };
  }
}

/** File name of the module that a manifest names; undefined when there is none. */
async function moduleBefore(path: string): Promise<string | undefined> {
  try {
    const { module } = JSON.parse(await readFile(path, 'utf8')) as Manifest;
    return /^config-[0-9a-f]+\.mjs$/.test(module) ? module : undefined;
  } catch {
    return undefined;
  }
}

/** Remembers that the value was found valid; a failure to do so is no failure. */
export async function rememberVerdict(cacheDir: string, file: string, verdict: string): Promise<void> {
  const path = manifestPath(cacheDir, file);
  try {
    const manifest = JSON.parse(await readFile(path, 'utf8')) as Manifest;
    await replaceFile(path, JSON.stringify({ ...manifest, verdict }));
  } catch {
    // The next start looks at the value again.
  }
}

async function replaceFile(path: string, content: string): Promise<void> {
  const temporary = `${path}.${randomUUID()}.tmp`;
  try {
    await writeFile(temporary, content);
    await rename(temporary, path);
  } finally {
    await rm(temporary, { force: true });
  }
}
