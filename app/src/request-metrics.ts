/**
 * Counts of the requests of this process: totals, durations, in flight.
 * Labels come from closed sets (known methods, routes of the table, statuses), so memory stays bounded
 * whatever clients send.
 */
import type { Labels, MetricFamily, Sample } from './exposition.ts';

/** Upper bounds in seconds; 0.005 to 10 as Prometheus client libraries have it. */
export const DURATION_BUCKETS_SECONDS: readonly number[] = [
  0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10,
];

const KNOWN_METHODS: readonly string[] = ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS'];

export interface FinishedRequest {
  readonly method: string;
  /** Path of the route, or a word for requests without one. */
  readonly route: string;
  readonly status: number;
  readonly durationSeconds: number;
  readonly probe: boolean;
}

interface Histogram {
  readonly labels: Labels;
  /** Observations of each bucket alone; summed up on rendering. The last one is +Inf. */
  readonly counts: number[];
  sumSeconds: number;
}

export class RequestMetrics {
  readonly #totals = new Map<string, { readonly labels: Labels; value: number }>();
  readonly #durations = new Map<string, Histogram>();
  #inFlight = 0;
  #served = 0;

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
    if (!request.probe) this.#served += 1;
    const method = KNOWN_METHODS.includes(request.method) ? request.method : 'OTHER';
    this.#count({ method, route: request.route, status: String(request.status) });
    this.#observe({ method, route: request.route }, request.durationSeconds);
  }

  #count(labels: Labels): void {
    const key = Object.values(labels).join(' ');
    const total = this.#totals.get(key) ?? { labels, value: 0 };
    total.value += 1;
    this.#totals.set(key, total);
  }

  #observe(labels: Labels, seconds: number): void {
    const key = Object.values(labels).join(' ');
    const histogram = this.#durations.get(key) ?? {
      labels,
      counts: new Array<number>(DURATION_BUCKETS_SECONDS.length + 1).fill(0),
      sumSeconds: 0,
    };
    const found = DURATION_BUCKETS_SECONDS.findIndex((bound) => seconds <= bound);
    const index = found === -1 ? DURATION_BUCKETS_SECONDS.length : found;
    histogram.counts[index] = (histogram.counts[index] ?? 0) + 1;
    histogram.sumSeconds += seconds;
    this.#durations.set(key, histogram);
  }

  families(): readonly MetricFamily[] {
    return [
      {
        name: 'http_requests_total',
        type: 'counter',
        help: 'Requests answered, by method, route and status.',
        samples: [...this.#totals.values()],
      },
      {
        name: 'http_request_duration_seconds',
        type: 'histogram',
        help: 'Time from the first byte of a request to the last byte of its answer.',
        samples: [...this.#durations.values()].flatMap(histogramSamples),
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

function histogramSamples(histogram: Histogram): readonly Sample[] {
  let cumulative = 0;
  const buckets = histogram.counts.map((count, index): Sample => {
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
