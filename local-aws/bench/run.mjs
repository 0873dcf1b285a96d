// `npm run bench -w local-aws [-- NAME ...]`: every benchmark of the embedded AWS, one after the other, each a process of
// its own, so that none is measured with what another one left behind.
import { spawn } from 'node:child_process';
import { rmSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';

const root = fileURLToPath(new URL('../..', import.meta.url));
const LIMIT_MS = 900_000;

/** By name: the program, in the order in which they run. */
const BENCHMARKS = {
  gateway: 'test/local-bench/gateway-bench.ts',
  rolling: 'test/local-bench/rolling-bench.ts',
  resources: 'test/local-bench/resources-bench.ts',
  'warm-start': 'test/bench/warm-start.ts',
  scaling: 'local-aws/bench/scaling.ts',
  balancer: 'local-aws/bench/run-balancer.ts',
  simulation: 'local-aws/bench/simulation.ts',
};

const chosen = process.argv.slice(2);
const unknown = chosen.filter((name) => !Object.hasOwn(BENCHMARKS, name));
if (unknown.length > 0) {
  console.error(`No such benchmark: ${unknown.join(', ')}. There are: ${Object.keys(BENCHMARKS).join(', ')}`);
  process.exit(2);
}
const failed = [];
for (const [name, source] of Object.entries(BENCHMARKS)) {
  if (chosen.length > 0 && !chosen.includes(name)) continue;
  console.log(`\n# ${name}`);
  if ((await run(join(root, source))) !== 0) failed.push(name);
}
if (failed.length > 0) console.log(`\ngoals missed, or failed: ${failed.join(', ')}`);
process.exitCode = failed.length > 0 ? 1 : 0;

/** Compiles a program beside its source, so that what it finds by its own place stays where it is, and runs it. */
async function run(source) {
  const outfile = join(dirname(source), `.${basename(source, '.ts')}.${process.pid}.mjs`);
  try {
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
    const child = spawn(process.execPath, [outfile], { cwd: root, stdio: 'inherit', timeout: LIMIT_MS });
    return await new Promise((resolve) => child.once('exit', (code) => resolve(code ?? 1)));
  } finally {
    rmSync(outfile, { force: true });
  }
}
