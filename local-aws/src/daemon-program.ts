/**
 * What the programs of the embedded AWS and of the local development stack have in common: they speak in JSON lines on
 * standard output, end on the first signal or with their parent, and have a code for each way to fail.
 */

export const EXIT = { done: 0, failed: 1, usage: 2, bug: 70 } as const;

/** The command line can't be understood. */
export class UsageError extends Error {
  readonly hint = 'Run it with --help for the options.';
}

export function printLine(line: object): void {
  process.stdout.write(`${JSON.stringify(line)}\n`);
}

/** One line of the type `error`, with the code and the hint that the error may carry. */
export function printError(error: unknown): void {
  const message = error instanceof Error ? error.message : String(error);
  const { code, hint } = error as { readonly code?: unknown; readonly hint?: unknown };
  printLine({
    type: 'error',
    ...(typeof code === 'string' && { code }),
    message,
    ...(typeof hint === 'string' && { hint }),
  });
}

/** Resolves with the exit code once something asks for the end. To be called before anything is started. */
export function listenForEnd(exitWithParent: boolean): Promise<number> {
  return new Promise((resolve) => {
    for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const)
      process.on(signal, () => resolve(EXIT.done));
    if (exitWithParent) {
      process.stdin.resume();
      process.stdin.once('end', () => resolve(EXIT.done));
      process.stdin.once('error', () => resolve(EXIT.done));
    }
    const broken = (error: unknown) => {
      printError(error);
      resolve(EXIT.bug);
    };
    process.on('uncaughtException', broken);
    process.on('unhandledRejection', broken);
    // Whoever read our standard output may be gone; that is no reason to end.
    process.stdout.on('error', () => undefined);
  });
}

/** A start or stop that hangs after we were asked to end is cut off; our children die with us. */
export function forceExitAfter(limitMs: number): void {
  setTimeout(() => process.exit(EXIT.failed), limitMs).unref();
}

/** Runs the program to its end. @param run resolves with the exit code */
export function runProgram(run: () => Promise<number>): void {
  run()
    .catch((error: unknown) => {
      printError(error);
      return error instanceof UsageError ? EXIT.usage : EXIT.bug;
    })
    .then((code) => process.exit(code));
}
