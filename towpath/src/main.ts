/** Composition root: the only place that knows every adapter. */
import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { createClouds } from './adapters/cloud.ts';
import { createLocalAws } from './adapters/local-aws/local-aws.ts';
import { createLocalStack } from './adapters/local-stack/local-stack.ts';
import { isAlive } from './adapters/process/process-identity.ts';
import { systemClock, systemRandom } from './adapters/system.ts';
import { lendProcessTerminal } from './adapters/terminal/process-terminal.ts';
import { createWorkspace } from './adapters/workspace/workspace.ts';
import { warnOfChaos } from './cli/chaos-warning.ts';
import { type CliContext, DEFAULT_IDENTITY, type GlobalOptions } from './cli/context.ts';
import { runCli } from './cli/main.ts';
import { loadProject } from './config/load.ts';
import { EXIT, TowpathError } from './domain/errors.ts';
import type { LocalAwsPort } from './ports.ts';

const PACKAGE_ROOT = join(dirname(fileURLToPath(import.meta.url)), '..');
const LOCAL_AWS_ENTRY = join(PACKAGE_ROOT, '..', 'local-aws', 'dist', 'main.js');
const LOCAL_STACK_ENTRY = join(PACKAGE_ROOT, '..', 'local-stack', 'dist', 'main.js');

/** What belongs to this computer alone is kept here, in the project's root. */
function stateFolder(root: string): string {
  return join(root, '.towpath');
}

const openProject: CliContext['openProject'] = async (globals, { notifier, prompter }) => {
  const { project, root } = await loadProject({ cwd: process.cwd(), file: globals.config });
  const localAws = globals.local ? localAwsOf(root, project.region) : undefined;
  const local = localAws && (await openLocalTarget(localAws, globals));
  if (localAws) await warnOfChaos(localAws, notifier);
  const common = { project, clock: systemClock, random: systemRandom, notifier };
  return {
    ...common,
    prompter,
    workspace: createWorkspace(root),
    cloud: createClouds({ ...common, root, stateDir: stateFolder(root), local }),
  };
};

/** Endpoint and keys of the running embedded AWS. */
async function openLocalTarget(localAws: LocalAwsPort, globals: GlobalOptions) {
  const [running, keys] = await Promise.all([
    localAws.find(),
    localAws.credentials(globals.as ?? DEFAULT_IDENTITY),
  ]);
  if (running && keys) {
    return {
      endpoint: running.endpoint,
      keys,
      driver: running.driver,
      runs: () => isAlive(running.pid, undefined),
    };
  }
  throw new TowpathError('LOCAL_NOT_RUNNING', 'The embedded AWS is not running.', {
    hint: 'towpath local up (or npm start, which also deploys)',
  });
}

function localAwsFolder(root: string): string {
  return join(stateFolder(root), 'local');
}

function localAwsOf(root: string, region: string): LocalAwsPort {
  return createLocalAws({ entry: LOCAL_AWS_ENTRY, stateDir: localAwsFolder(root), region });
}

const openLocalAws: CliContext['openLocalAws'] = async (globals) => {
  const { root, project } = await loadProject({ cwd: process.cwd(), file: globals.config });
  return localAwsOf(root, project.region);
};

const openStack: CliContext['openStack'] = async (globals) => {
  const { root, project } = await loadProject({ cwd: process.cwd(), file: globals.config });
  return createLocalStack({
    entry: LOCAL_STACK_ENTRY,
    project,
    root,
    stateDir: join(stateFolder(root), 'stack'),
    localAwsDir: localAwsFolder(root),
  });
};

/** The first signal ends the command in good order; a second one ends it at once. */
function abortOnSignals(): AbortSignal {
  const controller = new AbortController();
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
    process.on(signal, () => {
      if (controller.signal.aborted && signal === 'SIGINT') process.exit(EXIT.failed);
      controller.abort(new Error(`received ${signal}`));
    });
  }
  return controller.signal;
}

async function readStdin(): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of process.stdin) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks).toString('utf8');
}

/** A reader that went away (a pager, `head`) or a closed terminal must not turn into a crash; who waits for more ends. */
function watchOutput(): AbortSignal {
  const gone = new AbortController();
  process.stdout.on('error', (error) => gone.abort(error));
  process.stderr.on('error', () => undefined);
  return gone.signal;
}

function readVersion(): string {
  const file = join(PACKAGE_ROOT, 'package.json');
  return existsSync(file) ? (JSON.parse(readFileSync(file, 'utf8')) as { version: string }).version : '0.0.0';
}

const outputGone = watchOutput();
const exitCode = await runCli(process.argv.slice(2), {
  openProject,
  openLocalAws,
  openStack,
  version: readVersion(),
  env: process.env,
  interactive: { input: process.stdin.isTTY === true, output: process.stdout.isTTY === true },
  // A terminal that was given no size says 0.
  columns: () => process.stdout.columns || undefined,
  write: (stream, text) => void (stream === 'out' ? process.stdout : process.stderr).write(text),
  readStdin,
  lendTerminal: lendProcessTerminal,
  signal: abortOnSignals(),
  outputGone,
  now: () => Date.now(),
});
process.exitCode = exitCode;
