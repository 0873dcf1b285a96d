// Runs a benchmark of this folder: `npm run bench` the main one, `npm run bench -- NAME` the one of that name.
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { runTypescript } from '../support/run-typescript.mjs';

const [name = 'bench'] = process.argv.slice(2);
const source = fileURLToPath(new URL(`./${name}.ts`, import.meta.url));
if (!/^[a-z-]+$/.test(name) || !existsSync(source)) {
  console.error(`There is no benchmark "${name}" in test/bench.`);
  process.exit(2);
}
await runTypescript(source);
