/**
 * Counts what one load balancer does within an AWS-side minute, under the names and dimensions of CloudWatch.
 * No I/O and no clock. As on AWS, what did not happen is not reported.
 */
import type { MetricSample, MetricUnit } from '../contract.ts';
import type { RequestRecord } from './request-record.ts';

/** Of a minute's response times the latest so many are kept one by one, for percentiles. */
const MAX_VALUES = 2000;
const NAMESPACE = 'AWS/ApplicationELB';
const ELB_CODES: ReadonlySet<number> = new Set([500, 502, 503, 504]);

export interface GroupHealth {
  readonly targetGroupArn: string;
  readonly healthy: number;
  readonly unhealthy: number;
}

/** Plain numbers for what every request counts, names for what is rare. */
class Tally {
  requests = 0;
  processedBytes = 0;
  /** By the first digit of the target's status. */
  readonly #targetCodes = [0, 0, 0, 0, 0, 0];
  readonly #rare = new Map<string, number>();
  readonly #seconds: number[] = [];
  #times = 0;
  #sum = 0;
  #minimum = Number.POSITIVE_INFINITY;
  #maximum = 0;

  count(name: string): void {
    this.#rare.set(name, (this.#rare.get(name) ?? 0) + 1);
  }

  targetCode(status: number): void {
    const digit = Math.floor(status / 100);
    this.#targetCodes[digit] = (this.#targetCodes[digit] ?? 0) + 1;
  }

  /** Names and sums, without those that are 0. */
  counts(): [string, number][] {
    const codes = this.#targetCodes.map((count, digit): [string, number] => [
      `HTTPCode_Target_${digit}XX_Count`,
      count,
    ]);
    const all: [string, number][] = [
      ['ProcessedBytes', this.processedBytes],
      ['RequestCount', this.requests],
      ...codes,
      ...this.#rare,
    ];
    return all.filter(([, count]) => count > 0);
  }

  responseTime(seconds: number): void {
    this.#seconds[this.#times % MAX_VALUES] = seconds;
    this.#times += 1;
    this.#sum += seconds;
    this.#minimum = Math.min(this.#minimum, seconds);
    this.#maximum = Math.max(this.#maximum, seconds);
  }

  responseTimes(): Pick<MetricSample, 'count' | 'sum' | 'minimum' | 'maximum' | 'values'> | undefined {
    if (this.#times === 0) return undefined;
    const { length } = this.#seconds;
    return {
      count: this.#times,
      sum: this.#sum,
      minimum: this.#minimum,
      maximum: this.#maximum,
      values: this.#seconds.slice(0, length),
    };
  }
}

export class TrafficMeter {
  #all = new Tally();
  #groups = new Map<string, Tally>();

  add(record: RequestRecord): void {
    const { targetGroupArn, target, elbStatus, targetStatus } = record;
    const all = this.#all;
    all.processedBytes += record.receivedBytes + record.sentBytes;
    if (record.actions === 'redirect') all.count('HTTP_Redirect_Count');
    if (record.actions === 'fixed-response') all.count('HTTP_Fixed_Response_Count');
    if (targetStatus === undefined) this.#countOwn(elbStatus);
    if (targetGroupArn === undefined || target === undefined) return; // no target: no request in AWS's count
    countAnswer(all, record);
    countAnswer(this.#group(targetGroupArn), record);
  }

  /** A request that could not even be read. */
  refused(status: number): void {
    this.#countOwn(status);
  }

  /** A connection of a client, or to a target. */
  connected(): void {
    this.#all.count('NewConnectionCount');
  }

  #countOwn(status: number): void {
    if (status < 400) return;
    this.#all.count(`HTTPCode_ELB_${Math.floor(status / 100)}XX_Count`);
    if (ELB_CODES.has(status)) this.#all.count(`HTTPCode_ELB_${status}_Count`);
  }

  #group(arn: string): Tally {
    let tally = this.#groups.get(arn);
    if (tally === undefined) {
      tally = new Tally();
      this.#groups.set(arn, tally);
    }
    return tally;
  }

  /** What there is to report of the minute that ends now; the next one begins empty. */
  take(
    loadBalancerArn: string,
    at: number,
    now: { readonly connections: number; readonly groups: readonly GroupHealth[] },
  ): MetricSample[] {
    const LoadBalancer = metricDimension(loadBalancerArn);
    const samples = samplesOf(this.#all, { LoadBalancer }, at);
    if (now.connections > 0)
      samples.push(single('ActiveConnectionCount', { LoadBalancer }, at, now.connections));
    for (const { targetGroupArn, healthy, unhealthy } of now.groups) {
      const TargetGroup = metricDimension(targetGroupArn);
      const both = { LoadBalancer, TargetGroup };
      const tally = this.#groups.get(targetGroupArn) ?? new Tally();
      samples.push(...samplesOf(tally, both, at));
      samples.push(
        single('HealthyHostCount', both, at, healthy),
        single('UnHealthyHostCount', both, at, unhealthy),
      );
      const { requests } = tally;
      if (requests === 0) continue;
      const perTarget = requests / Math.max(1, healthy);
      samples.push(single('RequestCountPerTarget', { TargetGroup }, at, perTarget));
      samples.push(single('RequestCountPerTarget', both, at, perTarget));
    }
    this.#all = new Tally();
    this.#groups = new Map();
    return samples;
  }
}

function countAnswer(tally: Tally, record: RequestRecord): void {
  tally.requests += 1;
  if (record.connectionFailed) tally.count('TargetConnectionErrorCount');
  if (record.targetStatus !== undefined) tally.targetCode(record.targetStatus);
  if (record.targetMs >= 0) tally.responseTime(record.targetMs / 1000);
}

/** `app/NAME/ID` of a load balancer, `targetgroup/NAME/ID` of a target group: the end of its ARN. */
export function metricDimension(arn: string): string {
  const resource = arn.slice(arn.lastIndexOf(':') + 1);
  return resource.replace(/^loadbalancer\//, '');
}

function samplesOf(tally: Tally, dimensions: MetricSample['dimensions'], at: number): MetricSample[] {
  const samples = tally
    .counts()
    .map(([name, sum]) => single(name, dimensions, at, sum, name === 'ProcessedBytes' ? 'Bytes' : 'Count'));
  const times = tally.responseTimes();
  if (times !== undefined) {
    samples.push({
      namespace: NAMESPACE,
      name: 'TargetResponseTime',
      dimensions,
      unit: 'Seconds',
      at,
      ...times,
    });
  }
  return samples;
}

function single(
  name: string,
  dimensions: MetricSample['dimensions'],
  at: number,
  value: number,
  unit: MetricUnit = 'Count',
): MetricSample {
  return {
    namespace: NAMESPACE,
    name,
    dimensions,
    unit,
    at,
    count: 1,
    sum: value,
    minimum: value,
    maximum: value,
  };
}
