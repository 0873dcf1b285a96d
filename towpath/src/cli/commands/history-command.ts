/** `history`: what happened to an environment, newest first; with `--verify`, whether its ledger holds. */
import { type HistoryEntry, type HistoryResult, history } from '../../actions/index.ts';
import { EXIT, TowpathError } from '../../domain/errors.ts';
import type { CommandBody } from '../session.ts';
import { formatDuration, type Paint, plural, renderTable } from '../views/style.ts';
import { age } from './status-command.ts';

/** Entries shown to people unless they say otherwise. */
const DEFAULT_LIMIT = 20;

export function historyCommand(environment: string, flags: Readonly<Record<string, unknown>>): CommandBody {
  return async ({ open, paint, context, globals }) => {
    const limit = parseLimit(flags.limit) ?? (globals.json ? undefined : DEFAULT_LIMIT);
    const result = await history(await open(), environment, { limit, verify: flags.verify === true });
    const text = [...renderEntries(result, paint, context.now()), ...renderVerdict(result, paint)].join('\n');
    const exitCode = result.verified?.holds === false ? EXIT.failed : EXIT.done;
    return { json: { ...result }, text, exitCode };
  };
}

function parseLimit(flag: unknown): number | undefined {
  if (flag === undefined) return undefined;
  if (typeof flag === 'string' && /^[1-9]\d{0,8}$/.test(flag)) return Number(flag);
  throw new TowpathError('USAGE', `--limit must be a whole number from 1, not "${String(flag)}".`, {
    hint: `--limit ${DEFAULT_LIMIT}`,
  });
}

function renderEntries(
  { environment, entries, earlier, events }: HistoryResult,
  paint: Paint,
  now: number,
): readonly string[] {
  if (events === 0) return [`nothing has happened in ${environment} yet`];
  const header = ['time (UTC)', 'age', 'who', 'what', 'release', 'outcome', 'took', ''].map((cell) =>
    paint('dim', cell),
  );
  const rows = entries.map((entry) => [
    absolute(entry.time),
    relative(entry.time, now),
    who(entry.actor),
    paint('bold', entry.what),
    entry.release ?? '',
    outcome(entry, paint),
    entry.durationMs === undefined ? '' : formatDuration(entry.durationMs),
    details(entry).join('; '),
  ]);
  const lines = [renderTable([header, ...rows])];
  if (earlier > 0) lines.push(paint('dim', `${earlier} earlier: --limit ${entries.length + earlier}`));
  return lines;
}

function renderVerdict({ environment, events, verified }: HistoryResult, paint: Paint): readonly string[] {
  if (verified === undefined) return [];
  const notes = verified.notes.map(
    ({ object, message }) => `${paint('yellow', 'note')} ${object} ${message}`,
  );
  if (verified.holds) {
    return [
      ...notes,
      `${paint('green', 'the ledger holds')}: ${plural(events, 'event')} of ${environment} read, each hash and link verified`,
    ];
  }
  return [
    ...notes,
    ...verified.problems.map(({ object, message }) => `${paint('red', 'fault')} ${object} ${message}`),
    `${paint('red', 'the ledger does not hold')}: ${plural(verified.problems.length, 'object')} of ${environment} at fault; nothing is written until they are restored from their earlier versions`,
  ];
}

function outcome({ outcome: state }: HistoryEntry, paint: Paint): string {
  if (state === undefined) return '';
  if (state === 'succeeded') return paint('green', state);
  return paint(state === 'running' ? 'cyan' : 'red', state);
}

function details(entry: HistoryEntry): readonly string[] {
  const { from, trigger, approvedBy, reason, clockWentBack, what } = entry;
  return [
    ...(from === undefined ? [] : [`from ${from}, ${trigger === 'auto' ? 'by itself' : 'on request'}`]),
    ...(approvedBy.length === 0 || what === 'approval'
      ? []
      : [`approved by ${approvedBy.map(who).join(', ')}`]),
    // One line an entry; the whole text is in --json.
    ...(reason === undefined ? [] : [reason.split('\n', 1)[0] ?? '']),
    ...(clockWentBack ? ["this writer's clock is behind the one before"] : []),
  ];
}

/** `2026-11-23 04:07:22`; a time that is none is shown as it stands. */
function absolute(time: string): string {
  const parsed = new Date(time);
  return Number.isNaN(parsed.getTime()) ? time : parsed.toISOString().slice(0, 19).replace('T', ' ');
}

function relative(time: string, now: number): string {
  const ms = now - Date.parse(time);
  if (Number.isNaN(ms)) return '';
  return ms < 0 ? 'ahead of this clock' : age(ms);
}

/** The part of an ARN that tells people apart. */
function who(arn: string): string {
  return arn.split(':').at(-1) ?? arn;
}
