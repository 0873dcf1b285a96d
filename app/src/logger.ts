/**
 * Structured log: one JSON object a line, made for CloudWatch Logs filters such as `{ $.status >= 500 }`.
 * Callers pass fields that are safe to publish; known secrets are taken out all the same, as a second line of defence.
 */
import { LOG_LEVELS, type LogLevel } from './config.ts';

export type LogFields = Readonly<Record<string, unknown>> & {
  readonly time?: never;
  readonly level?: never;
  readonly msg?: never;
};

export interface RequestFields {
  readonly method: string;
  readonly path: string;
  readonly status: number;
  readonly durationMs: number;
  /** This and the next are of a closed set of characters; see request-id.ts. */
  readonly requestId: string;
  readonly traceId: string;
}

export interface Logger {
  /** The line `request`: the same as through `log`, at a fraction of the cost. */
  logRequest(level: LogLevel, fields: RequestFields): void;
  log(level: LogLevel, msg: string, fields?: LogFields): void;
}

export interface LoggerPorts {
  /** Takes one line with its newline. */
  readonly write: (line: string) => void;
  /** Brings out what `write` may have kept back; called after a line that may be the last. */
  readonly flush?: () => void;
  /** Milliseconds since the epoch. */
  readonly now: () => number;
  /** Values that must not appear in any line, whatever puts them there. */
  readonly secrets?: readonly string[];
}

/** Shorter ones would blacken ordinary words, and are no secrets. */
const MIN_SECRET_CHARS = 4;

/** Takes secrets out of a line of JSON, in which they stand escaped. */
export function createRedactor(secrets: readonly string[]): (line: string) => string {
  const hidden = [
    ...new Set(
      secrets
        .filter((secret) => secret.length >= MIN_SECRET_CHARS)
        .flatMap((secret) => [secret, JSON.stringify(secret).slice(1, -1), encodeURIComponent(secret)]),
    ),
  ].sort((a, b) => b.length - a.length);
  return (line) => {
    let rest = line;
    for (const secret of hidden) if (rest.includes(secret)) rest = rest.replaceAll(secret, '[secret]');
    return rest;
  };
}

/** A logger that drops what is below `minimum`. */
export function createLogger(minimum: LogLevel, ports: LoggerPorts): Logger {
  const threshold = LOG_LEVELS.indexOf(minimum);
  const redact = createRedactor(ports.secrets ?? []);
  const logs = (level: LogLevel): boolean => LOG_LEVELS.indexOf(level) >= threshold;
  const timestamp = createTimestamp(ports.now);
  return {
    log(level, msg, fields = {}) {
      if (!logs(level)) return;
      const time = timestamp();
      ports.write(`${redact(JSON.stringify({ time, level, msg, ...fields }))}\n`);
      if (level === 'warn' || level === 'error') ports.flush?.();
    },
    logRequest(level, { method, path, status, durationMs, requestId, traceId }) {
      if (!logs(level)) return;
      const shownPath = PLAIN_PATH.test(path) ? `"${path}"` : JSON.stringify(path);
      const line = `{"time":"${timestamp()}","level":"${level}","msg":"request","method":"${method}","path":${shownPath},"status":${status},"durationMs":${renderMilliseconds(durationMs)},"requestId":"${requestId}","traceId":"${traceId}"}\n`;
      // With its end: a secret has none inside JSON, and a line put together twice is copied twice.
      ports.write(redact(line));
    },
  };
}

/** Characters that JSON takes as they are. */
const PLAIN_PATH = /^[\w/.~%:-]*$/;

/** Thousandths with their point: to write out a fraction costs as much as the rest of the line. */
const THOUSANDTHS: readonly string[] = Array.from(
  { length: 1_000 },
  (_, index) => `.${String(index).padStart(3, '0')}`,
);

function renderMilliseconds(ms: number): string {
  const thousandths = Math.round(ms * 1_000);
  const whole = Math.floor(thousandths / 1_000);
  return `${whole}${THOUSANDTHS[thousandths - whole * 1_000]}`;
}

/** Under load many lines share a millisecond. */
function createTimestamp(now: () => number): () => string {
  let lastMs = Number.NaN;
  let rendered = '';
  return () => {
    const ms = now();
    if (ms !== lastMs) {
      lastMs = ms;
      rendered = new Date(ms).toISOString();
    }
    return rendered;
  };
}
