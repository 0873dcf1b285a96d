/** Address blocks: what is one, and which overlap. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { cidrsOverlap, isPrivate, parseCidr, renderCidr } from './cidr.ts';

const block = fc
  .tuple(fc.integer({ min: 0, max: 2 ** 32 - 1 }), fc.integer({ min: 0, max: 32 }))
  .map(([address, prefix]) => {
    const size = 2 ** (32 - prefix);
    const first = Math.floor(address / size) * size;
    return { first, last: first + size - 1, prefix };
  });

function parsed(text: string) {
  const found = parseCidr(text);
  if (!found) throw new Error(`${text} is no block`);
  return found;
}

describe('parseCidr', () => {
  it.each([
    ['10.3.0.0/16', { first: 0x0a030000, last: 0x0a03ffff, prefix: 16, hostBits: false }],
    ['10.3.0.1/16', { first: 0x0a030000, last: 0x0a03ffff, prefix: 16, hostBits: true }],
    ['0.0.0.0/0', { first: 0, last: 0xffffffff, prefix: 0, hostBits: false }],
    ['255.255.255.255/32', { first: 0xffffffff, last: 0xffffffff, prefix: 32, hostBits: false }],
  ])('reads %j', (text, expected) => {
    expect(parseCidr(text)).toEqual(expected);
  });

  it.each([
    '',
    '10.3.0.0',
    '10.3/16',
    '10.3.0.0/33',
    '10.256.0.0/16',
    '010.3.0.0/16',
    '10.3.0.0/016',
    ' 10.3.0.0/16',
    '10.3.0.0/16 ',
    '10.3.0.0.0/16',
    '10.x.0.0/16',
    'fd00::/16',
  ])('refuses %j', (text) => {
    expect(parseCidr(text)).toBeUndefined();
  });

  it('reads back what renderCidr writes', () => {
    fc.assert(
      fc.property(block, (value) => {
        expect(parseCidr(renderCidr(value))).toEqual({ ...value, hostBits: false });
      }),
    );
  });
});

describe('cidrsOverlap', () => {
  it.each([
    ['10.0.0.0/16', '10.0.0.0/16', true],
    ['10.0.0.0/16', '10.1.0.0/16', false],
    ['10.0.0.0/15', '10.1.0.0/16', true],
    ['10.0.255.0/24', '10.0.0.0/16', true],
    ['10.1.0.0/16', '10.0.255.0/24', false],
  ])('%s and %s: %s', (a, b, expected) => {
    expect(cidrsOverlap(parsed(a), parsed(b))).toBe(expected);
  });

  it('is symmetric, reflexive, and true exactly when one block holds the other', () => {
    fc.assert(
      fc.property(block, block, (a, b) => {
        const nested = (a.first <= b.first && b.last <= a.last) || (b.first <= a.first && a.last <= b.last);
        expect(cidrsOverlap(a, b)).toBe(cidrsOverlap(b, a));
        expect(cidrsOverlap(a, b)).toBe(nested);
        expect(cidrsOverlap(a, a)).toBe(true);
      }),
    );
  });
});

it.each([
  ['10.255.0.0/16', true],
  ['172.16.0.0/16', true],
  ['172.31.0.0/16', true],
  ['172.32.0.0/16', false],
  ['192.168.0.0/16', true],
  ['100.64.0.0/16', false],
  ['8.8.0.0/16', false],
  ['127.0.0.0/16', false],
  ['10.0.0.0/7', false],
])('isPrivate(%s) is %s', (text, expected) => {
  expect(isPrivate(parsed(text))).toBe(expected);
});
