/** What a line of a log says: level, message and fields where it is a JSON object, as loggers write it. Pure. */

export type LogLevel = 'trace' | 'debug' | 'info' | 'warn' | 'error' | 'fatal';

export interface LogLine {
  readonly level: LogLevel | undefined;
  readonly message: string;
  /** Without level, message and time; undefined for a line that is no JSON object. */
  readonly fields: Readonly<Record<string, unknown>> | undefined;
}

const LEVEL_KEYS = ['level', 'severity', 'lvl', 'log.level', 'levelname'];
const MESSAGE_KEYS = ['msg', 'message', '@message', 'event'];
/** CloudWatch has the time already; `_aws` is the envelope of embedded metrics. */
const LEFT_OUT_KEYS = ['time', 'timestamp', '@timestamp', 'ts', '_aws'];

const LEVELS: Readonly<Record<string, LogLevel>> = {
  trace: 'trace',
  debug: 'debug',
  info: 'info',
  information: 'info',
  notice: 'info',
  warn: 'warn',
  warning: 'warn',
  error: 'error',
  err: 'error',
  fatal: 'fatal',
  critical: 'fatal',
  alert: 'fatal',
  emergency: 'fatal',
  panic: 'fatal',
};
/** Lower bounds of pino and bunyan, highest first. */
const NUMBERED: readonly (readonly [number, LogLevel])[] = [
  [60, 'fatal'],
  [50, 'error'],
  [40, 'warn'],
  [30, 'info'],
  [20, 'debug'],
  [0, 'trace'],
];

export function parseLogLine(text: string): LogLine {
  const object = parseObject(text);
  if (object === undefined) return { level: undefined, message: text, fields: undefined };
  const levelKey = LEVEL_KEYS.find((key) => parseLevel(object[key]) !== undefined);
  const messageKey = MESSAGE_KEYS.find((key) => typeof object[key] === 'string');
  const taken = new Set([levelKey, messageKey, ...LEFT_OUT_KEYS]);
  return {
    level: levelKey === undefined ? undefined : parseLevel(object[levelKey]),
    message: messageKey === undefined ? '' : String(object[messageKey]),
    fields: Object.fromEntries(Object.entries(object).filter(([key]) => !taken.has(key))),
  };
}

function parseObject(text: string): Readonly<Record<string, unknown>> | undefined {
  const trimmed = text.trim();
  if (!trimmed.startsWith('{') || !trimmed.endsWith('}')) return undefined;
  try {
    return JSON.parse(trimmed) as Record<string, unknown>;
  } catch {
    return undefined;
  }
}

function parseLevel(value: unknown): LogLevel | undefined {
  if (typeof value === 'string') return LEVELS[value.toLowerCase()];
  if (typeof value !== 'number') return undefined;
  return NUMBERED.find(([bound]) => value >= bound)?.[1];
}
