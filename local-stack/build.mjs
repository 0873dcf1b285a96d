/** Bundles the stack's program into dist/main.js: one file, so that it starts fast and runs without node_modules. */
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import { bundleOptions } from '../local-aws/bundle-options.mjs';

const folder = fileURLToPath(new URL('.', import.meta.url));
await build({ ...bundleOptions, absWorkingDir: folder, outfile: 'dist/main.js' });
