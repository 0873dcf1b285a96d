/** `metrics`: a row for each metric, with its course as a sparkline. */
import { type MetricsResult, metrics } from '../../actions/index.ts';
import { FAILURES, type MetricSeries } from '../../domain/metric.ts';
import { parseWhen } from '../parse-when.ts';
import type { CommandBody } from '../session.ts';
import { renderSparkline } from '../views/sparkline.ts';
import { type Paint, renderTable } from '../views/style.ts';

/** Columns of the other cells of a row, and of a terminal that does not tell its own. */
const OTHER_COLUMNS = 50;
const DEFAULT_COLUMNS = 90;
const MIN_POINTS = 20;
const MAX_POINTS = 120;
/** Machines get a point a minute for a day. */
const JSON_POINTS = 1_440;

export function metricsCommand(environment: string, flags: Readonly<Record<string, unknown>>): CommandBody {
  return async ({ open, context, globals, paint }) => {
    const from = parseWhen('--since', flags.since, context.now());
    const room = (context.columns() ?? DEFAULT_COLUMNS) - OTHER_COLUMNS;
    const maxPoints = globals.json ? JSON_POINTS : Math.min(MAX_POINTS, Math.max(MIN_POINTS, room));
    const result = await metrics(await open(), environment, { from, maxPoints });
    return { json: renderJson(result), text: renderText(result, paint) };
  };
}

function renderText(result: MetricsResult, paint: Paint): string {
  const { from, to, periodSeconds } = result;
  const minutes = periodSeconds / 60;
  const head = ['', `${from.slice(11, 16)} to ${to.slice(11, 16)} UTC`, 'latest', 'min', 'max'];
  const rows = result.metrics.map((series) => renderRow(series, result, paint));
  const note = `each mark is ${minutes < 60 ? `${minutes} min` : `${Math.round(minutes / 6) / 10} h`}, from ${from.slice(0, 10)}; CPU and memory are drawn from 0 to 100 %, the others from 0 to their maximum`;
  return `${renderTable([head.map((cell) => paint('dim', cell)), ...rows])}\n${paint('dim', note)}`;
}

function renderRow(series: MetricSeries, { from, to, periodSeconds }: MetricsResult, paint: Paint): string[] {
  const { label, unit, points, reason } = series;
  if (reason !== undefined) return [label, paint('dim', reason)];
  const values = points.map(({ value }) => value);
  const max = Math.max(...values);
  const show = (value: number) =>
    `${formatNumber(value)}${unit === '%' ? ' %' : unit === 'ms' ? ' ms' : unit === '/min' ? '/min' : ''}`;
  const periodMs = periodSeconds * 1_000;
  const begin = Date.parse(from);
  const slots: (number | undefined)[] = Array.from({
    length: Math.round((Date.parse(to) - begin) / periodMs),
  });
  for (const { at, value } of points) slots[Math.floor((at - begin) / periodMs)] = value;
  const line = renderSparkline(slots, unit === '%' ? 100 : max);
  const isBad = FAILURES.has(series.id) && max > 0;
  return [
    label,
    paint(isBad ? 'red' : 'cyan', line),
    paint('bold', show(values.at(-1) ?? 0)),
    show(Math.min(...values)),
    show(max),
  ];
}

/** Three digits tell enough. */
function formatNumber(value: number): string {
  const digits = value >= 100 || Number.isInteger(value) ? 0 : value >= 10 ? 1 : 2;
  return value.toFixed(digits);
}

function renderJson(result: MetricsResult): Readonly<Record<string, unknown>> {
  return {
    ...result,
    metrics: result.metrics.map(({ points, reason, ...series }) => {
      const values = points.map(({ value }) => value);
      const summary =
        points.length === 0
          ? { latest: null, min: null, max: null, reason }
          : { latest: values.at(-1), min: Math.min(...values), max: Math.max(...values) };
      return {
        ...series,
        ...summary,
        points: points.map(({ at, value }) => ({ time: new Date(at).toISOString(), value })),
      };
    }),
  };
}
