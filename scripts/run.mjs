/**
 * What `npm start`, `npm test`, `npm run dev|check|sweep|build|bench|tour` run: sets up what is missing, then does the work.
 * Plain Node without a dependency, since it runs before anything is installed. It decides nothing about AWS.
 *
 * Usage: node scripts/run.mjs <start|dev|test|check|sweep|build|bench|tour> [arguments]
 */
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { buildWorkspaces } from './lib/build-workspaces.mjs';
import { installPackages } from './lib/install-packages.mjs';
import { requireNode, requireTools } from './lib/required-tools.mjs';
import { runChild } from './lib/run-child.mjs';
import { runSuite } from './lib/run-suite.mjs';
import { exitCodeOf, SetupError } from './lib/setup-error.mjs';

const ROOT = join(dirname(fileURLToPath(import.meta.url)), '..');

const COMMANDS = {
  start: { tools: ['terraform', 'moto'], build: true, run: start },
  test: { tools: ['terraform', 'moto'], build: true, run: (args) => runSuite('test', args, ROOT) },
  check: { tools: ['terraform'], build: false, run: (args) => runSuite('check', args, ROOT) },
  sweep: { tools: ['terraform', 'moto'], build: true, run: (args) => runSuite('sweep', args, ROOT) },
  build: { tools: [], build: true, run: async () => 0 },
  bench: { tools: ['terraform', 'moto'], build: true, run: (args) => runProgram('bench', args) },
  dev: { tools: [], build: true, run: dev },
  tour: { tools: ['terraform', 'moto'], build: true, run: (args) => runProgram('tour', args) },
};

/** The embedded AWS with the first environment deployed, in the foreground until it is stopped. */
async function start(args) {
  return runInForeground(join('towpath', 'bin', 'towpath.mjs'), ['local', 'up', '--deploy', ...args]);
}

/** The local development stack with the app from its source, in the foreground until it is stopped. */
async function dev(args) {
  return runInForeground(join('towpath', 'bin', 'towpath.mjs'), ['stack', 'up', '--foreground', ...args]);
}

async function runProgram(name, args) {
  return runInForeground(join('test', name, 'run.mjs'), args);
}

async function runInForeground(script, args) {
  const result = await runChild(process.execPath, [script, ...args], {
    cwd: ROOT,
    output: 'inherit',
    endWithParent: true,
  });
  return exitCodeOf(result);
}

async function main([name = '', ...args]) {
  const command = Object.hasOwn(COMMANDS, name) ? COMMANDS[name] : undefined;
  if (command === undefined) {
    console.error(`"${name}" is no command. Use one of: ${Object.keys(COMMANDS).join(', ')}`);
    return 2;
  }
  requireTools(command.tools);
  await installPackages(ROOT);
  if (command.build) await buildWorkspaces(ROOT);
  return command.run(args);
}

try {
  requireNode(process.versions.node);
  process.exitCode = await main(process.argv.slice(2));
} catch (error) {
  if (!(error instanceof SetupError)) throw error;
  console.error(error.message);
  process.exitCode = error.exitCode;
}
