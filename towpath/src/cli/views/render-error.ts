/** An error for people: what happened, where, and the next command. A stack trace only when asked for. */
import { TowpathError } from '../../domain/errors.ts';
import type { Paint } from './style.ts';

export function renderError(error: unknown, paint: Paint, options: { readonly verbose: boolean }): string {
  const lines: string[] = [];
  if (error instanceof TowpathError) {
    lines.push(`${paint('red', '✗')} ${error.message}`);
    for (const problem of error.problems) lines.push(`  ${paint('bold', problem.path)}: ${problem.message}`);
    for (const line of error.context) lines.push(`  ${paint('dim', '│')} ${line}`);
    if (error.hint !== undefined) lines.push(`  ${paint('cyan', 'next:')} ${error.hint}`);
    if (options.verbose) lines.push('', `[${error.code}]`);
  } else {
    const message = error instanceof Error ? error.message : String(error);
    lines.push(`${paint('red', '✗')} This is a bug in Towpath: ${message}`);
    if (!options.verbose)
      lines.push(`  ${paint('cyan', 'next:')} run it again with --verbose and report what it prints`);
  }
  if (options.verbose) {
    for (let cause: unknown = error; cause instanceof Error; cause = cause.cause)
      lines.push(cause.stack ?? String(cause));
  }
  return lines.join('\n');
}
