/** The error of the set-up that a person can act on, and exit codes of finished children. */
import { constants } from 'node:os';

/** Its message is all that is printed: what happened, the value, the next step. */
export class SetupError extends Error {
  constructor(message, exitCode = 1) {
    super(message);
    this.name = 'SetupError';
    this.exitCode = exitCode;
  }
}

/** Exit code for a finished child, as a shell would give it. */
export function exitCodeOf({ code, signal }) {
  return code ?? 128 + (constants.signals[signal] ?? 0);
}
