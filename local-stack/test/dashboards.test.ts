/** The committed dashboards: fresh, laid out without gaps, and explained. */
import { describe, expect, it } from 'vitest';
import { allDashboards, renderDashboard } from '../src/all-dashboards.ts';
import { parseLabelValues, storedDashboards, substitute } from './dashboard-queries.ts';

const COLUMNS = 24;
const stored = [...storedDashboards()];

it('are what src/ makes; otherwise: npm run generate -w local-stack', () => {
  const made = Object.entries(allDashboards()).map(([file, dashboard]) => [
    file,
    JSON.parse(renderDashboard(dashboard)),
  ]);
  expect(Object.fromEntries(stored)).toEqual(Object.fromEntries(made));
});

it('have addresses and titles of their own', () => {
  const dashboards = Object.values(allDashboards());
  expect(new Set(dashboards.map(({ uid }) => uid)).size).toBe(dashboards.length);
  expect(new Set(dashboards.map(({ title }) => title)).size).toBe(dashboards.length);
});

describe.each(stored)('%s', (_file, dashboard) => {
  const { panels, templating, annotations } = dashboard;

  it('fills each line of its grid from left to right', () => {
    const lines = new Map<number, { x: number; width: number; height: number }[]>();
    for (const panel of panels) {
      const { x, y, w, h } = panel.gridPos as { x: number; y: number; w: number; h: number };
      lines.set(y, [...(lines.get(y) ?? []), { x, width: w, height: h }]);
    }
    let below = 0;
    for (const [y, line] of lines) {
      expect(y).toBe(below);
      expect(line.reduce((end, { x, width }) => (x === end ? end + width : Number.NaN), 0)).toBe(COLUMNS);
      expect(new Set(line.map(({ height }) => height)).size).toBe(1);
      below = y + (line[0]?.height ?? 0);
    }
  });

  it('gives every panel an id, a description and the chosen data source', () => {
    expect(new Set(panels.map(({ id }) => id)).size).toBe(panels.length);
    for (const { type, title, description, datasource, targets } of panels) {
      if (type === 'row') continue;
      expect(description, `of ${title}`).toMatch(/^.{15,}$/s);
      expect(datasource).toEqual({ type: 'prometheus', uid: '${datasource}' });
      expect(targets).not.toHaveLength(0);
    }
  });

  it('colours by patterns as Grafana reads them: in slashes, else they stand for the whole name', () => {
    const matchers = panels
      .flatMap(({ fieldConfig }) => fieldConfig?.overrides ?? [])
      .map(({ matcher }) => matcher);
    for (const { id, options } of matchers) if (id === 'byRegexp') expect(options).toMatch(/^\/.+\/$/);
  });

  it('asks with no variable but its own', () => {
    const known = { __rate_interval: '1m', __range: '1m' };
    const values = { ...known, ...Object.fromEntries(templating.list.map(({ name }) => [name, 'x'])) };
    const exprs = [...panels.flatMap(({ targets = [] }) => targets), ...annotations.list].map(
      ({ expr }) => expr,
    );
    for (const expr of exprs) expect(substitute(expr, values)).not.toContain('$');
    for (const { definition } of templating.list) {
      if (definition !== undefined) expect(parseLabelValues(definition).selector).not.toBe('');
    }
  });
});
