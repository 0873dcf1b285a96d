/** Every error code is described in docs/errors.md, and nothing is described there that no longer exists. */
import { describe, expect, it } from 'vitest';
import { ERROR_CATALOGUE } from '../../towpath/src/domain/errors.ts';
import { repositoryFiles } from './repository-files.ts';

/** A code is described by a heading or by the first cell of a table row. */
function describedCodes(markdown: string): readonly string[] {
  return [...markdown.matchAll(/^(?:#{2,4} +|\| *)`([A-Z][A-Z0-9_]+)`/gm)].map((match) => match[1] ?? '');
}

describe('docs/errors.md', () => {
  const documented = describedCodes(
    repositoryFiles().find(({ path }) => path === 'docs/errors.md')?.text ?? '',
  );

  it('describes each code once, and no other', () => {
    expect([...documented].sort()).toEqual(Object.keys(ERROR_CATALOGUE).sort());
  });
});

describe('describedCodes', () => {
  it('reads headings and table rows, not mentions', () => {
    const text = '## `ONE`\nsee `TWO`\n| `THREE` | x |\n| x | `FOUR` |\n### `FIVE_6`\n';
    expect(describedCodes(text)).toEqual(['ONE', 'THREE', 'FIVE_6']);
  });
});
