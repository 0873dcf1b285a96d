/** Every alarm has its section of the runbook, every section its alarm. What it tells to type is checked beside the command line. */
import { describe, expect, it } from 'vitest';
import { repositoryFiles } from './repository-files.ts';
import { alarmKeys, sections } from './runbook.ts';

const textOf = (path: string) => repositoryFiles().find((file) => file.path === path)?.text ?? '';
const runbook = textOf('docs/runbook.md');
const parts = ['What it means', 'Look first', 'Likely causes', 'How to mend it', 'When to roll back'];

describe('docs/runbook.md', () => {
  it('has one section for each alarm, and no other', () => {
    const keys = alarmKeys(textOf('infra/modules/monitoring/main.tf'));
    expect(keys.length).toBeGreaterThan(0);
    expect([...sections(runbook).keys()].sort()).toEqual([...keys].sort());
  });

  it.each([...sections(runbook)])('%s says what it means, where to look, and what to do', (_name, text) => {
    expect([...text.matchAll(/^\*\*(.+?)\.\*\*/gm)].map(([, title]) => title)).toEqual(parts);
    expect(text).toContain('$ npx towpath ');
  });

  it('is linked, from itself and from elsewhere, where there are sections', () => {
    const linked = repositoryFiles()
      .filter(({ path }) => path.endsWith('.md'))
      .flatMap(({ path, text }) => [
        ...text.matchAll(path === 'docs/runbook.md' ? /\]\(#([^)]+)\)/g : /runbook\.md#([^)]+)\)/g),
      ])
      .map(([, anchor]) => anchor);
    expect(linked.length).toBeGreaterThan(0);
    expect(linked.filter((anchor) => !sections(runbook).has(anchor ?? ''))).toEqual([]);
  });
});

describe('what is read off', () => {
  it('takes the keys of the alarms, and not those within them', () => {
    const text =
      'locals {\n  metric_alarms = {\n    latency = {\n      minutes = 5\n    }\n  }\n' +
      '  expression_alarms = {\n    "5xx" = {\n      metrics = {\n        errors = {}\n      }\n    }\n  }\n' +
      '  other = {\n    none = {\n    }\n  }\n}\n';
    expect(alarmKeys(text)).toEqual(['latency', '5xx']);
  });
});
