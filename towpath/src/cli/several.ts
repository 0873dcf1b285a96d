/** A verb for one environment or for several: the same answer for one, a summary with every outcome for more. */

import type { Outcome } from '../actions/index.ts';
import { EXIT, type ExitCode, TowpathError } from '../domain/errors.ts';
import type { CommandSession } from './session.ts';
import { renderError } from './views/render-error.ts';
import type { CommandResult } from './views/view.ts';

/** The worst that happened is the outcome of the whole, whatever the order of the environments. */
const WORST_FIRST = [EXIT.bug, EXIT.failed, EXIT.usage, EXIT.waiting, EXIT.done] as const;

export function summarise<T>(
  outcomes: readonly Outcome<T>[],
  { paint, globals }: CommandSession,
  render: (value: T) => CommandResult,
): CommandResult & { readonly exitCode: ExitCode } {
  const exitCodes = new Set<ExitCode>([EXIT.done]);
  const texts: string[] = [];
  const environments: object[] = [];
  for (const outcome of outcomes) {
    if ('value' in outcome) {
      const { json, text } = render(outcome.value);
      texts.push(text);
      environments.push({ environment: outcome.environment, ...json });
      continue;
    }
    const { environment, error } = outcome;
    exitCodes.add(error instanceof TowpathError ? error.exitCode : EXIT.bug);
    texts.push(`${paint('bold', environment)}\n${renderError(error, paint, globals)}`);
    const code = error instanceof TowpathError ? error.code : 'BUG';
    const message = error instanceof Error ? error.message : String(error);
    const hint = error instanceof TowpathError ? error.hint : undefined;
    environments.push({ environment, error: { code, message, hint } });
  }
  const exitCode = WORST_FIRST.find((code) => exitCodes.has(code)) ?? EXIT.done;
  return { json: { environments }, text: texts.filter((text) => text !== '').join('\n'), exitCode };
}
