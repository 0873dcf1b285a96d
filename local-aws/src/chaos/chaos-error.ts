/** Why a chaos action does not begin or end: what was asked for is malformed, not there, or not possible now. */

export type ChaosErrorKind = 'invalid' | 'not-found' | 'refused';

export class ChaosError extends Error {
  readonly kind: ChaosErrorKind;
  constructor(kind: ChaosErrorKind, message: string) {
    super(message);
    this.name = 'ChaosError';
    this.kind = kind;
  }
}
