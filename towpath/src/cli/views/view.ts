/**
 * How a command speaks. Chosen before anything else, so that even bad arguments are reported
 * in the requested format. Three implementations: lines, a redrawn screen, JSON.
 */
import type { ProgressEvent } from '../../domain/progress.ts';

/** What a command has to say at its end. */
export interface CommandResult {
  /** For machines; the whole answer. undefined: the command has written it by itself. */
  readonly json: Readonly<Record<string, unknown>> | undefined;
  /** For people; no trailing newline. */
  readonly text: string;
}

export interface View {
  notify(event: ProgressEvent): void;
  result(result: CommandResult): void;
  error(error: unknown, options: { readonly verbose: boolean }): void;
  /** Stops drawing while a question is asked; the returned function goes on. */
  pause(): () => void;
  /** Ends all drawing; the terminal is as it was. Idempotent. */
  close(): void;
}

export interface Output {
  write(text: string): void;
  /** Columns of the terminal; undefined when it is none. */
  readonly columns: number | undefined;
}
