/** A release is named by all of its contents. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { digestOf, hashTree, imageReference, makeRelease, shortDigest } from './release.ts';

const hex = (length: number) =>
  fc.string({ unit: fc.constantFrom(...'0123456789abcdef'), minLength: length, maxLength: length });
const contents = fc.record({
  imageDigest: hex(64).map((digest) => `sha256:${digest}`),
  terraformHash: hex(64),
  sourceCommit: fc.oneof(
    hex(40),
    hex(40).map((commit) => `${commit}-dirty`),
    fc.constant('none'),
  ),
});

describe('makeRelease', () => {
  it('names the same contents the same, today and tomorrow', () => {
    const known = {
      imageDigest: `sha256:${'0'.repeat(64)}`,
      terraformHash: '1'.repeat(64),
      sourceCommit: 'none',
    };
    expect(makeRelease(known)).toEqual({ id: 'r-f889f007654d', ...known });
    fc.assert(
      fc.property(contents, (value) => {
        expect(makeRelease(value).id).toMatch(/^r-[0-9a-f]{12}$/);
        expect(makeRelease({ ...value })).toEqual(makeRelease(value));
      }),
    );
  });

  it.each(['imageDigest', 'terraformHash', 'sourceCommit'] as const)('depends on %s', (field) => {
    fc.assert(
      fc.property(contents, contents, (value, other) => {
        fc.pre(value[field] !== other[field]);
        expect(makeRelease({ ...value, [field]: other[field] }).id).not.toBe(makeRelease(value).id);
      }),
    );
  });
});

describe('hashTree', () => {
  const tree = fc.uniqueArray(fc.record({ path: fc.string({ minLength: 1 }), content: fc.string() }), {
    selector: ({ path }) => path,
    minLength: 1,
    maxLength: 8,
  });

  it('does not depend on the order in which files were found', () => {
    fc.assert(
      fc.property(tree, (files) => {
        expect(hashTree([...files].reverse())).toBe(hashTree(files));
      }),
    );
  });

  it('depends on every path, every content and every file', () => {
    fc.assert(
      fc.property(tree, fc.nat(), (files, seed) => {
        const place = seed % files.length;
        const alter = (change: (file: { path: string; content: string }) => object) =>
          files.map((file, index) => ({ ...file, ...(index === place ? change(file) : {}) }));
        const hash = hashTree(files);
        expect(hashTree(alter(({ content }) => ({ content: `${content} ` })))).not.toBe(hash);
        expect(hashTree(alter(({ path }) => ({ path: `${path}/new` })))).not.toBe(hash);
        expect(hashTree(files.filter((_, index) => index !== place))).not.toBe(hash);
      }),
    );
  });
});

it('reads a digest from an image reference', () => {
  const digest = `sha256:${'ab'.repeat(32)}`;
  expect(digestOf(imageReference('1.dkr.ecr.us-east-1.amazonaws.com/shop', digest))).toBe(digest);
  expect(digestOf('shop:latest')).toBeUndefined();
  expect(shortDigest(digest)).toBe('abababababab');
});
