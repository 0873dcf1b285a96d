/**
 * The program: reads arguments, starts the daemon, and ends it on the first signal.
 * Standard output carries JSON lines only: one `ready` or one `error`.
 */
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { type Daemon, type DaemonOptions, purge, startDaemon } from './daemon.ts';
import {
  EXIT,
  forceExitAfter,
  listenForEnd,
  printError,
  printLine,
  runProgram,
  UsageError,
} from './daemon-program.ts';

const usage = `Usage: node local-aws/dist/main.js --state-dir DIR [options]

  --state-dir DIR      what outlives a stop: AWS resources, registry, keys, logs; one daemon for a directory
  --port N             of the gateway on 127.0.0.1 (default: 4700 or the next free one)
  --speed N            divides every interval of AWS, 0.1 to 1000 (default: 1)
  --region NAME        the one region in which tasks and load balancers run (default: us-east-1)
  --driver NAME        process (default), or docker: real containers, where an engine answers
  --exit-with-parent   end when standard input closes
  --purge              start nothing: forget all that is in the state directory
`;
const maxSpeed = 1000;
const minSpeed = 0.1;
/** For a start or stop after we were asked to end. */
const forcedExitMs = 30_000;

class ControlPlaneDied extends Error {
  readonly hint =
    'Start the embedded AWS again: everything up to the last answered call comes back. daemon.log has more.';
  constructor(failure: string) {
    super(`The control plane of the embedded AWS died: ${failure}`);
  }
}

interface ReadOptions {
  readonly options: DaemonOptions;
  readonly exitWithParent: boolean;
  readonly purge: boolean;
}

function readOptions(args: readonly string[]): ReadOptions {
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
  const driver = values.driver ?? 'process';
  if (driver !== 'process' && driver !== 'docker')
    throw new UsageError(`--driver must be process or docker, not "${driver}".`);
  const options: DaemonOptions = {
    stateDir,
    driver,
    port: readPort(values.port),
    speed,
    region,
    // Beside the source and beside the bundle alike: both lie one folder below.
    requirements: fileURLToPath(new URL('../requirements.txt', import.meta.url)),
    environment: process.env,
  };
  return {
    options,
    exitWithParent: values['exit-with-parent'] === true,
    purge: values.purge === true,
  };
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
        driver: { type: 'string' },
        'exit-with-parent': { type: 'boolean' },
        purge: { type: 'boolean' },
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

async function purgeAndReport(stateDir: string): Promise<number> {
  try {
    printLine({ type: 'purged', found: await purge(stateDir) });
    return EXIT.done;
  } catch (error) {
    printError(error);
    return EXIT.failed;
  }
}

async function run(): Promise<number> {
  const { options, exitWithParent, purge: forget } = readOptions(process.argv.slice(2));
  if (forget) return purgeAndReport(options.stateDir);
  const end = listenForEnd(exitWithParent);
  let daemon: Daemon;
  try {
    const starting = startDaemon(options);
    // Asked to end while starting: the parts that are up are taken down in order, or the kernel does it.
    void end.then(() => forceExitAfter(forcedExitMs));
    daemon = await starting;
  } catch (error) {
    printError(error);
    return EXIT.failed;
  }
  printLine({ type: 'ready', ...daemon.info });
  const failed = daemon.ended.then(({ failure }) => {
    if (failure === undefined) return EXIT.done;
    printError(new ControlPlaneDied(failure));
    return EXIT.failed;
  });
  const code = await Promise.race([end, failed]);
  forceExitAfter(forcedExitMs);
  await daemon.stop();
  return code;
}

runProgram(run);
