/** The committed dashboards against the schema of Grafana's SDK. No server, but seconds of compiling. */
import { beforeAll, describe, expect, it } from 'vitest';
import { storedDashboards } from './dashboard-queries.ts';
import { createDashboardCheck } from './dashboard-schema.ts';

let check: ReturnType<typeof createDashboardCheck>;
beforeAll(() => {
  check = createDashboardCheck();
}, 60_000);

it.each([...storedDashboards()])('%s has the types of the SDK', (_file, dashboard) => {
  expect(check(dashboard)).toEqual([]);
});

describe('what is wrong is found', () => {
  const fieldConfig = { defaults: { custom: { align: 'auto', inspect: false } }, overrides: [] };
  const query = { refId: 'A', expr: 'up', range: true };
  const panel = {
    type: 'table',
    title: 'One',
    options: { frameIndex: 0, showHeader: true },
    targets: [query],
    fieldConfig,
  };
  const dashboard = { title: 'One', schemaVersion: 42, templating: {}, annotations: {}, panels: [panel] };
  const withPanel = (changes: object): object => ({ ...dashboard, panels: [{ ...panel, ...changes }] });

  it('nothing is wrong with the one that is changed below', () => {
    expect(check(dashboard)).toEqual([]);
  });

  it.each<[string, object, RegExp]>([
    ['an unknown property of the dashboard', { ...dashboard, colour: 'red' }, /additional.*colour/],
    ['a value that is none of the allowed', { ...dashboard, graphTooltip: 3 }, /graphTooltip .*allowed/],
    ['an unknown property of a panel', withPanel({ colour: 'red' }), /additional.*colour/],
    ['an unknown option of a panel', withPanel({ options: { colour: 'red' } }), /options .*colour/],
    ['a query without an expression', withPanel({ targets: [{ refId: 'A' }] }), /query .*expr/],
    [
      'a unit that is no text',
      withPanel({ fieldConfig: { defaults: { unit: 1 }, overrides: [] } }),
      /unit .*string/,
    ],
    ['a type of panel without a schema', withPanel({ type: 'news' }), /news has no schema/],
  ])('%s', (_what, wrong, message) => {
    expect(check(wrong).join('\n')).toMatch(message);
  });
});
