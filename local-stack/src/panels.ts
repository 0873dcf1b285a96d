/**
 * The kinds of panels that the dashboards are made of, with one look for all: units, thresholds, legends, tooltips.
 * The classic model of dashboards is used, for file provisioning of every Grafana since version 8 reads it.
 */
import type * as cog from '@grafana/grafana-foundation-sdk/cog';
import {
  BigValueColorMode,
  BigValueGraphMode,
  BigValueTextMode,
  GraphThresholdsStyleConfigBuilder,
  GraphThresholdsStyleMode,
  LegendDisplayMode,
  LegendPlacement,
  ReduceDataOptionsBuilder,
  SortOrder,
  StackingConfigBuilder,
  StackingMode,
  TooltipDisplayMode,
  VisibilityMode,
  VizLegendOptionsBuilder,
  VizOrientation,
  VizTooltipOptionsBuilder,
} from '@grafana/grafana-foundation-sdk/common';
import {
  type DataSourceRef,
  type DataTransformerConfig,
  type DynamicConfigValue,
  FieldColorBuilder,
  FieldColorModeId,
  type Panel,
  type Threshold,
  ThresholdsConfigBuilder,
  ThresholdsMode,
} from '@grafana/grafana-foundation-sdk/dashboard';
import { DataqueryBuilder, PromQueryFormat } from '@grafana/grafana-foundation-sdk/prometheus';
import { PanelBuilder as StatBuilder } from '@grafana/grafana-foundation-sdk/stat';
import { PanelBuilder as TableBuilder } from '@grafana/grafana-foundation-sdk/table';
import { PanelBuilder as TimeseriesBuilder } from '@grafana/grafana-foundation-sdk/timeseries';

/** Chosen by the variable `datasource`: the uid differs from one Grafana to another. */
export const DATASOURCE: DataSourceRef = { type: 'prometheus', uid: '${datasource}' };

/** Of 24 columns and of rows of about 30 pixels. */
const GRAPH_HEIGHT = 8;
const STAT_HEIGHT = 4;
const FILL_PERCENT = 10;
const STACKED_FILL_PERCENT = 40;

export interface Query {
  readonly expr: string;
  /** `{{label}}` stands for the label's value. */
  readonly legend: string;
}

interface Common {
  readonly title: string;
  /** What is seen, and what to think of when it is bad. */
  readonly description: string;
  /** Of Grafana's units. */
  readonly unit: string;
  readonly queries: readonly Query[];
  /** Of 24 columns. */
  readonly width: number;
}

/** From `warn` on orange, from `bad` on red. */
export interface Limits {
  readonly warn?: number;
  readonly bad: number;
}

export interface GraphOptions extends Common {
  readonly max?: number;
  readonly limits?: Limits;
  readonly stacked?: boolean;
  /** Colour by a regular expression that the legend is matched with. */
  readonly colors?: Readonly<Record<string, string>>;
}

export interface StatOptions extends Common {
  readonly limits?: Limits;
  /** The opposite: at least so much is good, less is red. */
  readonly atLeast?: number;
  /** A change for the worse is red, for the better green: the sign of what is worse. */
  readonly worse?: 'more' | 'less';
  readonly noValue?: string;
  /** One figure of the whole time that is shown, and no curve. */
  readonly instant?: boolean;
  readonly decimals?: number;
  /** `tall` stands beside a graph. */
  readonly height?: 'tall';
}

export type AnyPanel = cog.Builder<Panel>;

export function graph(options: GraphOptions): AnyPanel {
  const { limits, stacked = false } = options;
  const builder = new TimeseriesBuilder()
    .title(options.title)
    .description(options.description)
    .datasource(DATASOURCE)
    .unit(options.unit)
    .min(0)
    .span(options.width)
    .height(GRAPH_HEIGHT)
    .targets(options.queries.map((query, index) => target(query, index).range()))
    .lineWidth(1)
    .fillOpacity(stacked ? STACKED_FILL_PERCENT : FILL_PERCENT)
    .showPoints(VisibilityMode.Never)
    // The same name has the same colour in every graph: an environment is found again.
    .colorScheme(new FieldColorBuilder().mode(FieldColorModeId.PaletteClassicByName))
    .legend(
      new VizLegendOptionsBuilder()
        .displayMode(LegendDisplayMode.Table)
        .placement(LegendPlacement.Bottom)
        .showLegend(true)
        .calcs(['lastNotNull', 'max']),
    )
    .tooltip(new VizTooltipOptionsBuilder().mode(TooltipDisplayMode.Multi).sort(SortOrder.Descending));
  if (options.max !== undefined) builder.max(options.max);
  if (stacked) builder.stacking(new StackingConfigBuilder().mode(StackingMode.Normal).group('A'));
  if (limits !== undefined) {
    builder
      .thresholds(thresholds(limitSteps(limits)))
      .thresholdsStyle(new GraphThresholdsStyleConfigBuilder().mode(GraphThresholdsStyleMode.Dashed));
  }
  for (const [pattern, color] of Object.entries(options.colors ?? {})) {
    // Without the slashes Grafana takes a pattern for the whole name.
    builder.overrideByRegexp(`/${pattern}/`, [fixedColor(color)]);
  }
  return builder;
}

export function stat(options: StatOptions): AnyPanel {
  const { instant = false } = options;
  const builder = new StatBuilder()
    .title(options.title)
    .description(options.description)
    .datasource(DATASOURCE)
    .unit(options.unit)
    .span(options.width)
    .height(options.height === 'tall' ? GRAPH_HEIGHT : STAT_HEIGHT)
    .targets(
      options.queries.map((query, index) => {
        const built = target(query, index);
        return instant ? built.instant() : built.range();
      }),
    )
    .graphMode(instant ? BigValueGraphMode.None : BigValueGraphMode.Area)
    .colorMode(BigValueColorMode.Value)
    .orientation(VizOrientation.Vertical)
    .textMode(options.queries.length > 1 ? BigValueTextMode.ValueAndName : BigValueTextMode.Value)
    .reduceOptions(new ReduceDataOptionsBuilder().calcs(['lastNotNull']).values(false))
    .colorScheme(new FieldColorBuilder().mode(FieldColorModeId.Thresholds))
    .thresholds(thresholds(statSteps(options)))
    .noValue(options.noValue ?? 'no data');
  if (options.decimals !== undefined) builder.decimals(options.decimals);
  return builder;
}

export interface TableOptions extends Omit<Common, 'queries' | 'unit'> {
  readonly query: string;
  /** Label or `Value`, and the head of its column, in the order of the columns. */
  readonly columns: Readonly<Record<string, string>>;
  readonly valueUnit: string;
}

export function table(options: TableOptions): AnyPanel {
  const { columns } = options;
  const names = Object.keys(columns);
  return new TableBuilder()
    .title(options.title)
    .description(options.description)
    .datasource(DATASOURCE)
    .span(options.width)
    .height(GRAPH_HEIGHT)
    .withTarget(target({ expr: options.query, legend: '' }, 0).instant().format(PromQueryFormat.Table))
    .withTransformation(onlyColumns(names))
    .withTransformation({
      id: 'organize',
      options: {
        indexByName: Object.fromEntries(names.map((name, index) => [name, index])),
        renameByName: columns,
      },
    })
    .overrideByName(columns.Value ?? 'Value', [{ id: 'unit', value: options.valueUnit }]);
}

function onlyColumns(names: readonly string[]): DataTransformerConfig {
  return { id: 'filterFieldsByName', options: { include: { names } } };
}

/** Reference ids are A, B, C as Grafana's editor gives them. */
function target({ expr, legend }: Query, index: number): DataqueryBuilder {
  return new DataqueryBuilder()
    .datasource(DATASOURCE)
    .refId(String.fromCharCode('A'.charCodeAt(0) + index))
    .expr(expr)
    .legendFormat(legend);
}

function thresholds(steps: Threshold[]): ThresholdsConfigBuilder {
  return new ThresholdsConfigBuilder().mode(ThresholdsMode.Absolute).steps(steps);
}

function limitSteps({ warn, bad }: Limits): Threshold[] {
  const base: Threshold[] = [{ value: null, color: 'green' }];
  if (warn !== undefined) base.push({ value: warn, color: 'orange' });
  return [...base, { value: bad, color: 'red' }];
}

/** Smallest change that is one, of whichever unit. */
const NOISE = 1e-9;

function statSteps({ limits, atLeast, worse }: StatOptions): Threshold[] {
  if (limits !== undefined) return limitSteps(limits);
  if (atLeast !== undefined) {
    return [
      { value: null, color: 'red' },
      { value: atLeast, color: 'green' },
    ];
  }
  if (worse === undefined) return [{ value: null, color: 'text' }];
  const [below, above] = worse === 'more' ? ['green', 'red'] : ['red', 'green'];
  return [
    { value: null, color: below },
    { value: -NOISE, color: 'text' },
    { value: NOISE, color: above },
  ];
}

function fixedColor(color: string): DynamicConfigValue {
  return { id: 'color', value: { mode: 'fixed', fixedColor: color } };
}
