/**
 * Bundles the daemon into dist/, to run without node_modules: main.js is what starts moto, the rest is in chunks that are
 * read while moto starts.
 *
 * Usage: node build.mjs [OUTDIR]
 */
import { rm } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import { bundleOptions } from './bundle-options.mjs';

const folder = fileURLToPath(new URL('.', import.meta.url));
const [outdir = fileURLToPath(new URL('dist', import.meta.url))] = process.argv.slice(2);

// Chunks are named by their content: those of the build before would stay.
await rm(outdir, { recursive: true, force: true });
await build({ ...bundleOptions, absWorkingDir: folder, outdir, splitting: true });
