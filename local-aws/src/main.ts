/**
 * The program: reads arguments, starts the daemon, and ends it on the first signal.
 * Standard output carries JSON lines only: one `ready` or one `error`.
 */
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { type Daemon, type DaemonOptions, startDaemon } from './daemon.ts';

const usage = `Usage: node local-aws/dist/main.js --state-dir DIR [options]

  --state-dir DIR      keys, registry and logs; one daemon for a directory
  --port N             of the gateway on 127.0.0.1 (default: 4700 or the next free one)
  --speed N            divides every interval of AWS, 0.1 to 1000 (default: 1)
  --region NAME        the one region in which tasks and load balancers run (default: us-east-1)
  --exit-with-parent   end when standard input closes
`;
const maxSpeed = 1000;
const minSpeed = 0.1;
/** A start or stop that hangs after we were asked to end is cut off; our children die with us. */
const forcedExitMs = 30_000;

const exitFailed = 1;
const exitUsage = 2;
const exitBug = 70;

class UsageError extends Error {
  readonly hint = 'Run it with --help for the options.';
}

class ControlPlaneDied extends Error {
  readonly hint =
    'All of it was in memory: start the embedded AWS again, then bootstrap and deploy. daemon.log has more.';
  constructor(failure: string) {
    super(`The control plane of the embedded AWS died: ${failure}`);
  }
}

function readOptions(args: readonly string[]): { options: DaemonOptions; exitWithParent: boolean } {
  const { values } = parseArguments(args);
  if (values.help === true) {
    process.stdout.write(usage);
    process.exit(0);
  }
  const stateDir = values['state-dir'];
  if (stateDir === undefined || stateDir === '') throw new UsageError('--state-dir is missing.');
  const speed = Number(values.speed ?? '1');
  if (!(speed >= minSpeed && speed <= maxSpeed)) {
    throw new UsageError(`--speed must be a number from ${minSpeed} to ${maxSpeed}, not "${values.speed}".`);
  }
  const region = values.region ?? 'us-east-1';
  if (!/^[a-z]{2}(?:-[a-z]+)+-\d$/.test(region))
    throw new UsageError(`--region "${region}" is no AWS region.`);
  const options = {
    stateDir,
    port: readPort(values.port),
    speed,
    region,
    // Beside the source and beside the bundle alike: both lie one folder below.
    requirements: fileURLToPath(new URL('../requirements.txt', import.meta.url)),
    environment: process.env,
  };
  return { options, exitWithParent: values['exit-with-parent'] === true };
}

function parseArguments(args: readonly string[]) {
  try {
    return parseArgs({
      args: [...args],
      options: {
        'state-dir': { type: 'string' },
        port: { type: 'string' },
        speed: { type: 'string' },
        region: { type: 'string' },
        'exit-with-parent': { type: 'boolean' },
        help: { type: 'boolean' },
      },
    });
  } catch (error) {
    throw new UsageError(error instanceof Error ? error.message : String(error));
  }
}

function readPort(text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  const port = Number(text);
  if (!Number.isInteger(port) || port < 1 || port > 65_535)
    throw new UsageError(`--port must be from 1 to 65535, not "${text}".`);
  return port;
}

function printLine(line: object): void {
  process.stdout.write(`${JSON.stringify(line)}\n`);
}

function printError(error: unknown): void {
  const message = error instanceof Error ? error.message : String(error);
  const { code, hint } = error as { readonly code?: unknown; readonly hint?: unknown };
  printLine({
    type: 'error',
    ...(typeof code === 'string' && { code }),
    message,
    ...(typeof hint === 'string' && { hint }),
  });
}

/** Resolves with the exit code once something asks for the end. Registered before anything is started. */
function listenForEnd(exitWithParent: boolean): Promise<number> {
  return new Promise((resolve) => {
    for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => resolve(0));
    if (exitWithParent) {
      process.stdin.resume();
      process.stdin.once('end', () => resolve(0));
      process.stdin.once('error', () => resolve(0));
    }
    const broken = (error: unknown) => {
      printError(error);
      resolve(exitBug);
    };
    process.on('uncaughtException', broken);
    process.on('unhandledRejection', broken);
    // Whoever read our standard output may be gone; that is no reason to end.
    process.stdout.on('error', () => undefined);
  });
}

async function run(): Promise<number> {
  const { options, exitWithParent } = readOptions(process.argv.slice(2));
  const end = listenForEnd(exitWithParent);
  let daemon: Daemon;
  try {
    const starting = startDaemon(options);
    // Asked to end while starting: the parts that are up are taken down in order, or the kernel does it.
    void end.then(forceExitLater);
    daemon = await starting;
  } catch (error) {
    printError(error);
    return exitFailed;
  }
  printLine({ type: 'ready', ...daemon.info });
  const failed = daemon.ended.then(({ failure }) => {
    if (failure === undefined) return 0;
    printError(new ControlPlaneDied(failure));
    return exitFailed;
  });
  const code = await Promise.race([end, failed]);
  forceExitLater();
  await daemon.stop();
  return code;
}

function forceExitLater(): void {
  setTimeout(() => process.exit(exitFailed), forcedExitMs).unref();
}

run()
  .catch((error: unknown) => {
    printError(error);
    return error instanceof UsageError ? exitUsage : exitBug;
  })
  .then((code) => process.exit(code));
