/** What the committed dashboards ask of Prometheus: their panels, their variables, their annotations. */
import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

export const STACK_DIR = dirname(dirname(fileURLToPath(import.meta.url)));
const DASHBOARDS_DIR = join(STACK_DIR, 'grafana', 'dashboards');

interface StoredPanel {
  readonly type: string;
  readonly title?: string;
  readonly targets?: readonly { readonly refId: string; readonly expr: string }[];
  readonly fieldConfig?: {
    readonly overrides: readonly { readonly matcher: { readonly id: string; readonly options?: unknown } }[];
  };
  readonly [field: string]: unknown;
}

interface StoredVariable {
  readonly name: string;
  readonly type: string;
  readonly definition?: string;
  readonly allValue?: string;
  readonly sort?: number;
}

export interface StoredDashboard {
  readonly title: string;
  readonly panels: readonly StoredPanel[];
  readonly templating: { readonly list: readonly StoredVariable[] };
  readonly annotations: { readonly list: readonly { readonly name: string; readonly expr: string }[] };
}

export interface DashboardQuery {
  /** Dashboard, panel and letter of the query: what a person finds it by. */
  readonly name: string;
  readonly expr: string;
}

/** By the name of the file. */
export function storedDashboards(): ReadonlyMap<string, StoredDashboard> {
  const files = readdirSync(DASHBOARDS_DIR).filter((file) => file.endsWith('.json'));
  return new Map(files.map((file) => [file, JSON.parse(readFileSync(join(DASHBOARDS_DIR, file), 'utf8'))]));
}

export function panelQueries({ title, panels }: StoredDashboard): readonly DashboardQuery[] {
  return panels.flatMap((panel) =>
    (panel.targets ?? []).map(({ refId, expr }) => ({ name: `${title} / ${panel.title} ${refId}`, expr })),
  );
}

export function annotationQueries({ title, annotations }: StoredDashboard): readonly DashboardQuery[] {
  return annotations.list.map(({ name, expr }) => ({ name: `${title} / annotation ${name}`, expr }));
}

/** `label_values(SELECTOR, LABEL)`, as Grafana takes it apart. */
export function parseLabelValues(definition: string): { selector: string; label: string } {
  const match = /^label_values\((.+), (\w+)\)$/s.exec(definition);
  const [, selector, label] = match ?? [];
  if (selector === undefined || label === undefined) throw new Error(`no label_values: ${definition}`);
  return { selector, label };
}

/** Puts values in the place of `$name` as Grafana does. A name without a value is an error, as it would be there. */
export function substitute(expr: string, values: Readonly<Record<string, string>>): string {
  return expr.replaceAll(/\$(\w+)/g, (whole, name: string) => {
    const value = values[name];
    if (value === undefined) throw new Error(`${whole} is no variable of the dashboard: ${expr}`);
    return value;
  });
}

/** What Grafana puts in for a look at the last minute of what is scraped every second. */
export const GRAFANA_RANGES = { __rate_interval: '15s', __range: '60s' } as const;
