/**
 * Structured log: one JSON object a line, made for CloudWatch Logs filters such as `{ $.status >= 500 }`.
 * Callers pass fields that are safe to publish; nothing here ever sees headers or the environment.
 */
import { LOG_LEVELS, type LogLevel } from './config.ts';

export type LogFields = Readonly<Record<string, string | number | boolean | undefined>> & {
  readonly time?: never;
  readonly level?: never;
  readonly msg?: never;
};

export interface Logger {
  log(level: LogLevel, msg: string, fields?: LogFields): void;
}

export interface LoggerPorts {
  /** Takes one line with its newline. */
  readonly write: (line: string) => void;
  /** Milliseconds since the epoch. */
  readonly now: () => number;
}

/** A logger that drops what is below `minimum`. */
export function createLogger(minimum: LogLevel, ports: LoggerPorts): Logger {
  const threshold = LOG_LEVELS.indexOf(minimum);
  return {
    log(level, msg, fields = {}) {
      if (LOG_LEVELS.indexOf(level) < threshold) return;
      const time = new Date(ports.now()).toISOString();
      ports.write(`${JSON.stringify({ time, level, msg, ...fields })}\n`);
    },
  };
}
