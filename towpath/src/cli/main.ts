/** Entry of the command line: arguments in, exit code out. The only place that renders errors. */
import { type Command, CommanderError } from 'commander';
import { EXIT, type ExitCode, TowpathError } from '../domain/errors.ts';
import type { CliContext } from './context.ts';
import { createProgram } from './program.ts';
import { createJsonView } from './views/json-view.ts';
import { renderError } from './views/render-error.ts';
import { createPaint, wantsColour } from './views/style.ts';

/** @param args without the program's own name */
export async function runCli(args: readonly string[], context: CliContext): Promise<number> {
  let exitCode: number = EXIT.done;
  const program = createProgram(context, (code) => {
    exitCode = code;
  });
  try {
    await program.parseAsync([...args], { from: 'user' });
    return exitCode;
  } catch (error) {
    if (error instanceof CommanderError) return reportUsage(program, error, args, context);
    throw error;
  }
}

/** Commander has written help and version itself; what it calls an error is a usage error of ours. */
function reportUsage(
  program: Command,
  error: CommanderError,
  args: readonly string[],
  context: CliContext,
): ExitCode {
  if (error.exitCode === 0) return EXIT.done;
  const usage = usageError(error, `towpath ${args.join(' ')}`.trim(), commandOf(program, args));
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

/** The command that the words name, as far as they do: its help knows what was meant. */
function commandOf(program: Command, args: readonly string[]): string {
  let command = program;
  const path = ['towpath'];
  for (const word of args) {
    const next = command.commands.find((each) => each.name() === word);
    if (!next) break;
    command = next;
    path.push(word);
  }
  return path.join(' ');
}

/** Commander's own wording, with its suggestion (a second line) where ours have theirs. */
function usageError({ message: text }: CommanderError, typed: string, command: string): TowpathError {
  const [message = '', suggestion = ''] = text.replace(/^error: /, '').split('\n');
  const help = `${command} --help`;
  const meant = /^\(Did you mean (.+)\?\)$/.exec(suggestion)?.[1];
  if (meant !== undefined)
    return new TowpathError('USAGE', message, { hint: `did you mean ${meant}? ${help} shows all` });
  const lacking = /^required option '(--[\w-]+) <(.+)>' not specified$/.exec(message);
  if (lacking) return new TowpathError('USAGE', message, { hint: `${typed} ${lacking[1]} "${lacking[2]}"` });
  return new TowpathError('USAGE', message === '(outputHelp)' ? 'A command is missing.' : message, {
    hint: help,
  });
}
