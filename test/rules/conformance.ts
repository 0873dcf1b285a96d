/** Which test proves which rule of AWS, read from test titles; and the page that says so. Pure. */
import type { ConformanceRule, ConformanceSection } from './conformance-rules.ts';
import type { RepositoryFile } from './repository-files.ts';

export interface Proof {
  readonly path: string;
  /** The test's title without its ids. */
  readonly title: string;
}

const TEST_FILE = /(?:\.test\.ts|\.wire-suite\.ts|-contract\.ts|\.tftest\.hcl)$/;
/** A title may carry several ids: `'[a.b] [a.c] what it shows'`. In HCL, whose runs have no titles, a comment does. */
const TITLE = /(?:['"`]|^\s*#\s*)((?:\[[a-z0-9-]+\.[a-z0-9-]+\] ?)+)([^\n]*)/gm;
const ID = /\[([a-z0-9-]+\.[a-z0-9-]+)\]/g;

/** Proofs by rule id, in the order of files. */
export function findProofs(files: readonly RepositoryFile[]): ReadonlyMap<string, readonly Proof[]> {
  const proofs = new Map<string, Proof[]>();
  for (const { path, text } of files) {
    if (!TEST_FILE.test(path)) continue;
    for (const [, ids = '', rest = ''] of text.matchAll(TITLE)) {
      for (const [, id = ''] of ids.matchAll(ID)) {
        const list = proofs.get(id) ?? [];
        list.push({ path, title: titleOf(rest) });
        proofs.set(id, list);
      }
    }
  }
  return proofs;
}

/** Up to the quote that ends the title. */
function titleOf(rest: string): string {
  return rest.replace(/['"`](?:,|\)|\s*$).*$/, '').trim();
}

export function renderConformance(
  sections: readonly ConformanceSection[],
  proofs: ReadonlyMap<string, readonly Proof[]>,
): string {
  const rules = sections.flatMap(({ rules: some }) => some);
  const proven = rules.filter(({ id }) => proofs.has(id)).length;
  const lines = [
    '# Conformance',
    '',
    'What Towpath relies on or imitates of AWS, rule by rule, with the tests that prove it. Written by',
    '`npx vitest run --project rules --update` from the titles of the tests; `npm test` fails when it is stale.',
    '',
    `${proven} of ${rules.length} rules have a test.`,
  ];
  for (const section of sections) {
    lines.push('', `## ${section.title}`, '', '| rule | proven by |', '|---|---|');
    for (const rule of section.rules) lines.push(renderRule(rule, proofs.get(rule.id) ?? []));
  }
  return `${lines.join('\n')}\n`;
}

function renderRule(rule: ConformanceRule, proofs: readonly Proof[]): string {
  const files = [...new Set(proofs.map(({ path }) => path))];
  const named = files.map((path) => {
    const titles = proofs.filter((proof) => proof.path === path).map(({ title }) => title);
    return `[${path}](../${path}): ${[...new Set(titles)].join('; ')}`.replaceAll('|', '\\|');
  });
  const assumption = rule.assumption === true ? ' *(assumption: AWS does not publish it)*' : '';
  const proof = named.length > 0 ? named.join('<br>') : `no test: ${rule.unproven ?? 'missing'}`;
  return `| \`${rule.id}\` ${rule.text}${assumption} | ${proof} |`;
}
