/**
 * The one error class of Towpath and the catalogue of its codes.
 * Expected outcomes (a closed gate, an empty plan) are values, not errors; bugs are ordinary `Error`s.
 */

/** Exit codes of the command line. */
export const EXIT = { done: 0, failed: 1, usage: 2, waiting: 3, bug: 70 } as const;
export type ExitCode = (typeof EXIT)[keyof typeof EXIT];

/** Every code, with the exit code it leads to. Documented in docs/errors.md; a test keeps the two equal. */
export const ERROR_CATALOGUE = {
  CONFIG_NOT_FOUND: EXIT.usage,
  CONFIG_DOES_NOT_COMPILE: EXIT.usage,
  CONFIG_INVALID: EXIT.usage,
  USAGE: EXIT.usage,
  UNKNOWN_ENVIRONMENT: EXIT.usage,
  UNKNOWN_RELEASE: EXIT.usage,
  UNKNOWN_SECRET: EXIT.usage,
  NOT_THE_FIRST_ENVIRONMENT: EXIT.usage,
  ENVIRONMENT_FILES_STALE: EXIT.usage,
  SECRET_MISSING: EXIT.usage,
  SECRET_INVALID: EXIT.usage,
  NOTHING_TO_PROMOTE: EXIT.usage,
  NO_OPEN_PROMOTION: EXIT.usage,
  SELF_APPROVAL: EXIT.usage,
  ALREADY_APPROVED: EXIT.usage,
  NO_ROLLBACK_TARGET: EXIT.usage,
  GATE_CLOSED: EXIT.failed,
  CONFIRMATION_NEEDED: EXIT.waiting,
  TERRAFORM_NOT_FOUND: EXIT.failed,
  TERRAFORM_TOO_OLD: EXIT.failed,
  TERRAFORM_FAILED: EXIT.failed,
  RESOURCE_EXISTS: EXIT.failed,
  STATE_LOCKED: EXIT.failed,
  PLAN_NOT_ALLOWED: EXIT.failed,
  LOCK_HELD: EXIT.failed,
  LOCK_HOLDER_ALIVE: EXIT.failed,
  LOCK_LOST: EXIT.failed,
  NO_CREDENTIALS: EXIT.failed,
  CREDENTIALS_EXPIRED: EXIT.failed,
  ACCESS_DENIED: EXIT.failed,
  WRONG_ACCOUNT: EXIT.failed,
  BUCKET_TAKEN: EXIT.failed,
  NOT_BOOTSTRAPPED: EXIT.failed,
  NOT_DEPLOYED: EXIT.failed,
  UNKNOWN_TASK: EXIT.usage,
  NO_RUNNING_TASK: EXIT.failed,
  EXEC_DISABLED: EXIT.failed,
  EXEC_FAILED: EXIT.failed,
  RUN_FAILED: EXIT.failed,
  AWS_UNREACHABLE: EXIT.failed,
  AWS_CALL_FAILED: EXIT.failed,
  LEDGER_CORRUPT: EXIT.failed,
  LEDGER_RACE: EXIT.failed,
  BUILD_FAILED: EXIT.failed,
  NO_CONTAINER_ENGINE: EXIT.failed,
  PUSH_FAILED: EXIT.failed,
  DEPLOYMENT_FAILED: EXIT.failed,
  ABORTED: EXIT.failed,
  LOCAL_NOT_RUNNING: EXIT.failed,
  LOCAL_START_FAILED: EXIT.failed,
  CHAOS_REFUSED: EXIT.failed,
  LOCAL_STATE_UNUSABLE: EXIT.failed,
  STACK_START_FAILED: EXIT.failed,
  STACK_NOT_RUNNING: EXIT.failed,
  PORT_BUSY: EXIT.failed,
  MOTO_NOT_FOUND: EXIT.failed,
} as const satisfies Record<string, ExitCode>;

export type ErrorCode = keyof typeof ERROR_CATALOGUE;

/** One finding; several are reported at once where a check can find several. */
export interface Problem {
  /** Where, e.g. `environments[2].cidr`. */
  readonly path: string;
  /** What is wrong, with the offending value. */
  readonly message: string;
}

export interface TowpathErrorDetails {
  /** The next command or step; one line. */
  readonly hint?: string;
  readonly cause?: unknown;
  readonly problems?: readonly Problem[];
  /** Lines that help: the tail of a log, of Terraform's diagnostics. */
  readonly context?: readonly string[];
}

/** What went wrong (with the offending value), and what to do next. Rendered only by `cli/main`. */
export class TowpathError extends Error {
  readonly code: ErrorCode;
  readonly hint: string | undefined;
  readonly problems: readonly Problem[];
  readonly context: readonly string[];

  constructor(code: ErrorCode, message: string, details: TowpathErrorDetails = {}) {
    super(message, details.cause === undefined ? undefined : { cause: details.cause });
    this.name = 'TowpathError';
    this.code = code;
    this.hint = details.hint;
    this.problems = details.problems ?? [];
    this.context = details.context ?? [];
  }

  get exitCode(): ExitCode {
    return ERROR_CATALOGUE[this.code];
  }
}
