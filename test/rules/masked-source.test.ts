/** Tests of the reader that the import and house rules stand on. */
import { describe, expect, it } from 'vitest';
import { importsOf, maskSource } from './masked-source.ts';

const specifiers = (source: string) => importsOf(source).map(({ specifier }) => specifier);

describe('importsOf', () => {
  it.each([
    ["import { a } from './a.ts';", './a.ts', false],
    ["import a, * as b from './a.ts';", './a.ts', false],
    ["import './a.ts';", './a.ts', false],
    ["import type { A } from './a.ts';", './a.ts', true],
    ["import {\n  a, // 'no.ts'\n  type B,\n} from './a.ts';", './a.ts', false],
    ["export { a } from './a.ts';", './a.ts', false],
    ["export * from './a.ts';", './a.ts', false],
    ["export type { A } from './a.ts';", './a.ts', true],
    ["const a = await import('./a.ts');", './a.ts', false],
    ["type A = typeof import('./a.ts');", './a.ts', true],
    ["let a: import('./a.ts').A;", './a.ts', true],
    ["const s = `${await import('./a.ts')}`;", './a.ts', false],
  ])('reads %s', (source, specifier, typeOnly) => {
    expect(importsOf(source)).toMatchObject([{ specifier, typeOnly }]);
  });

  it.each([
    "// import { a } from './a.ts';",
    "/* import './a.ts' */",
    'const text = "import \'./a.ts\'";',
    "const text = `import a from './a.ts'`;",
    "const pattern = /from './;",
    "const from = 'x';",
    "expect(importsFrom('a.ts')).toBe('b.ts');",
    "const import_ = { from: './a.ts' };",
  ])('finds none in %s', (source) => {
    expect(specifiers(source)).toEqual([]);
  });

  it('goes on after regular expressions, divisions and nested templates', () => {
    const source = [
      "const a = b / c; const d = e / f; import('./1.ts');",
      "const g = /[/'\"`]/.test(h); import('./2.ts');",
      "const i = `a ${`b ${{ c: '}' }} d`} e`; import('./3.ts');",
      "const j = 'it\\'s'; import('./4.ts');",
    ].join('\n');
    expect(importsOf(source).map(({ specifier, line }) => [specifier, line])).toEqual([
      ['./1.ts', 1],
      ['./2.ts', 2],
      ['./3.ts', 3],
      ['./4.ts', 4],
    ]);
  });
});

describe('maskSource', () => {
  it('blanks comments and literals, and keeps code and positions', () => {
    expect(maskSource("a('x'); // b\nc(`d${e}f`)").code).toBe("a(' ');     \nc(` ${e} `)");
  });
});
