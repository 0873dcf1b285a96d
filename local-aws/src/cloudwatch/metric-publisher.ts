/**
 * Makes metrics known to the control plane, which lists them: sums them up and hands them on now and then. Questions
 * about their values are answered from the store (metric-data.ts).
 * The control plane never forgets a datapoint, so there is one for a metric in each pause, whatever the speed, and the
 * pause doubles with every so many datapoints: what a long run leaves there grows with the logarithm of its length.
 */
import type { Clock, ControlPlane, MetricSample, MetricSink } from '../contract.ts';
import { type Loop, startLoop } from '../start-loop.ts';
import { minuteWidthMs } from './aws-minute.ts';
import { metricKey } from './metric-store.ts';
import { mergeObservations, type Observation } from './statistic.ts';

/** Shortest real pause, at any speed. */
const minPauseMs = 1_000;
/** The pause doubles each time that this many more datapoints lie in the control plane. */
const datapointsBeforeDoubling = 10_000;
const maxDoublings = 10;
/** Metrics that wait for the next turn; what comes on top is not shown. */
const maxWaiting = 1_000;
/** Datapoints of one PutMetricData. */
const maxBatch = 100;

interface Waiting {
  readonly sample: MetricSample;
  readonly observed: Observation;
}

export interface MetricPublisher extends MetricSink {
  stop(): Promise<void>;
}

export function createMetricPublisher(options: {
  readonly clock: Clock;
  readonly control: ControlPlane;
  readonly log: (line: string) => void;
}): MetricPublisher {
  const { clock, control, log } = options;
  const waiting = new Map<string, Waiting>();
  let published = 0;

  function add(sample: MetricSample): void {
    const key = metricKey(sample);
    const before = waiting.get(key);
    if (before === undefined && waiting.size >= maxWaiting) return;
    const { count, sum, minimum, maximum } = sample;
    const observed = mergeObservations(before?.observed, { count, sum, minimum, maximum });
    if (observed !== undefined && observed.count > 0) waiting.set(key, { sample, observed });
  }

  async function publish(): Promise<void> {
    const due = [...waiting.values()];
    // What can't be shown now is not shown later: a queue would only grow while the control plane is away.
    waiting.clear();
    for (const [namespace, batch] of batchesOf(due)) {
      await control.query('monitoring', 'PutMetricData', renderMetricData(namespace, batch, startOf));
      published += batch.length;
    }
  }

  // A datapoint carries the time at which its minute began.
  const startOf = (sample: MetricSample) => sample.at - minuteWidthMs(clock);
  const loop: Loop = startLoop({
    name: 'publishing metrics',
    clock,
    pauseMs: () => decidePublishingPauseMs(minuteWidthMs(clock), published),
    turn: publish,
    log,
  });
  return { record: (samples) => samples.forEach(add), stop: () => loop.stop() };
}

/** @param published datapoints that lie in the control plane already */
export function decidePublishingPauseMs(minuteMs: number, published: number): number {
  const doublings = Math.min(maxDoublings, Math.floor(published / datapointsBeforeDoubling));
  return Math.max(minPauseMs, minuteMs) * 2 ** doublings;
}

function batchesOf(due: readonly Waiting[]): readonly [string, readonly Waiting[]][] {
  const batches: [string, Waiting[]][] = [];
  for (const each of due) {
    const { namespace } = each.sample;
    const open = batches.find(([name, batch]) => name === namespace && batch.length < maxBatch);
    if (open === undefined) batches.push([namespace, [each]]);
    else open[1].push(each);
  }
  return batches;
}

/** Parameters of PutMetricData. The control plane compares dimensions in order, so they are sorted by name. */
function renderMetricData(
  namespace: string,
  batch: readonly Waiting[],
  startOf: (sample: MetricSample) => number,
): Record<string, string> {
  const params: Record<string, string> = { Namespace: namespace };
  batch.forEach(({ sample, observed }, index) => {
    const at = `MetricData.member.${index + 1}`;
    params[`${at}.MetricName`] = sample.name;
    params[`${at}.Unit`] = sample.unit;
    params[`${at}.Timestamp`] = new Date(startOf(sample)).toISOString();
    params[`${at}.StatisticValues.SampleCount`] = String(observed.count);
    params[`${at}.StatisticValues.Sum`] = String(observed.sum);
    params[`${at}.StatisticValues.Minimum`] = String(observed.minimum);
    params[`${at}.StatisticValues.Maximum`] = String(observed.maximum);
    Object.entries(sample.dimensions)
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .forEach(([name, value], i) => {
        params[`${at}.Dimensions.member.${i + 1}.Name`] = name;
        params[`${at}.Dimensions.member.${i + 1}.Value`] = value;
      });
  });
  return params;
}
