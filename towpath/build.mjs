// Bundles the command line: one small entry, everything heavy in chunks that are loaded when needed.
import { rm } from 'node:fs/promises';
import { build } from 'esbuild';

const outdir = new URL('./dist/', import.meta.url);
await rm(outdir, { recursive: true, force: true });
await build({
  entryPoints: [new URL('./src/main.ts', import.meta.url).pathname],
  outdir: outdir.pathname,
  bundle: true,
  splitting: true,
  format: 'esm',
  platform: 'node',
  target: 'node20',
  // Otherwise the AWS clients' CommonJS build is taken, and a dynamic import of it yields only `default`.
  mainFields: ['module', 'main'],
  // esbuild finds its own binary beside its package; dockerfile-ast can only be required.
  external: ['esbuild', 'dockerfile-ast'],
  minify: true,
  keepNames: true,
  sourcemap: false,
  legalComments: 'none',
  banner: {
    js: "import { createRequire as __createRequire } from 'node:module'; const require = __createRequire(import.meta.url);",
  },
  logLevel: 'warning',
});
