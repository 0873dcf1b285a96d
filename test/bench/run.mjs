// Compiles a benchmark, which is TypeScript, and runs it: `node test/bench/run.mjs [name]`.
import { rmSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';

const BENCHMARKS = {
  deploy: './bench.ts',
  several: './several.ts',
  ledger: '../../towpath/test/bench/ledger.ts',
  explanations: '../fixtures/explanations-bench.ts',
  'warm-start': './warm-start.ts',
};

const name = process.argv[2] ?? 'deploy';
const source = Object.hasOwn(BENCHMARKS, name) ? BENCHMARKS[name] : undefined;
if (source === undefined) {
  process.stderr.write(`There is no benchmark "${name}"; there are: ${Object.keys(BENCHMARKS).join(', ')}\n`);
  process.exit(2);
}
// Beside its source, so that what it finds by its own place stays where it is.
const outfile = fileURLToPath(new URL(source.replace(/[^/]+$/, '.bench.mjs'), import.meta.url));
await build({
  entryPoints: [fileURLToPath(new URL(source, import.meta.url))],
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
