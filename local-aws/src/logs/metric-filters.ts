/**
 * Metric filters of CloudWatch Logs: every line that a log group takes is held against the group's filters, and what
 * they count is a metric once the AWS-side minute is over. The filters live in the control plane, which keeps them and
 * nothing more.
 */
import { minuteAt, startOfMinute } from '../cloudwatch/aws-minute.ts';
import { mergeObservations, type Observation } from '../cloudwatch/statistic.ts';
import type { Clock, ControlPlane, MetricSample, MetricSink } from '../contract.ts';
import { type Loop, startLoop } from '../start-loop.ts';
import { type FilteredLine, readLine } from './filter-pattern.ts';
import { type MetricFilter, readMetricFilters } from './metric-filter.ts';

/** A timer may fire this much before its time. */
const timerEarlyMs = 2;
const minPauseMs = 20;
/** Groups whose filters are remembered; beyond, all are asked for again. */
const maxGroups = 1_000;
/** Metrics of one minute, dimensions included; what comes on top is not counted. */
const maxSeries = 1_000;
const maxPages = 20;
const maxTold = 1_000;

export interface MetricFilters {
  /** Lines that a group has taken. */
  observe(group: string, lines: readonly { readonly message: string }[]): void;
  /** Says that filters may have changed. */
  changed(): void;
  /** Idempotent. */
  stop(): Promise<void>;
}

interface Counted {
  readonly filter: MetricFilter;
  readonly dimensions: Readonly<Record<string, string>>;
  observed: Observation | undefined;
}

export function createMetricFilters(options: {
  readonly clock: Clock;
  readonly control: ControlPlane;
  readonly sink: MetricSink;
  readonly log: (line: string) => void;
}): MetricFilters {
  const { clock, control, sink, log } = options;
  const filters = new Map<string, Promise<readonly MetricFilter[]>>();
  const told = new Set<string>();
  /** Of the minute that is under way, by metric. */
  let counted = new Map<string, Counted>();
  let minute = minuteAt(clock, clock.now());

  function tellOnce(line: string): void {
    if (told.has(line) || told.size >= maxTold) return;
    told.add(line);
    log(line);
  }

  function filtersOf(group: string): Promise<readonly MetricFilter[]> {
    const known = filters.get(group);
    if (known !== undefined) return known;
    if (filters.size >= maxGroups) filters.clear();
    const loading = loadMetricFilters(control, group, tellOnce).catch((error: unknown) => {
      // Asked for again with the next lines.
      filters.delete(group);
      tellOnce(`metric filters of ${group}: ${error instanceof Error ? error.message : String(error)}`);
      return [];
    });
    filters.set(group, loading);
    return loading;
  }

  function count(filter: MetricFilter, found: ReturnType<MetricFilter['read']>): void {
    const key = JSON.stringify([filter.namespace, filter.name, Object.entries(found?.dimensions ?? {})]);
    const before = counted.get(key);
    if (before === undefined && counted.size >= maxSeries) return;
    const one = found && { count: 1, sum: found.value, minimum: found.value, maximum: found.value };
    counted.set(key, {
      filter,
      dimensions: found?.dimensions ?? {},
      observed: mergeObservations(before?.observed, one),
    });
  }

  function hold(lines: readonly FilteredLine[], active: readonly MetricFilter[]): void {
    for (const filter of active) {
      // Lines without a match count as the default value, where the filter has one.
      if (filter.defaultValue !== undefined) count(filter, undefined);
      for (const line of lines) {
        const found = filter.matches(line) ? filter.read(line) : undefined;
        if (found !== undefined) count(filter, found);
      }
    }
  }

  const loop: Loop = startLoop({
    name: 'metric filters',
    clock,
    pauseMs: () => Math.max(minPauseMs, startOfMinute(clock, minute + 1) - clock.now() + timerEarlyMs),
    turn() {
      const now = minuteAt(clock, clock.now());
      if (now === minute) return;
      const over = [...counted.values()];
      counted = new Map();
      const at = startOfMinute(clock, minute + 1);
      minute = now;
      sink.record(over.flatMap((each) => sampleOf(each, at)));
    },
    log,
  });

  return {
    observe(group, lines) {
      if (lines.length === 0) return;
      void filtersOf(group).then((active) => {
        if (active.length > 0)
          hold(
            lines.map(({ message }) => readLine(message)),
            active,
          );
      });
    },
    changed: () => filters.clear(),
    stop: () => loop.stop(),
  };
}

function sampleOf({ filter, dimensions, observed }: Counted, at: number): readonly MetricSample[] {
  const { namespace, name, unit, defaultValue: value } = filter;
  const filled = value === undefined ? undefined : { count: 1, sum: value, minimum: value, maximum: value };
  const shown = observed ?? filled;
  if (shown === undefined) return [];
  const { count, sum, minimum, maximum } = shown;
  return [{ namespace, name, dimensions, unit, at, count, sum, minimum, maximum }];
}

async function loadMetricFilters(
  control: ControlPlane,
  group: string,
  tell: (line: string) => void,
): Promise<readonly MetricFilter[]> {
  const found: MetricFilter[] = [];
  let nextToken: string | undefined;
  for (let page = 0; page < maxPages; page += 1) {
    const asked = { logGroupName: group, ...(nextToken && { nextToken }) };
    const answer = await control.json('logs', 'DescribeMetricFilters', asked);
    found.push(...readMetricFilters(answer, tell));
    nextToken = typeof answer.nextToken === 'string' ? answer.nextToken : undefined;
    if (nextToken === undefined) break;
  }
  return found;
}
