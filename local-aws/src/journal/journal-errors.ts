/** Why a state directory can't be used. Each says what to do: keep it and change something, or forget it. */

const forget = 'To forget what is in it: towpath local down --purge';

export class StateUnusableError extends Error {
  readonly code: 'LOCAL_STATE_UNUSABLE' = 'LOCAL_STATE_UNUSABLE';
  readonly hint: string;
  constructor(message: string, hint: string) {
    super(message);
    this.name = 'StateUnusableError';
    this.hint = hint;
  }
}

export function otherFormat(file: string, found: unknown, expected: number): StateUnusableError {
  return new StateUnusableError(
    `${file} was written by another version of the embedded AWS: it has format ${String(found)}, this one reads format ${expected}.`,
    `Use the version that wrote it. ${forget}`,
  );
}

export function otherRegion(
  stateDir: string,
  found: { readonly region: string; readonly accountId: string },
  asked: { readonly region: string; readonly accountId: string },
): StateUnusableError {
  const show = (where: typeof found) => `region ${where.region}, account ${where.accountId}`;
  return new StateUnusableError(
    `The state in ${stateDir} belongs to ${show(found)}; this start is for ${show(asked)}.`,
    `Start it for ${found.region}. ${forget}`,
  );
}

export function damaged(file: string, offset: number, bytes: number): StateUnusableError {
  return new StateUnusableError(
    `${file} is damaged at byte ${offset} of ${bytes}, with calls after it: what they depend on is lost.`,
    `Put the file back from a copy if there is one. ${forget}`,
  );
}

export function unreadable(file: string, cause: unknown): StateUnusableError {
  const reason = cause instanceof Error ? cause.message : String(cause);
  return new StateUnusableError(`${file} can't be read: ${reason}.`, `Make it readable. ${forget}`);
}
