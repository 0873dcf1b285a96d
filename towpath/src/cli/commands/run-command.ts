/** `run`: a command in a task of its own. Its log goes to standard output, what we have to say to standard error. */
import { run } from '../../actions/index.ts';
import { TowpathError } from '../../domain/errors.ts';
import type { CommandBody } from '../session.ts';

/** The last lines that `--json` shows. */
const MAX_JSON_LINES = 10_000;
const MAX_TIMEOUT_MINUTES = 24 * 60;

export function runTaskCommand(environment: string, flags: Readonly<Record<string, unknown>>): CommandBody {
  return async ({ open, context, globals }) => {
    const [, command] = flags.args as readonly [string, readonly string[]];
    const limitMs = parseTimeout(flags.timeout);
    const lines: string[] = [];
    const line = (text: string): void => {
      if (!globals.json) context.write('out', `${text}\n`);
      else if (lines.push(text) > MAX_JSON_LINES) lines.shift();
    };
    const result = await run(await open(), environment, { command, limitMs, line, signal: context.signal });
    return { json: { ...result, log: lines }, text: '', exitCode: result.exitCode };
  };
}

function parseTimeout(given: unknown): number | undefined {
  if (given === undefined) return undefined;
  const minutes = Number(given);
  if (Number.isInteger(minutes) && minutes > 0 && minutes <= MAX_TIMEOUT_MINUTES) return minutes * 60_000;
  throw new TowpathError(
    'USAGE',
    `--timeout is "${given}"; it must be whole minutes, 1 to ${MAX_TIMEOUT_MINUTES}.`,
    {
      hint: 'for example --timeout 90',
    },
  );
}
