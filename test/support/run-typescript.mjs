// Compiles a TypeScript program and runs it in this process: what vitest does for tests, for everything else.
import { rmSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { build } from 'esbuild';

/** @param {string} source path of the .ts file */
export async function runTypescript(source) {
  // Beside its source, so that what it finds by its own place stays where it is.
  const outfile = join(dirname(source), `.${basename(source, '.ts')}.${process.pid}.mjs`);
  process.on('exit', () => rmSync(outfile, { force: true }));
  await build({
    entryPoints: [source],
    outfile,
    bundle: true,
    format: 'esm',
    platform: 'node',
    target: 'node20',
    packages: 'external',
    logLevel: 'warning',
  });
  await import(pathToFileURL(outfile).href);
}
