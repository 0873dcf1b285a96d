/**
 * `npm run bench -w app [-- NAME [OPTIONS]]`: the benches of the built service. Exit code 1 when a goal is missed.
 *
 *   speed     (when none is named) against the same routes in bare node:http, and against the Flask example under
 *             gunicorn, side by side; memory at load; time from start to ready; 100 000 fuzzed requests. Needs wrk, and
 *             what examples/flask/README.md names. --rounds N --seconds N --fuzz N
 *   restarts  ten minutes at a constant rate while tasks are stopped and replaced. Needs haproxy. --seconds N --rate N
 *   redis     ten minutes at a constant rate while Redis dies and returns. Needs redis-server. --seconds N --rate N
 *
 * This file only bundles and starts them, for Node 20 does not run TypeScript.
 */
import { spawn } from 'node:child_process';
import { cp, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';

const BENCHES = { speed: 'bench', restarts: 'restarts-bench', redis: 'redis-bench' };
const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'];

const APP_DIR = dirname(dirname(fileURLToPath(import.meta.url)));
/** The bundle lies elsewhere and could not find it. */
const FLASK_DIR = join(dirname(APP_DIR), 'examples', 'flask');
const named = process.argv[2]?.startsWith('-') === false;
const name = named ? process.argv[2] : 'speed';
if (!Object.hasOwn(BENCHES, name)) {
  console.error(`There is no bench "${name}". There are: ${Object.keys(BENCHES).join(', ')}`);
  process.exit(2);
}
const dir = await mkdtemp(join(tmpdir(), 'towpath-app-bench-'));
let code = 1;
try {
  await build({
    entryPoints: [BENCHES[name], 'bare-server'].map((file) => join(APP_DIR, 'bench', `${file}.ts`)),
    outdir: dir,
    bundle: true,
    platform: 'node',
    target: 'node20',
    format: 'esm',
    outExtension: { '.js': '.mjs' },
    logLevel: 'warning',
  });
  await run([join(APP_DIR, 'build.mjs'), '--outdir', join(dir, 'dist')]);
  await cp(join(APP_DIR, 'package.json'), join(dir, 'package.json'));
  code = await run([join(dir, `${BENCHES[name]}.mjs`), ...process.argv.slice(named ? 3 : 2)]);
} finally {
  await rm(dir, { recursive: true, force: true });
}
process.exitCode = code;

function run(args) {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, args, { stdio: 'inherit', env: { ...process.env, FLASK_DIR } });
    // A terminal tells the child itself; whoever stops this process alone does not.
    const passOn = (signal) => child.kill(signal);
    for (const signal of SIGNALS) process.on(signal, passOn);
    child.once('error', reject).once('exit', (exitCode) => {
      for (const signal of SIGNALS) process.off(signal, passOn);
      resolve(exitCode ?? 1);
    });
  });
}
