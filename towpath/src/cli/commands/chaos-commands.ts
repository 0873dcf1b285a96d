/** `local chaos`: lists, begins and undoes what is broken on purpose in the embedded AWS. */
import type { ChaosEntry, ChaosRequest } from '../../domain/chaos.ts';
import { parseDuration } from '../../domain/duration.ts';
import { TowpathError } from '../../domain/errors.ts';
import { closest } from '../../domain/suggest.ts';
import type { CommandBody } from '../session.ts';
import { formatDuration, type Paint, renderTable } from '../views/style.ts';
import { notRunning } from './local-commands.ts';

type Flags = Readonly<Record<string, unknown>>;

/** What the argument of each action is called. */
const ARGUMENTS: Readonly<Record<string, string>> = {
  'zone-down': 'zone',
  'kill-task': 'environment',
  'freeze-task': 'environment',
  'fill-memory': 'environment',
  'interrupt-spot': 'environment',
  'slow-api': 'service',
  'fail-api': 'service',
  'throttle-api': 'service',
  'expire-credentials': 'identity',
};

export function listChaosCommand(flags: Flags): CommandBody {
  return async ({ context, globals, paint }) => {
    const [words] = flags.args as readonly (readonly string[])[];
    refuseUnknownAction(words?.[0]);
    const list = await (await context.openLocalAws(globals)).chaos();
    if (list === undefined) throw notRunning();
    const text =
      list.active.length === 0
        ? `nothing is broken on purpose; ${paint('dim', 'towpath local chaos --help shows what could be')}`
        : `${renderChaos(list.active, paint, context.now())}\nundo: towpath local chaos undo ID, or --all`;
    return { json: { ...list }, text };
  };
}

function refuseUnknownAction(word: string | undefined): void {
  if (word === undefined) return;
  const known = [...Object.keys(ARGUMENTS), 'undo'];
  const meant = closest(word, known);
  throw new TowpathError('USAGE', `There is no chaos action "${word}"; there are: ${known.join(', ')}.`, {
    hint: meant === undefined ? 'towpath local chaos --help' : `did you mean "${meant}"?`,
  });
}

export function startChaosCommand(action: string, argument: string | undefined, flags: Flags): CommandBody {
  return async ({ context, globals, paint }) => {
    const request = parseRequest(action, argument, flags);
    const entry = await (await context.openLocalAws(globals)).startChaos(request);
    if (entry === undefined) throw notRunning();
    return { json: { ...entry }, text: renderBegun(entry, paint, context.now()) };
  };
}

export function undoChaosCommand(id: string | undefined, flags: Flags): CommandBody {
  return async ({ context, globals, paint }) => {
    const all = flags.all === true;
    if (all === (id !== undefined))
      throw new TowpathError('USAGE', all ? `--all or ${id}, not both.` : 'What is to be undone?', {
        hint: 'towpath local chaos shows ids; towpath local chaos undo --all undoes everything',
      });
    const undone = await (await context.openLocalAws(globals)).undoChaos(id);
    if (undone === undefined) throw notRunning();
    const lines = undone.map(
      (entry) => `${paint('green', '✓')} ${entry.id} ${entry.action}: ${entry.did.summary}`,
    );
    return { json: { undone }, text: lines.join('\n') || 'nothing was broken on purpose' };
  };
}

/** Rows of what is active: id, action, parameters, time left, what it did. */
export function renderChaos(entries: readonly ChaosEntry[], paint: Paint, now: number): string {
  return renderTable(
    entries.map((entry) => [
      paint('yellow', entry.id),
      entry.action,
      shortParameters(entry),
      `${formatDuration(Math.max(0, Date.parse(entry.endsAt) - now))} left`,
      paint('dim', entry.did.summary),
    ]),
    '  ',
  );
}

/** Without the duration, which is shown as what is left of it. */
function shortParameters({ parameters }: ChaosEntry): string {
  return Object.entries(parameters)
    .filter(([name, value]) => name !== 'forSeconds' && value !== undefined)
    .map(([name, value]) => (typeof value === 'string' ? value : `${name}=${String(value)}`))
    .join(' ');
}

function renderBegun(entry: ChaosEntry, paint: Paint, now: number): string {
  const head = `${paint('yellow', '!')} ${entry.did.summary}`;
  if (entry.ended !== undefined) return `${head} ${paint('dim', `(${entry.id}, over ${entry.ended})`)}`;
  const left = formatDuration(Date.parse(entry.endsAt) - now);
  return `${head} ${paint('dim', `(${entry.id} ${entry.action}, ends by itself in ${left})`)}\nundo: towpath local chaos undo ${entry.id}`;
}

/** Form only: the embedded AWS knows what is allowed, and which zones, environments and tasks there are. */
function parseRequest(action: string, argument: string | undefined, flags: Flags): ChaosRequest {
  const text = (name: string) => (typeof flags[name] === 'string' ? (flags[name] as string) : undefined);
  const parsed = {
    [ARGUMENTS[action] ?? 'environment']: argument,
    task: text('task'),
    apiAction: text('action'),
    code: text('code'),
    delayMs: parseFlag(action, 'delay', text('delay'), 'such as 500ms or 3s', parseDelayMs),
    forSeconds: parseFlag(action, 'for', text('for'), 'such as 90s or 2m', parseDuration),
    share: parseFlag(action, 'share', text('share'), 'a number above 0 up to 1', parseNumber),
    status: parseFlag(action, 'status', text('status'), 'an HTTP status such as 503', parseNumber),
    perSecond: parseFlag(action, 'per-second', text('perSecond'), 'a number of calls', parseNumber),
    seed: parseFlag(action, 'seed', text('seed'), 'a whole number', parseNumber),
  };
  // The flag --service is of tasks; of calls the service is the argument.
  const service = ARGUMENTS[action] === 'service' ? {} : { service: text('service') };
  const given = Object.entries({ ...parsed, ...service }).filter(([, value]) => value !== undefined);
  return { action, ...Object.fromEntries(given) };
}

function parseFlag(
  action: string,
  name: string,
  value: string | undefined,
  expected: string,
  parse: (text: string) => number | undefined,
): number | undefined {
  if (value === undefined) return undefined;
  const parsed = parse(value);
  if (parsed !== undefined) return parsed;
  throw new TowpathError('USAGE', `--${name} must be ${expected}, got "${value}".`, {
    hint: `towpath local chaos ${action} --help`,
  });
}

function parseNumber(text: string): number | undefined {
  return /^\d{1,12}(\.\d{1,6})?$/.test(text) ? Number(text) : undefined;
}

function parseDelayMs(text: string): number | undefined {
  const milliseconds = /^(\d{1,9})ms$/.exec(text)?.[1];
  if (milliseconds !== undefined) return Number(milliseconds);
  const seconds = parseDuration(text);
  return seconds === undefined ? undefined : seconds * 1_000;
}
