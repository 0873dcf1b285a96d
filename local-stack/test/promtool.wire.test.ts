/** Configuration, rules and every expression of the dashboards, as Prometheus' own tool judges them. Needs promtool. */
import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import {
  annotationQueries,
  GRAFANA_RANGES,
  panelQueries,
  STACK_DIR,
  storedDashboards,
  substitute,
} from './dashboard-queries.ts';
import { runProgram } from './run-program.ts';

const PROMETHEUS_DIR = join(STACK_DIR, 'prometheus');

async function filesIn(folder: string): Promise<string[]> {
  const files = (await readdir(join(PROMETHEUS_DIR, folder))).map((file) => join(folder, file));
  expect(files.length).toBeGreaterThan(0);
  return files;
}

it('the configuration is valid', async () => {
  await runProgram('promtool', ['check', 'config', 'prometheus.yml'], PROMETHEUS_DIR);
});

it('the rules are valid, and none is there twice', async () => {
  const args = ['check', 'rules', '--lint=all', '--lint-fatal', ...(await filesIn('rules'))];
  await runProgram('promtool', args, PROMETHEUS_DIR);
});

it('the rules do what their tests say', async () => {
  const output = await runProgram('promtool', ['test', 'rules', ...(await filesIn('tests'))], PROMETHEUS_DIR);
  expect(output.match(/SUCCESS/g)).toHaveLength((await filesIn('tests')).length);
});

it('every expression of the dashboards is PromQL', async () => {
  const names = ['environment', 'service', 'instance', 'before', 'after'];
  const values = { ...GRAFANA_RANGES, ...Object.fromEntries(names.map((name) => [name, '.*'])) };
  const queries = [...storedDashboards().values()].flatMap((dashboard) => [
    ...panelQueries(dashboard),
    ...annotationQueries(dashboard),
  ]);
  // As rules, since that is where promtool parses expressions. JSON is YAML.
  const rules = queries.map(({ expr, name }, index) => ({
    record: `query_${index}`,
    expr: substitute(expr, values),
    labels: { name },
  }));
  const dir = await mkdtemp(join(tmpdir(), 'towpath-promql-'));
  try {
    await writeFile(join(dir, 'queries.yml'), JSON.stringify({ groups: [{ name: 'dashboards', rules }] }));
    const output = await runProgram('promtool', ['check', 'rules', 'queries.yml'], dir);
    expect(output).toContain(`${queries.length} rules found`);
  } finally {
    await rm(dir, { recursive: true, force: true });
  }
});
