/**
 * Signed tokens: JSON Web Tokens with HMAC-SHA256 (RFC 7519, RFC 7515). Keys are derived from secrets once and kept
 * as key objects, which neither JSON nor an inspector prints. Nothing here reads the clock or the environment.
 *
 * Rotation without a rejected token, in three deployments: the new value becomes `app-secret-previous` (accepted by
 * all tasks), then the two are swapped (signed with by all tasks), then the old value is removed.
 */
import { createHmac, createSecretKey, type KeyObject, timingSafeEqual } from 'node:crypto';

export const ISSUER = 'towpath-app';
export const MAX_TOKEN_CHARS = 4_096;
/** Clocks of two tasks may differ by so much. */
const CLOCK_SKEW_SECONDS = 5;
const KEY_ID_CHARS = 8;
const MS_PER_SECOND = 1_000;

interface SigningKey {
  readonly id: string;
  readonly key: KeyObject;
}

export interface IssuedToken {
  readonly token: string;
  readonly keyId: string;
  readonly expiresAt: string;
}

export type TokenVerdict =
  | { readonly valid: true; readonly subject: string; readonly keyId: string; readonly expiresAt: string }
  | { readonly valid: false; readonly reason: string };

function deriveKey(secret: string): SigningKey {
  const digest = createHmac('sha256', secret).update('towpath token signing key').digest();
  const id = createHmac('sha256', digest).update('key id').digest('hex').slice(0, KEY_ID_CHARS);
  return { id, key: createSecretKey(digest) };
}

function encodePart(value: object): string {
  return Buffer.from(JSON.stringify(value)).toString('base64url');
}

function decodePart(part: string): Readonly<Record<string, unknown>> | undefined {
  try {
    const value: unknown = JSON.parse(Buffer.from(part, 'base64url').toString('utf8'));
    return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : undefined;
  } catch {
    return undefined;
  }
}

export class TokenSigner {
  readonly #current: SigningKey;
  readonly #byId: ReadonlyMap<string, SigningKey>;

  /**
   * @param current signs and is accepted
   * @param previous is accepted only
   */
  constructor(current: string, previous: string | undefined) {
    this.#current = deriveKey(current);
    const keys = previous === undefined ? [this.#current] : [this.#current, deriveKey(previous)];
    this.#byId = new Map(keys.map((key) => [key.id, key]));
  }

  /** Public names of the accepted keys, the signing one first. */
  get keyIds(): readonly string[] {
    return [...this.#byId.keys()];
  }

  issue(subject: string, ttlSeconds: number, nowMs: number): IssuedToken {
    const issuedAt = Math.floor(nowMs / MS_PER_SECOND);
    const expires = issuedAt + ttlSeconds;
    const head = encodePart({ alg: 'HS256', typ: 'JWT', kid: this.#current.id });
    const claims = encodePart({ iss: ISSUER, sub: subject, iat: issuedAt, exp: expires });
    const signature = sign(this.#current, `${head}.${claims}`).toString('base64url');
    return {
      token: `${head}.${claims}.${signature}`,
      keyId: this.#current.id,
      expiresAt: new Date(expires * MS_PER_SECOND).toISOString(),
    };
  }

  /** The signature is looked at before any claim: unsigned claims tell nothing. */
  validate(token: string, nowMs: number): TokenVerdict {
    const no = (reason: string): TokenVerdict => ({ valid: false, reason });
    if (token.length > MAX_TOKEN_CHARS) return no(`the token is longer than ${MAX_TOKEN_CHARS} characters`);
    const parts = token.split('.');
    const [head = '', claims = '', signature = ''] = parts;
    const header = decodePart(head);
    if (parts.length !== 3 || header === undefined) return no('this is not a JSON Web Token');
    // The algorithm is ours to choose; a token that names another is a known attack.
    if (header.alg !== 'HS256') return no('the token must be signed with HS256');
    const key = typeof header.kid === 'string' ? this.#byId.get(header.kid) : undefined;
    if (key === undefined) return no('the token is signed with a key that is not accepted (any more)');
    const expected = sign(key, `${head}.${claims}`);
    const given = Buffer.from(signature, 'base64url');
    if (given.length !== expected.length || !timingSafeEqual(given, expected)) {
      return no('the signature does not match');
    }
    return judgeClaims(decodePart(claims), key.id, nowMs / MS_PER_SECOND);
  }
}

function sign({ key }: SigningKey, input: string): Buffer {
  return createHmac('sha256', key).update(input).digest();
}

function judgeClaims(
  claims: Readonly<Record<string, unknown>> | undefined,
  keyId: string,
  nowSeconds: number,
): TokenVerdict {
  const { iss, sub, iat, exp } = claims ?? {};
  if (iss !== ISSUER || typeof sub !== 'string' || typeof iat !== 'number' || typeof exp !== 'number') {
    return { valid: false, reason: 'the token lacks a claim' };
  }
  if (nowSeconds >= exp + CLOCK_SKEW_SECONDS) return { valid: false, reason: 'the token has expired' };
  if (nowSeconds < iat - CLOCK_SKEW_SECONDS) return { valid: false, reason: 'the token is from the future' };
  return { valid: true, subject: sub, keyId, expiresAt: new Date(exp * MS_PER_SECOND).toISOString() };
}
