/** Every alert is tested, explained, and drawn in the graphs with the figure that it has. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import * as thresholds from '../src/thresholds.ts';
import { STACK_DIR } from './dashboard-queries.ts';

const textOf = (path: string): string => readFileSync(join(STACK_DIR, 'prometheus', path), 'utf8');
const rules = textOf('rules/alerts.yml');
const alerts = matches(rules, /^ +- alert: (\w+)$/gm);

function matches(text: string, pattern: RegExp): string[] {
  return [...text.matchAll(pattern)].map(([, group = '']) => group);
}

it('each alert has its section of the README, each section its alert, and the link leads there', () => {
  expect(alerts.length).toBeGreaterThan(0);
  expect(matches(textOf('README.md'), /^## (.+)$/gm).sort()).toEqual([...alerts].sort());
  const links = matches(rules, /^ +runbook_url: local-stack\/prometheus\/README\.md#(.+)$/gm);
  expect(links).toEqual(alerts.map((alert) => alert.toLowerCase()));
});

it('what it says of AWS is in the runbook', () => {
  const runbook = readFileSync(join(STACK_DIR, '..', 'docs', 'runbook.md'), 'utf8');
  const anchors = matches(textOf('README.md'), /\]\(\.\.\/\.\.\/docs\/runbook\.md#([^)]+)\)/g);
  expect(anchors.length).toBeGreaterThan(0);
  const sections = matches(runbook, /^## (.+)$/gm);
  expect(anchors.filter((anchor) => !sections.includes(anchor))).toEqual([]);
});

it('each alert names the next command or place, and how urgent it is', () => {
  for (const rule of rules.split(/^ +- alert: /m).slice(1)) {
    expect(rule).toMatch(/Next: ./);
    expect(rule).toMatch(/severity: (critical|warning)$/m);
  }
});

it.each(alerts)('%s is seen silent and firing in its test', (alert) => {
  const cases = textOf('tests/alerts.yml').split(/^ +- eval_time: /m);
  const own = cases.filter((text) => new RegExp(`alertname: ${alert}$`, 'm').test(text));
  expect(own.filter((text) => /exp_alerts: \[\]$/m.test(text))).toHaveLength(1);
  expect(own.filter((text) => /exp_annotations:$/m.test(text))).toHaveLength(1);
});

it.each(Object.entries(thresholds))(
  '%s, the line in the graphs, is where an alert begins',
  (_name, value) => {
    expect(matches(rules, / > ([\d.]+)$/gm).map(Number)).toContain(value);
  },
);
