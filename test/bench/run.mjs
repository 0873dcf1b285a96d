// Compiles the benchmark, which is TypeScript, and runs it.
import { rmSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';

// Beside its source, so that what it finds by its own place stays where it is.
const outfile = fileURLToPath(new URL('./.bench.mjs', import.meta.url));
await build({
  entryPoints: [fileURLToPath(new URL('./bench.ts', import.meta.url))],
  outfile,
  bundle: true,
  format: 'esm',
  platform: 'node',
  target: 'node20',
  packages: 'external',
  logLevel: 'warning',
});
process.on('exit', () => rmSync(outfile, { force: true }));
await import(outfile);
