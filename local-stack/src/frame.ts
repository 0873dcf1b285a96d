/** What the dashboards have in common around their panels: variables, links, annotations, refresh. */
import {
  AnnotationQueryBuilder,
  type Dashboard,
  DashboardBuilder,
  DashboardCursorSync,
  DashboardLinkBuilder,
  DashboardLinkType,
  DatasourceVariableBuilder,
  QueryVariableBuilder,
  RowBuilder,
  VariableRefresh,
  VariableSort,
} from '@grafana/grafana-foundation-sdk/dashboard';
import { type AnyPanel, DATASOURCE } from './panels.ts';
import { APP_JOBS } from './selectors.ts';

const TAG = 'towpath';

export interface FrameOptions {
  /** Part of the dashboard's address, so it never changes. */
  readonly uid: string;
  readonly title: string;
  readonly description: string;
  readonly variables: readonly QueryVariableBuilder[];
  /** Each is a row of panels under its title. */
  readonly rows: Readonly<Record<string, readonly AnyPanel[]>>;
  /** Matchers of the alerts that are marked in the graphs. */
  readonly alerts: string;
}

export function frame(options: FrameOptions): Dashboard {
  const builder = new DashboardBuilder(options.title)
    .uid(options.uid)
    .description(options.description)
    .tags([TAG])
    .timezone('browser')
    // To be played with; what is committed stays as it is.
    .editable()
    .tooltip(DashboardCursorSync.Crosshair)
    .time({ from: 'now-15m', to: 'now' })
    .refresh('5s')
    .withVariable(new DatasourceVariableBuilder('datasource').label('Prometheus').type('prometheus'))
    .link(
      new DashboardLinkBuilder('Dashboards of Towpath')
        .type(DashboardLinkType.Dashboards)
        .tags([TAG])
        .icon('dashboard')
        .tooltip('The other dashboards, for the same time')
        .asDropdown(true)
        .keepTime(true)
        .includeVars(true),
    )
    .annotation(
      new AnnotationQueryBuilder()
        .name('Alerts')
        .datasource(DATASOURCE)
        .enable(true)
        .iconColor('red')
        .expr(`ALERTS{alertstate="firing", ${options.alerts}}`)
        .titleFormat('{{alertname}}')
        .textFormat('{{severity}} {{environment}} {{service}} {{task}}')
        .step('5s'),
    );
  for (const variable of options.variables) builder.withVariable(variable);
  for (const [title, panels] of Object.entries(options.rows)) {
    builder.withRow(new RowBuilder(title));
    for (const panel of panels) builder.withPanel(panel);
  }
  return finish(builder.build());
}

/** What the builders leave open, or set where it should stay unset. */
function finish(dashboard: Dashboard): Dashboard {
  dashboard.panels?.forEach((panel, index) => {
    panel.id = index + 1;
  });
  // The only value there is hides links and annotations in a menu.
  for (const shown of [...(dashboard.links ?? []), ...(dashboard.annotations.list ?? [])]) {
    delete shown.placement;
  }
  return dashboard;
}

interface VariableOptions {
  readonly label: string;
  readonly description: string;
  /** A metric with matchers, and the label whose values are offered. */
  readonly of: readonly [metric: string, label: string];
  readonly sort?: VariableSort;
}

function variable(name: string, { label, description, of, sort }: VariableOptions): QueryVariableBuilder {
  const query = `label_values(${of.join(', ')})`;
  return new QueryVariableBuilder(name)
    .label(label)
    .description(description)
    .datasource(DATASOURCE)
    .definition(query)
    .query({ query, refId: `variable-${name}` })
    .refresh(VariableRefresh.OnTimeRangeChanged)
    .sort(sort ?? VariableSort.AlphabeticalAsc);
}

/** Any number of values, all of them at first. */
export function anyOf(name: string, options: VariableOptions): QueryVariableBuilder {
  return variable(name, options)
    .multi(true)
    .includeAll(true)
    .allValue('.*')
    .current({ selected: true, text: ['All'], value: ['$__all'] });
}

export function oneOf(name: string, options: VariableOptions): QueryVariableBuilder {
  return variable(name, options).multi(false).includeAll(false);
}

export function serviceVariables(): readonly QueryVariableBuilder[] {
  return [
    anyOf('environment', {
      label: 'Environment',
      description: 'local is the app of the development stack, the others run in the embedded AWS',
      of: [`up{${APP_JOBS}}`, 'environment'],
    }),
    anyOf('service', {
      label: 'Service',
      description: 'Service of the chosen environments',
      of: [`up{${APP_JOBS}, environment=~"$environment"}`, 'service'],
    }),
  ];
}
