/** Lines of a log for people and for machines. Pure. */
import type { LogEvent } from '../../domain/log-event.ts';
import { type LogLevel, parseLogLine } from '../../domain/log-line.ts';
import type { Paint, Style } from './style.ts';

const TASK_ID_CHARS = 8;
const LEVEL_CHARS = 5;
/** What is as long and stands there twice is one identifier, not two values that happen to agree. */
const IDENTIFIER_CHARS = 16;
/** Red is for errors alone. */
const TASK_STYLES: readonly Style[] = ['cyan', 'magenta', 'blue', 'green', 'yellow'];
const LEVEL_STYLES: Readonly<Record<LogLevel, Style>> = {
  trace: 'dim',
  debug: 'dim',
  info: 'green',
  warn: 'yellow',
  error: 'red',
  fatal: 'red',
};

/** `12:03:04.123 4f1c2d3e INFO  message key=value`. @param now milliseconds since the epoch */
export function renderLogEvent(event: LogEvent, paint: Paint, now: number): string {
  const task = paint(styleOf(event.task), event.task.slice(0, TASK_ID_CHARS).padEnd(TASK_ID_CHARS));
  return renderLine(event.message, [paint('dim', renderTime(event.at, now)), task], paint);
}

/** The same for a process on this computer, of which there is one. @param now when it was written */
export function renderLogLine(message: string, paint: Paint, now: number): string {
  return renderLine(message, [paint('dim', renderTime(now, now))], paint);
}

function renderLine(message: string, before: readonly string[], paint: Paint): string {
  const line = parseLogLine(message);
  const { level, fields = {} } = line;
  const levelText = level?.toUpperCase().padEnd(LEVEL_CHARS);
  const entries = withoutEchoes(Object.entries(fields));
  const isLong = ([, value]: readonly [string, unknown]) => typeof value === 'string' && value.includes('\n');
  const short = entries.filter((entry) => !isLong(entry)).map(([key, value]) => `${key}=${show(value)}`);
  const first = [
    ...before,
    ...(level === undefined || levelText === undefined ? [] : [paint(LEVEL_STYLES[level], levelText)]),
    ...(line.message === '' ? [] : [plain(line.message)]),
    ...(short.length === 0 ? [] : [paint('dim', plain(short.join(' ')))]),
  ].join(' ');
  const long = entries
    .filter(isLong)
    .map(([key, value]) => indent(`${key}:\n${indent(plain(String(value)))}`));
  return [first, ...long.map((text) => paint('dim', text))].join('\n');
}

/** An identifier that stands there under another name already says nothing more: a trace that began with its request. */
function withoutEchoes(
  entries: readonly (readonly [string, unknown])[],
): readonly (readonly [string, unknown])[] {
  const seen = new Set<unknown>();
  return entries.filter(([, value]) => {
    const echo = seen.has(value);
    if (typeof value === 'string' && value.length >= IDENTIFIER_CHARS) seen.add(value);
    return !echo;
  });
}

/** One object for each line. */
export function renderLogJson(event: LogEvent): Readonly<Record<string, unknown>> {
  const { level, message, fields } = parseLogLine(event.message);
  return { time: new Date(event.at).toISOString(), task: event.task, level, message, fields };
}

/** With the day, where it is not that of now. */
function renderTime(at: number, now: number): string {
  const text = new Date(at).toISOString();
  const today = new Date(now).toISOString().slice(0, 10);
  return text.startsWith(today) ? text.slice(11, 23) : `${text.slice(5, 10)} ${text.slice(11, 23)}`;
}

/** The same for the same task, in every run. */
function styleOf(task: string): Style {
  let sum = 0;
  for (const letter of task) sum = (sum * 31 + letter.charCodeAt(0)) % 1_000_003;
  return TASK_STYLES[sum % TASK_STYLES.length] ?? 'cyan';
}

function show(value: unknown): string {
  return typeof value === 'string' && /^[^\s"=]+$/.test(value) ? value : JSON.stringify(value);
}

function indent(text: string): string {
  return text.replaceAll(/^/gm, '  ');
}

/** Without what would move the cursor or recolour the terminal: a line may hold what a stranger sent to the service. */
function plain(text: string): string {
  return (
    text
      // biome-ignore lint/suspicious/noControlCharactersInRegex: these are what must not reach the terminal
      .replaceAll(/\u001b\[[0-9;:?]*[ -/]*[@-~]/g, '')
      // biome-ignore lint/suspicious/noControlCharactersInRegex: see above; tab and line feed may
      .replaceAll(/[\u0000-\u0008\u000b-\u001f\u007f-\u009f]/g, '\ufffd')
  );
}
