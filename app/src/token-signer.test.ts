import { inspect } from 'node:util';
import { describe, expect, it } from 'vitest';
import { MAX_TOKEN_CHARS, TokenSigner } from './token-signer.ts';

const NOW_MS = Date.UTC(2026, 0, 1);
const signer = new TokenSigner('first secret', undefined);
const { token } = signer.issue('alice', 60, NOW_MS);

const part = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url');

describe('TokenSigner', () => {
  it('accepts what it issued, until it expires', () => {
    expect(signer.validate(token, NOW_MS)).toEqual({
      valid: true,
      subject: 'alice',
      keyId: signer.keyIds[0],
      expiresAt: '2026-01-01T00:01:00.000Z',
    });
    expect(signer.validate(token, NOW_MS + 64_000)).toMatchObject({ valid: true });
    expect(signer.validate(token, NOW_MS + 65_000)).toEqual({
      valid: false,
      reason: 'the token has expired',
    });
    expect(signer.validate(token, NOW_MS - 6_000)).toMatchObject({ valid: false });
  });

  it('rotates in three steps without rejecting a token that is still good', () => {
    const accepting = new TokenSigner('first secret', 'second secret');
    const swapped = new TokenSigner('second secret', 'first secret');
    const done = new TokenSigner('second secret', undefined);
    const late = swapped.issue('bob', 60, NOW_MS).token;
    expect([signer, accepting, swapped, done].map((step) => step.validate(token, NOW_MS).valid)).toEqual([
      true,
      true,
      true,
      false,
    ]);
    expect([accepting, swapped, done].map((step) => step.validate(late, NOW_MS).valid)).toEqual([
      true,
      true,
      true,
    ]);
  });

  it.each([
    ['nothing', ''],
    ['no token', 'abc'],
    ['parts too many', `${token}.x`],
    ['another signature', `${token.slice(0, -4)}AAAA`],
    ['a cut signature', token.slice(0, -6)],
    ['no signature', token.split('.').slice(0, 2).concat('').join('.')],
    ['no algorithm', `${part({ alg: 'none', kid: signer.keyIds[0] })}.${token.split('.')[1]}.`],
    ['another key', new TokenSigner('a stranger', undefined).issue('eve', 60, NOW_MS).token],
    ['other claims', [token.split('.')[0], part({ sub: 'root' }), token.split('.')[2]].join('.')],
    ['too much', 'x'.repeat(MAX_TOKEN_CHARS + 1)],
    ['JSON that is no object', `${Buffer.from('null').toString('base64url')}.x.x`],
  ])('rejects %s', (_name, given) => {
    expect(signer.validate(given, NOW_MS)).toMatchObject({ valid: false });
  });

  it('prints no secret', () => {
    expect(inspect(signer, { depth: 9, showHidden: true }) + JSON.stringify(signer)).not.toContain('secret"');
    expect(inspect(signer, { depth: 9 })).not.toContain('first secret');
  });
});
