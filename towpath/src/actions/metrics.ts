/** What CloudWatch has measured of an environment lately. */
import { TowpathError } from '../domain/errors.ts';
import { decideSeries, decideWindow, METRICS, type MetricSeries } from '../domain/metric.ts';
import { commandToFill } from '../domain/next-command.ts';
import type { Ports } from '../ports.ts';
import { enter } from './select-environment.ts';

const DEFAULT_SINCE_MS = 60 * 60_000;

export interface MetricsOptions {
  /** Milliseconds since the epoch; an hour ago when undefined. */
  readonly from: number | undefined;
  /** Of each metric; periods become longer until they fit. */
  readonly maxPoints: number;
}

export interface MetricsResult {
  readonly environment: string;
  /** ISO 8601; the end is that of the period that is under way. */
  readonly from: string;
  readonly to: string;
  readonly periodSeconds: number;
  readonly metrics: readonly MetricSeries[];
}

/** @throws TowpathError `NOT_DEPLOYED` */
export async function metrics(
  ports: Ports,
  environmentName: string,
  { from, maxPoints }: MetricsOptions,
): Promise<MetricsResult> {
  const { environment, cloud } = await enter(ports, environmentName);
  const now = ports.clock.now().getTime();
  const window = decideWindow(from ?? now - DEFAULT_SINCE_MS, now, maxPoints);
  const [answers, service] = await Promise.all([
    cloud.monitoring.series(METRICS, window),
    cloud.service.snapshot(),
  ]);
  const hasPoints = [...answers.values()].some((points) => points.length > 0);
  // What was destroyed may still be looked at.
  if (service === undefined && !hasPoints)
    throw new TowpathError('NOT_DEPLOYED', `${environment.name} runs nothing, and nothing was measured.`, {
      hint: `${commandToFill(environment)}, or an earlier --since`,
    });
  const changedAt = (service?.deployments ?? [])
    .flatMap(({ createdAt }) => (createdAt === undefined ? [] : [Date.parse(createdAt)]))
    .sort((a, b) => b - a)[0];
  const changedMsAgo = changedAt === undefined ? undefined : now - changedAt;
  return {
    environment: environment.name,
    from: new Date(window.from).toISOString(),
    to: new Date(window.to).toISOString(),
    periodSeconds: window.periodSeconds,
    metrics: decideSeries(answers, { periodSeconds: window.periodSeconds, changedMsAgo }),
  };
}
