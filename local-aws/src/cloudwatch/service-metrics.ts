/**
 * What ECS reports to CloudWatch of each service: the share of its reserved CPU and memory that its tasks use, and how
 * many there are. Usage is sampled several times a minute and reported when the minute is over.
 */
import type { Clock, MetricSample, MetricSink } from '../contract.ts';
import type { ServiceLoad } from '../ecs/service-load.ts';
import { type Loop, startLoop } from '../start-loop.ts';
import { minuteAt, minuteWidthMs, startOfMinute } from './aws-minute.ts';

/**
 * Pause between two samples. AWS-side. The kernel counts CPU in between, so that four samples a minute miss nothing of it;
 * each reads five files of each task.
 */
const sampleAwsMs = 15_000;
/** Shortest real pause: below it the system counts CPU time too coarsely, and looking costs more than it tells. */
const minSampleMs = 250;
/** A timer may fire this much before its time. */
const timerEarlyMs = 2;
/** Minutes that one sample may stand for, where minutes are shorter than the pause. */
const maxMinutesOfSample = 15;

/** One look at one service. Shares are of what its tasks have reserved, in percent. */
export interface ServiceSample {
  readonly clusterName: string;
  readonly serviceName: string;
  readonly desiredCount: number;
  readonly runningCount: number;
  readonly pendingCount: number;
  readonly cpu: Shares | undefined;
  readonly memory: Shares | undefined;
}

interface Shares {
  readonly tasks: number;
  /** Of all tasks together. */
  readonly all: number;
  readonly lowest: number;
  readonly highest: number;
}

/** @param reserved,used of each task, in the same unit @returns undefined when there is no task */
export function decideShares(
  tasks: readonly { readonly reserved: number; readonly used: number }[],
): Shares | undefined {
  const counted = tasks.filter(({ reserved }) => reserved > 0);
  if (counted.length === 0) return undefined;
  // Fargate gives no task more than it reserved; here a process may well take more.
  const used = ({ reserved, used: taken }: { reserved: number; used: number }) => Math.min(reserved, taken);
  const sum = (values: readonly number[]) => values.reduce((total, value) => total + value, 0);
  const each = counted.map((task) => (100 * used(task)) / task.reserved);
  return {
    tasks: counted.length,
    all: (100 * sum(counted.map(used))) / sum(counted.map(({ reserved }) => reserved)),
    lowest: Math.min(...each),
    highest: Math.max(...each),
  };
}

export function sampleService(load: ServiceLoad): ServiceSample {
  const usages = load.tasks.map((task) => ({ task, usage: task.usage() }));
  const { clusterName, serviceName, desiredCount, runningCount, pendingCount } = load;
  return {
    ...{ clusterName, serviceName, desiredCount, runningCount, pendingCount },
    cpu: decideShares(usages.map(({ task, usage }) => ({ reserved: task.cpuUnits, used: usage.cpuUnits }))),
    memory: decideShares(
      usages.map(({ task, usage }) => ({ reserved: task.memoryMb, used: usage.memoryMb })),
    ),
  };
}

/** Sums up one minute of one service. @param at the end of the minute, milliseconds since the epoch */
function summariseMinute(samples: readonly ServiceSample[], at: number): readonly MetricSample[] {
  const [first] = samples;
  if (first === undefined) return [];
  const dimensions = { ClusterName: first.clusterName, ServiceName: first.serviceName };
  const utilisation = (name: string, shares: readonly Shares[]): MetricSample[] => {
    const last = shares.at(-1);
    if (last === undefined) return [];
    const average = shares.reduce((sum, { all }) => sum + all, 0) / shares.length;
    // One value for each task, as ECS has it, so that SampleCount tells how many there are.
    const count = last.tasks;
    const minimum = Math.min(...shares.map(({ lowest }) => lowest));
    const maximum = Math.max(...shares.map(({ highest }) => highest));
    const base = { namespace: 'AWS/ECS', name, dimensions, unit: 'Percent', at } as const;
    return [{ ...base, count, sum: average * count, minimum, maximum }];
  };
  const counted = (name: string, values: readonly number[]): MetricSample => ({
    ...{ namespace: 'ECS/ContainerInsights', name, dimensions, unit: 'Count', at },
    count: values.length,
    sum: values.reduce((sum, value) => sum + value, 0),
    minimum: Math.min(...values),
    maximum: Math.max(...values),
  });
  const present = (shares: Shares | undefined): Shares[] => (shares === undefined ? [] : [shares]);
  return [
    ...utilisation(
      'CPUUtilization',
      samples.flatMap(({ cpu }) => present(cpu)),
    ),
    ...utilisation(
      'MemoryUtilization',
      samples.flatMap(({ memory }) => present(memory)),
    ),
    counted(
      'RunningTaskCount',
      samples.map(({ runningCount }) => runningCount),
    ),
    counted(
      'DesiredTaskCount',
      samples.map(({ desiredCount }) => desiredCount),
    ),
    counted(
      'PendingTaskCount',
      samples.map(({ pendingCount }) => pendingCount),
    ),
  ];
}

export function startServiceMetrics(options: {
  readonly clock: Clock;
  readonly services: () => readonly ServiceLoad[];
  readonly sink: MetricSink;
  readonly log: (line: string) => void;
}): Loop {
  const { clock, services, sink, log } = options;
  /** Of the minute that is under way, by service. */
  let samples = new Map<string, ServiceSample[]>();
  let minute = minuteAt(clock, clock.now());

  function turn(): void {
    const now = minuteAt(clock, clock.now());
    for (const load of services()) {
      const sample = sampleService(load);
      const key = `${sample.clusterName}/${sample.serviceName}`;
      samples.set(key, [...(samples.get(key) ?? []), sample]);
    }
    if (now === minute) return;
    // The last sample reaches back into the minutes that ended since the one before.
    for (let over = Math.max(minute, now - maxMinutesOfSample); over < now; over += 1)
      for (const own of samples.values()) sink.record(summariseMinute(own, startOfMinute(clock, over + 1)));
    samples = new Map();
    minute = now;
  }

  return startLoop({
    name: 'metrics of the services',
    clock,
    // The last sample of a minute comes at its end, so that the minute is told at once.
    pauseMs: () => {
      const pauseMs = Math.max(minSampleMs, clock.scaled(sampleAwsMs));
      const untilEndMs = minuteWidthMs(clock) - (clock.now() % minuteWidthMs(clock)) + timerEarlyMs;
      return untilEndMs < minSampleMs / 2 ? untilEndMs + pauseMs : Math.min(pauseMs, untilEndMs);
    },
    turn,
    log,
  });
}
