/** `logs`: what tasks wrote, on standard output; what we have to say goes to standard error. */
import { DEFAULT_LOG_LIMIT, logs, type Notifier } from '../../actions/index.ts';
import { TowpathError } from '../../domain/errors.ts';
import type { LogEvent } from '../../domain/log-event.ts';
import type { CliContext } from '../context.ts';
import { parseWhen } from '../parse-when.ts';
import type { CommandBody } from '../session.ts';
import { renderLogEvent, renderLogJson } from '../views/render-log.ts';

const MAX_LIMIT_LINES = 100_000;

export function logsCommand(environment: string, flags: Readonly<Record<string, unknown>>): CommandBody {
  return async ({ open, context, globals, paint }) => {
    const follow = flags.follow === true;
    const from = parseWhen('--since', flags.since, context.now());
    const to = parseWhen('--until', flags.until, context.now());
    if (follow && to !== undefined)
      throw new TowpathError('USAGE', '--follow has no end, so --until makes no sense with it.', {
        hint: 'leave one of them out',
      });
    if (from !== undefined && to !== undefined && from > to)
      throw new TowpathError('USAGE', `--since ${flags.since} is after --until ${flags.until}.`, {
        hint: 'for example --since 2h --until 1h',
      });
    const render = (event: LogEvent) =>
      globals.json ? JSON.stringify(renderLogJson(event)) : renderLogEvent(event, paint, context.now());
    const ports = await open();
    await logs(globals.json ? { ...ports, notifier: createTroubleNotifier(context) } : ports, environment, {
      from,
      to,
      filter: textOf(flags.filter),
      task: textOf(flags.task),
      release: textOf(flags.release),
      limit: parseLimit(flags.limit),
      follow,
      show: (events) => context.write('out', `${events.map(render).join('\n')}\n`),
      signal: AbortSignal.any([context.signal, context.outputGone]),
    });
    return { json: undefined, text: '' };
  };
}

/** Machines get lines of the log and nothing else; whoever runs them still wants to know why none come. */
function createTroubleNotifier(context: CliContext): Notifier {
  return {
    notify(event) {
      if (event.type === 'warning') context.write('err', `${event.text}\n`);
    },
  };
}

function textOf(flag: unknown): string | undefined {
  return typeof flag === 'string' && flag !== '' ? flag : undefined;
}

function parseLimit(flag: unknown): number | undefined {
  if (flag === undefined) return undefined;
  const limit = Number(flag);
  if (Number.isInteger(limit) && limit > 0 && limit <= MAX_LIMIT_LINES) return limit;
  throw new TowpathError(
    'USAGE',
    `--limit is "${flag}"; it must be a whole number, 1 to ${MAX_LIMIT_LINES}.`,
    {
      hint: `--limit ${DEFAULT_LOG_LIMIT}`,
    },
  );
}
