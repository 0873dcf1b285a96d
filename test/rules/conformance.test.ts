/** Every rule of AWS that counts here has a test, or says why not; docs/conformance.md shows which. */
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { findProofs, renderConformance } from './conformance.ts';
import { CONFORMANCE } from './conformance-rules.ts';
import { ROOT, repositoryFiles } from './repository-files.ts';

const proofs = findProofs(repositoryFiles().filter(({ path }) => !path.startsWith('test/rules/')));
const rules = CONFORMANCE.flatMap((section) => section.rules);

it('every rule has a test, or a reason why it has none', () => {
  const missing = rules.filter(({ id, unproven }) => !proofs.has(id) && unproven === undefined);
  expect(missing.map(({ id }) => id)).toEqual([]);
});

it('no rule that has a test claims to have none', () => {
  expect(rules.filter(({ id, unproven }) => proofs.has(id) && unproven !== undefined)).toEqual([]);
});

it('every id in a test title is that of a rule', () => {
  const sections = new Set(rules.map(({ id }) => id.split('.')[0]));
  const known = new Set(rules.map(({ id }) => id));
  const unknown = [...proofs.keys()].filter((id) => sections.has(id.split('.')[0]) && !known.has(id));
  expect(unknown).toEqual([]);
});

it('the page of the docs is what the tests say', async () => {
  await expect(renderConformance(CONFORMANCE, proofs)).toMatchFileSnapshot(
    join(ROOT, 'docs', 'conformance.md'),
  );
});

it('reads ids from titles, several at once, and from comments in HCL', () => {
  const found = findProofs([
    { path: 'a.test.ts', text: "it('[x.one] [x.two] shows it', () => {});\nit.each(T)(`[x.one] %s`, f);" },
    { path: 'b.tftest.hcl', text: 'run "r" {\n  # [x.one] a lifecycle rule\n}' },
    { path: 'c.ts', text: "it('[x.one] no test file', f)" },
  ]);
  expect(found.get('x.one')).toEqual([
    { path: 'a.test.ts', title: 'shows it' },
    { path: 'a.test.ts', title: '%s' },
    { path: 'b.tftest.hcl', title: 'a lifecycle rule' },
  ]);
  expect(found.get('x.two')).toEqual([{ path: 'a.test.ts', title: 'shows it' }]);
});
