/** Finds, compiles, evaluates and validates `towpath.config.ts`. */
import { access, stat } from 'node:fs/promises';
import { SourceMap } from 'node:module';
import { dirname, join, relative, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { TowpathError } from '../domain/errors.ts';
import { canonicalJson } from '../domain/ledger.ts';
import type { Project } from '../domain/project.ts';
import {
  type CacheEntry,
  hashText,
  readCachedConfig,
  rememberVerdict,
  writeCachedConfig,
} from './config-cache.ts';
import type { ProjectInput } from './project-input.ts';
import { resolveProject } from './resolve-project.ts';

export const CONFIG_FILE = 'towpath.config.ts';
/** Folders looked into on the way up from the current one. */
const MAX_PARENTS = 64;

export interface LoadOptions {
  /** Where the search begins, and what `file` is relative to. */
  readonly cwd: string;
  /** The configuration itself; without it `towpath.config.ts` is searched for, from `cwd` upwards. */
  readonly file?: string | undefined;
  /** Default `.towpath/cache` beside the configuration. */
  readonly cacheDir?: string | undefined;
  /**
   * Names the build of the tool: a value that it found valid is not looked at by it again.
   * Default: made from the bundle that runs; from source, where rules change unseen, every start validates.
   */
  readonly toolStamp?: string | undefined;
}

export interface LoadedProject {
  readonly project: Project;
  /** The configuration's folder: paths of the project are relative to it. */
  readonly root: string;
  readonly file: string;
}

/** Throws `CONFIG_NOT_FOUND`, `CONFIG_DOES_NOT_COMPILE`, or `CONFIG_INVALID` with every problem. */
export async function loadProject(options: LoadOptions): Promise<LoadedProject> {
  const file = await findConfig(options);
  const root = dirname(file);
  const cacheDir = options.cacheDir ?? join(root, '.towpath', 'cache');
  const cached = await readCachedConfig(cacheDir, file);
  const entry = cached ?? (await compileIntoCache(cacheDir, file));
  const input = await evaluate(entry, file);
  const verdict = verdictFor(options.toolStamp ?? (await bundleStamp()), input);
  if (verdict !== undefined && verdict === entry.verdict) {
    return { project: resolveProject(input as ProjectInput), root, file };
  }
  // Loaded late: a value that was found valid before does not need the schema.
  const { parse } = await import('./validate.ts');
  const validation = parse(input);
  if (!validation.ok) {
    const count = validation.problems.length;
    const message = `${relative(options.cwd, file) || file} has ${count} problem${count === 1 ? '' : 's'}`;
    throw new TowpathError('CONFIG_INVALID', message, {
      hint: `correct ${file} and run the command again`,
      problems: validation.problems,
    });
  }
  if (verdict !== undefined) await rememberVerdict(cacheDir, file, verdict);
  return { project: validation.project, root, file };
}

async function findConfig({ cwd, file }: LoadOptions): Promise<string> {
  if (file !== undefined) {
    const path = resolve(cwd, file);
    if (await isThere(path)) return path;
    throw new TowpathError('CONFIG_NOT_FOUND', `there is no configuration at ${path}`, {
      hint: 'name an existing file, or leave the option out to have it searched for',
    });
  }
  let folder = resolve(cwd);
  for (let parents = 0; parents < MAX_PARENTS; parents += 1) {
    const path = join(folder, CONFIG_FILE);
    if (await isThere(path)) return path;
    const parent = dirname(folder);
    if (parent === folder) break;
    folder = parent;
  }
  throw new TowpathError('CONFIG_NOT_FOUND', `there is no ${CONFIG_FILE} in ${resolve(cwd)} or above it`, {
    hint: `change to the project's folder, or write a ${CONFIG_FILE} (docs/guide.md shows one)`,
  });
}

async function isThere(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  );
}

async function compileIntoCache(cacheDir: string, file: string): Promise<CacheEntry> {
  const { compileConfig } = await import('./compile-config.ts');
  return writeCachedConfig(cacheDir, file, await compileConfig(file));
}

/** The module's default export. */
async function evaluate(entry: CacheEntry, file: string): Promise<unknown> {
  let module: Record<string, unknown>;
  try {
    module = (await import(/* @vite-ignore */ entry.moduleUrl)) as Record<string, unknown>;
  } catch (error) {
    const message = error instanceof Error ? `${error.name}: ${error.message}` : String(error);
    throw new TowpathError('CONFIG_DOES_NOT_COMPILE', `${file} fails when it is evaluated: ${message}`, {
      cause: error,
      hint: 'correct the file and run the command again',
      problems: [{ path: placeOf(error, entry, file), message }],
    });
  }
  if ('default' in module) return module.default;
  throw new TowpathError('CONFIG_DOES_NOT_COMPILE', `${file} exports no project`, {
    hint: 'write `export default defineProject({ ... })`',
    problems: [{ path: relative(dirname(file), file), message: 'there is no default export' }],
  });
}

/** `file:line:column` of the source in which an error was thrown; the file alone when that can't be told. */
function placeOf(error: unknown, entry: CacheEntry, file: string): string {
  const root = dirname(file);
  const stack = error instanceof Error ? (error.stack ?? '') : '';
  const name = entry.moduleUrl.slice(entry.moduleUrl.lastIndexOf('/') + 1);
  const frame = stack.split('\n').find((line) => line.includes(name));
  const position = /:(\d+):(\d+)\)?$/.exec(frame ?? '');
  if (!position) return relative(root, file);
  const map = new SourceMap(JSON.parse(entry.sourceMap));
  const found = map.findEntry(Number(position[1]) - 1, Number(position[2]) - 1);
  if (!('originalSource' in found)) return relative(root, file);
  const source = relative(root, resolve(root, found.originalSource));
  return `${source}:${found.originalLine + 1}:${found.originalColumn + 1}`;
}

/** Names a value together with the build that validates it; undefined when it can't be remembered. */
function verdictFor(stamp: string | undefined, input: unknown): string | undefined {
  if (stamp === undefined) return undefined;
  try {
    return hashText(`${stamp}:${canonicalJson(input)}`);
  } catch {
    // A value without JSON (a cycle, a bigint); validation says what is wrong with it.
    return undefined;
  }
}

/** Changes whenever the bundle is written; undefined when run from source. */
async function bundleStamp(): Promise<string | undefined> {
  const self = fileURLToPath(import.meta.url);
  if (self.endsWith('.ts')) return undefined;
  const { size, ctimeMs } = await stat(self);
  return `${size}:${ctimeMs}`;
}
