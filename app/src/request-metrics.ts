/**
 * Counts of the requests of this process: totals, durations, in flight.
 * Labels come from closed sets (known methods, routes of the table, statuses), so memory stays bounded
 * whatever clients send.
 */
import type { Labels, MetricFamily, Sample } from './exposition.ts';
import { RequestWindow } from './request-window.ts';

/** Upper bounds in seconds; 0.005 to 10 as Prometheus client libraries have it, and two below for answers of 1 ms. */
export const DURATION_BUCKETS_SECONDS: readonly number[] = [
  0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10,
];

const KNOWN_METHODS: readonly string[] = ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS'];

const MS_PER_SECOND = 1_000;

export interface FinishedRequest {
  readonly method: string;
  /** Path of the route, or a word for requests without one. */
  readonly route: string;
  readonly status: number;
  readonly durationMs: number;
  /** Monotonic, of the clock that the metrics were made with. */
  readonly endedMs: number;
  readonly probe: boolean;
}

/** Of one method of one route. */
interface Tally {
  readonly labels: Labels;
  readonly byStatus: Map<number, number>;
  /** Observations of each bucket alone; summed up on rendering. The last one is +Inf. */
  readonly buckets: number[];
  sumSeconds: number;
}

export class RequestMetrics {
  /** By route, then by method: both are shared strings, which are looked up without being put together. */
  readonly #tallies = new Map<string, Map<string, Tally>>();
  #inFlight = 0;
  #served = 0;
  /** Probes are left out here too: nobody wants to see the load balancer's questions as load. */
  readonly window: RequestWindow;

  constructor(elapsedMs: () => number = () => performance.now(), random: () => number = Math.random) {
    this.window = new RequestWindow(elapsedMs, random);
  }

  /** Requests that have begun and not ended. */
  get inFlight(): number {
    return this.#inFlight;
  }

  /** Ended requests, probes left out. */
  get served(): number {
    return this.#served;
  }

  begin(): void {
    this.#inFlight += 1;
  }

  /** Ends a request that was begun. */
  end(request: FinishedRequest): void {
    this.#inFlight -= 1;
    if (!request.probe) {
      this.#served += 1;
      this.window.add(request);
    }
    const tally = this.#tallyOf(request.route, request.method);
    tally.byStatus.set(request.status, (tally.byStatus.get(request.status) ?? 0) + 1);
    const seconds = request.durationMs / MS_PER_SECOND;
    const index = bucketOf(seconds);
    tally.buckets[index] = (tally.buckets[index] ?? 0) + 1;
    tally.sumSeconds += seconds;
  }

  #tallyOf(route: string, given: string): Tally {
    let methods = this.#tallies.get(route);
    if (methods === undefined) {
      methods = new Map();
      this.#tallies.set(route, methods);
    }
    const known = methods.get(given);
    if (known !== undefined) return known;
    const method = KNOWN_METHODS.includes(given) ? given : 'OTHER';
    const tally = methods.get(method) ?? {
      labels: { method, route },
      byStatus: new Map<number, number>(),
      buckets: new Array<number>(DURATION_BUCKETS_SECONDS.length + 1).fill(0),
      sumSeconds: 0,
    };
    methods.set(method, tally);
    return tally;
  }

  #all(): readonly Tally[] {
    return [...this.#tallies.values()].flatMap((methods) => [...methods.values()]);
  }

  families(): readonly MetricFamily[] {
    return [
      {
        name: 'http_requests_total',
        type: 'counter',
        help: 'Requests answered, by method, route and status.',
        samples: this.#all().flatMap(({ labels, byStatus }) =>
          [...byStatus].map(([status, value]) => ({ labels: { ...labels, status: String(status) }, value })),
        ),
      },
      {
        name: 'http_request_duration_seconds',
        type: 'histogram',
        help: 'Time from the first byte of a request to the last byte of its answer.',
        samples: this.#all().flatMap(histogramSamples),
      },
      {
        name: 'http_requests_in_flight',
        type: 'gauge',
        help: 'Requests that are being answered now.',
        samples: [{ value: this.#inFlight }],
      },
    ];
  }
}

function bucketOf(seconds: number): number {
  let index = 0;
  while (seconds > (DURATION_BUCKETS_SECONDS[index] ?? Number.POSITIVE_INFINITY)) index += 1;
  return index;
}

function histogramSamples(histogram: Tally): readonly Sample[] {
  let cumulative = 0;
  const buckets = histogram.buckets.map((count, index): Sample => {
    cumulative += count;
    const bound = DURATION_BUCKETS_SECONDS[index];
    const le = bound === undefined ? '+Inf' : String(bound);
    return { suffix: '_bucket', labels: { ...histogram.labels, le }, value: cumulative };
  });
  return [
    ...buckets,
    { suffix: '_sum', labels: histogram.labels, value: histogram.sumSeconds },
    { suffix: '_count', labels: histogram.labels, value: cumulative },
  ];
}
