/** What each load balancer reports: metrics every AWS-side minute, access logs every five. */
import { join } from 'node:path';
import { minuteAt, startOfMinute } from '../cloudwatch/aws-minute.ts';
import type { Clock, LoadBalancerWiring, MetricSink } from '../contract.ts';
import { AccessLog, type AccessLogOptions, DELIVERY_INTERVAL_MS } from './access-log.ts';
import type { RequestRecord } from './request-record.ts';
import { type GroupHealth, TrafficMeter } from './traffic-meter.ts';

/** However fast AWS runs, no timer fires more often than this. */
const MIN_INTERVAL_MS = 20;

export interface TrafficReportsOptions {
  readonly clock: Clock;
  readonly log: (line: string) => void;
  readonly metrics: MetricSink | undefined;
  readonly accessLogs: AccessLogOptions | undefined;
  /** How a load balancer stands at the end of a minute; undefined when it is gone. */
  readonly standing: (
    name: string,
  ) => { readonly connections: number; readonly groups: readonly GroupHealth[] } | undefined;
}

interface Reporter {
  readonly meter: TrafficMeter;
  readonly accessLog: AccessLog | undefined;
  arn: string;
}

export class TrafficReports {
  readonly #options: TrafficReportsOptions;
  readonly #reporters = new Map<string, Reporter>();
  readonly #timers: NodeJS.Timeout[] = [];
  #metricTimer: NodeJS.Timeout | undefined;

  constructor(options: TrafficReportsOptions) {
    this.#options = options;
    const every = (awsMs: number, work: () => void) =>
      this.#timers.push(setInterval(work, Math.max(MIN_INTERVAL_MS, options.clock.scaled(awsMs))).unref());
    if (options.metrics !== undefined) this.#publishAfter(minuteAt(options.clock, options.clock.now()));
    if (options.accessLogs?.putObject !== undefined) every(DELIVERY_INTERVAL_MS, () => void this.#deliver());
  }

  configure({ name, arn, accessLogs }: LoadBalancerWiring): void {
    const { accessLogs: kept, log } = this.#options;
    let reporter = this.#reporters.get(name);
    if (reporter === undefined) {
      const accessLog = kept && new AccessLog(join(kept.folder, `${name}.log`), kept, log);
      reporter = { meter: new TrafficMeter(), accessLog, arn };
      this.#reporters.set(name, reporter);
    }
    reporter.arn = arn;
    reporter.accessLog?.configure(arn, accessLogs);
  }

  remove(name: string): void {
    void this.#reporters.get(name)?.accessLog?.deliver(this.#options.clock.now());
    this.#reporters.delete(name);
  }

  report(name: string, record: RequestRecord): void {
    const reporter = this.#reporters.get(name);
    reporter?.meter.add(record);
    reporter?.accessLog?.add(record);
  }

  meterOf(name: string): TrafficMeter | undefined {
    return this.#reporters.get(name)?.meter;
  }

  /** Delivers what is left; bounded by the sink that it is given. */
  async close(): Promise<void> {
    for (const timer of this.#timers) clearInterval(timer);
    clearTimeout(this.#metricTimer);
    await this.#deliver();
    this.#reporters.clear();
  }

  /** At the end of each minute as CloudWatch counts them: a free-running timer would put two into one now and then. */
  #publishAfter(minute: number): void {
    const { clock } = this.#options;
    const end = startOfMinute(clock, minute + 1);
    const publish = () => {
      this.#publish(end);
      this.#publishAfter(Math.max(minute + 1, minuteAt(clock, clock.now())));
    };
    this.#metricTimer = setTimeout(publish, Math.max(MIN_INTERVAL_MS, end - clock.now())).unref();
  }

  /** @param at end of the minute that is reported */
  #publish(at: number): void {
    for (const [name, { meter, arn }] of this.#reporters) {
      const standing = this.#options.standing(name);
      if (standing !== undefined) this.#options.metrics?.record(meter.take(arn, at, standing));
    }
  }

  async #deliver(): Promise<void> {
    const now = this.#options.clock.now();
    await Promise.all([...this.#reporters.values()].map(({ accessLog }) => accessLog?.deliver(now)));
  }
}
