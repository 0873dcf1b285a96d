/** Entry of the command line: arguments in, exit code out. The only place that renders errors. */
import { CommanderError } from 'commander';
import { EXIT, type ExitCode, TowpathError } from '../domain/errors.ts';
import type { CliContext } from './context.ts';
import { createProgram } from './program.ts';
import { createJsonView } from './views/json-view.ts';
import { renderError } from './views/render-error.ts';
import { createPaint, wantsColour } from './views/style.ts';

/** @param args without the program's own name */
export async function runCli(args: readonly string[], context: CliContext): Promise<ExitCode> {
  let exitCode: ExitCode = EXIT.done;
  const program = createProgram(context, (code) => {
    exitCode = code;
  });
  try {
    await program.parseAsync([...args], { from: 'user' });
    return exitCode;
  } catch (error) {
    if (error instanceof CommanderError) return reportUsage(error, args, context);
    throw error;
  }
}

/** Commander has written help and version itself; what it calls an error is a usage error of ours. */
function reportUsage(error: CommanderError, args: readonly string[], context: CliContext): ExitCode {
  if (error.exitCode === 0) return EXIT.done;
  const usage = usageError(error.message);
  if (args.includes('--json'))
    createJsonView(
      { write: (text) => context.write('out', text), columns: undefined },
      { stream: true },
    ).error(usage, { verbose: false });
  else {
    const paint = createPaint(wantsColour(context.interactive.output, context.env));
    context.write('err', `${renderError(usage, paint, { verbose: false })}\n`);
  }
  return EXIT.usage;
}

/** Commander's own wording, with its suggestion (a second line) where ours have theirs. */
function usageError(text: string): TowpathError {
  const [message = '', suggestion = ''] = text.replace(/^error: /, '').split('\n');
  const meant = /^\(Did you mean (.+)\?\)$/.exec(suggestion)?.[1];
  return new TowpathError('USAGE', message === '(outputHelp)' ? 'A command is missing.' : message, {
    hint: meant === undefined ? 'towpath --help' : `did you mean ${meant}? towpath --help shows all`,
  });
}
