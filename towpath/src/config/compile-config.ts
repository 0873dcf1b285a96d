/**
 * Turns a configuration in TypeScript, and the local files it imports, into one module.
 * The compiler is loaded here and nowhere else: a start from the cache does without it.
 */
import { readFile } from 'node:fs/promises';
import { dirname, relative, resolve } from 'node:path';
import type { BuildFailure, Message, Plugin } from 'esbuild';
import { TowpathError } from '../domain/errors.ts';
import { hashText } from './config-cache.ts';

export interface CompiledConfig {
  readonly code: string;
  /** Source map (JSON); its sources are relative to the configuration's folder. */
  readonly sourceMap: string;
  /** Every file that went into the module. */
  readonly inputs: readonly { readonly path: string; readonly hash: string }[];
}

/** `import { defineProject } from 'towpath'` works wherever the configuration lies, with nothing installed. */
const INLINE_TOWPATH: Plugin = {
  name: 'towpath',
  setup(build) {
    build.onResolve({ filter: /^towpath$/ }, () => ({ path: 'towpath', namespace: 'inline' }));
    build.onLoad({ filter: /./, namespace: 'inline' }, () => ({
      contents: 'export const defineProject = (input) => input;',
    }));
  },
};

/**
 * The compiler's child process ends with this one, and does not keep it alive.
 * Throws `CONFIG_DOES_NOT_COMPILE` with every error's file, line and column.
 */
export async function compileConfig(file: string): Promise<CompiledConfig> {
  const folder = dirname(file);
  const esbuild = await import('esbuild');
  try {
    const result = await esbuild.build({
      absWorkingDir: folder,
      entryPoints: [file],
      outfile: `${file}.mjs`,
      bundle: true,
      platform: 'node',
      format: 'esm',
      target: 'node20',
      mainFields: ['module', 'main'],
      sourcemap: 'external',
      metafile: true,
      write: false,
      logLevel: 'silent',
      plugins: [INLINE_TOWPATH],
    });
    const paths = Object.keys(result.metafile.inputs)
      .filter((path) => !path.startsWith('inline:'))
      .map((path) => resolve(folder, path));
    const inputs = await Promise.all(
      paths.map(async (path) => ({ path, hash: hashText(await readFile(path)) })),
    );
    const output = (ending: string) =>
      result.outputFiles.find(({ path }) => path.endsWith(ending))?.text ?? '';
    return { code: output('.mjs'), sourceMap: output('.map'), inputs };
  } catch (error) {
    if (!isBuildFailure(error)) throw error;
    throw new TowpathError('CONFIG_DOES_NOT_COMPILE', `${file} does not compile`, {
      cause: error,
      hint: 'correct the file and run the command again',
      problems: error.errors.map((message) => describeMessage(message, folder)),
      context: error.errors.flatMap(({ location }) => (location ? [location.lineText] : [])),
    });
  }
}

function isBuildFailure(error: unknown): error is BuildFailure {
  return error instanceof Error && 'errors' in error && Array.isArray(error.errors);
}

/** esbuild counts lines from 1 and columns from 0; people count both from 1. */
function describeMessage({ text, location }: Message, folder: string) {
  if (!location) return { path: '(configuration)', message: text };
  const path = relative(folder, resolve(folder, location.file));
  return { path: `${path}:${location.line}:${location.column + 1}`, message: text };
}
