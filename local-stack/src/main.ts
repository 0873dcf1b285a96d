/**
 * The program: reads arguments, starts the local development stack, and ends it on the first signal.
 * Standard output carries JSON lines only: `note`, `log` and `reload` as they happen, one `ready` or one `error`.
 */
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import {
  EXIT,
  forceExitAfter,
  listenForEnd,
  printError,
  printLine,
  runProgram,
  UsageError,
} from '../../local-aws/src/daemon-program.ts';
import type { DevService, StackOptions } from './contract.ts';
import { cleanStack, startStack } from './start-stack.ts';

const usage = `Usage: node local-stack/dist/main.js --state-dir DIR --options JSON [--exit-with-parent]
       node local-stack/dist/main.js --state-dir DIR --clean

  --state-dir DIR      configuration, data and logs of the servers; one stack for a directory
  --options JSON       project, service, localAwsDir, and perhaps runner (compose, native) and engine (docker, podman)
  --exit-with-parent   end when standard input closes
  --clean              start nothing: end what a killed stack has left
`;
/** For a start or stop after we were asked to end. */
const forcedExitMs = 90_000;

interface ReadOptions {
  readonly stateDir: string;
  readonly options: StackOptions | undefined;
  readonly exitWithParent: boolean;
}

function readOptions(args: readonly string[]): ReadOptions {
  const values = parseArguments(args);
  if (values.help === true) {
    process.stdout.write(usage);
    process.exit(0);
  }
  const stateDir = values['state-dir'];
  if (stateDir === undefined || stateDir === '') throw new UsageError('--state-dir is missing.');
  const exitWithParent = values['exit-with-parent'] === true;
  if (values.clean === true) return { stateDir, options: undefined, exitWithParent };
  if (values.options === undefined) throw new UsageError('--options is missing.');
  const given = JSON.parse(values.options) as {
    readonly project: string;
    readonly service: DevService;
    readonly localAwsDir: string;
    readonly runner?: StackOptions['runner'];
    readonly engine?: StackOptions['engine'];
  };
  return {
    stateDir,
    exitWithParent,
    options: {
      runner: undefined,
      engine: undefined,
      ...given,
      stateDir,
      // Beside the source and beside the bundle alike: both lie one folder below.
      home: fileURLToPath(new URL('..', import.meta.url)),
      variables: process.env,
    },
  };
}

function parseArguments(args: readonly string[]) {
  try {
    return parseArgs({
      args: [...args],
      options: {
        'state-dir': { type: 'string' },
        options: { type: 'string' },
        'exit-with-parent': { type: 'boolean' },
        clean: { type: 'boolean' },
        help: { type: 'boolean' },
      },
    }).values;
  } catch (error) {
    throw new UsageError(error instanceof Error ? error.message : String(error));
  }
}

async function run(): Promise<number> {
  const { stateDir, options, exitWithParent } = readOptions(process.argv.slice(2));
  if (options === undefined) {
    try {
      printLine({ type: 'cleaned', found: await cleanStack({ stateDir, variables: process.env }) });
      return EXIT.done;
    } catch (error) {
      printError(error);
      return EXIT.failed;
    }
  }
  const end = listenForEnd(exitWithParent);
  // Nobody reads what a daemon prints; all of it is in its logs.
  const stack = startStack(options, exitWithParent ? printLine : () => undefined);
  try {
    const status = await Promise.race([stack.ready, end.then(() => undefined)]);
    if (status !== undefined) printLine({ type: 'ready', ...status });
  } catch (error) {
    printError(error);
    return EXIT.failed;
  }
  const code = await end;
  forceExitAfter(forcedExitMs);
  await stack.stop();
  return code;
}

runProgram(run);
