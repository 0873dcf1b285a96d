/** What went wrong in a run of Terraform, told once and for all verbs. */
import { TowpathError } from '../../domain/errors.ts';
import type { TerraformOptions } from './terraform.ts';
import type { Diagnostic, TerraformEvent } from './terraform-events.ts';
import type { TerraformResult } from './terraform-process.ts';

const CONTEXT_LINES = 40;
/** AWS's codes, as the provider and the backend pass them on in their messages. */
const EXPIRED = /\b(?:ExpiredToken(?:Exception)?|RequestExpired|TokenRefreshRequired)\b/;

export function errorsOf(events: readonly TerraformEvent[]): readonly Diagnostic[] {
  return events.flatMap((event) =>
    event.kind === 'diagnostic' && event.diagnostic.severity === 'error' ? [event.diagnostic] : [],
  );
}

/** The error of a run that failed, by what Terraform, the provider and the backend said. */
export async function terraformFailure(
  operation: string,
  result: TerraformResult,
  events: readonly TerraformEvent[],
  lines: readonly string[],
  options: Pick<TerraformOptions, 'environment' | 'readStateLock'>,
): Promise<TowpathError> {
  const errors = errorsOf(events);
  const text = [...errors.map(renderDiagnostic), ...lines, ...result.stderr.split('\n')].join('\n');
  // Terraform gives lock failures no code of their own; the wording decides whether to look, the backend says what is so.
  const lock = /state lock/i.test(text) ? await options.readStateLock().catch(() => undefined) : undefined;
  if (lock) {
    return new TowpathError(
      'STATE_LOCKED',
      `Terraform's state is locked by ${lock.who} since ${lock.created} (${lock.operation}, id ${lock.id}).`,
      {
        hint: `wait until that has ended; towpath unlock ${options.environment} when whoever held it is gone`,
      },
    );
  }
  const context = text.split('\n').filter((line) => line.trim() !== '');
  if (EXPIRED.test(text)) {
    return new TowpathError(
      'CREDENTIALS_EXPIRED',
      `The AWS credentials expired while terraform ${operation} ran.`,
      {
        context: context.slice(0, CONTEXT_LINES),
        hint: `sign in again; then towpath status ${options.environment} tells how to go on`,
      },
    );
  }
  const first = errors[0];
  return new TowpathError(
    'TERRAFORM_FAILED',
    first
      ? `terraform ${operation} failed: ${first.summary}${first.address ? ` (${first.address})` : ''}.`
      : `terraform ${operation} failed with exit code ${result.code}.`,
    {
      context: context.slice(0, CONTEXT_LINES),
      hint: `mend the cause and run the same command again; towpath plan ${options.environment} shows what is left to do`,
    },
  );
}

function renderDiagnostic(diagnostic: Diagnostic): string {
  const place = diagnostic.address === undefined ? '' : ` [${diagnostic.address}]`;
  return `${diagnostic.summary}${place}\n${diagnostic.detail}`;
}
