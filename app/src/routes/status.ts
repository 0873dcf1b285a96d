/** What the page shows live: this task at this moment. A probe, so that looking is not counted as load. */
import { jsonContent } from '../open-api.ts';
import { jsonResponse, type Route, type Service } from '../route.ts';
import { shortDigest } from '../task-identity.ts';
import { drawReleaseMark, type ReleaseMark } from './release-mark.ts';

const RATE_SECONDS = 10;
const LAG_DIGITS = 10;

/** Everything is of this task alone. */
export interface TaskStatus {
  readonly environment: string;
  readonly version: string;
  readonly release: string | null;
  readonly mark: ReleaseMark;
  readonly task: string | null;
  readonly zone: string | null;
  readonly phase: string;
  readonly ready: boolean;
  readonly uptimeSeconds: number;
  readonly requestsServed: number;
  readonly requestsPerSecond: number;
  /** Requests in each of the last 59 whole seconds, the oldest first. */
  readonly requestHistory: readonly number[];
  readonly inFlight: number;
  readonly cache: { readonly mode: string; readonly hits: number; readonly misses: number };
  readonly faults: readonly string[];
  readonly memoryBytes: number;
  readonly eventLoopLagMs: number;
}

export function statusOf(service: Service): TaskStatus {
  const { config, state, metrics, cache, faults } = service;
  const runtime = service.sampleRuntime(true);
  const { mode, hits, misses } = cache.status();
  const release = shortDigest(state.identity.imageDigest) ?? null;
  return {
    environment: config.environment,
    version: service.version,
    release,
    mark: drawReleaseMark(release),
    task: state.identity.taskId ?? null,
    zone: state.identity.zone ?? null,
    phase: state.phase,
    ready: isReady(service),
    uptimeSeconds: Math.floor(service.uptimeSeconds()),
    requestsServed: metrics.served,
    requestsPerSecond: metrics.window.perSecond(RATE_SECONDS),
    requestHistory: metrics.window.history(),
    inFlight: metrics.inFlight,
    cache: { mode, hits, misses },
    faults: faults?.list().map(({ kind }) => kind) ?? [],
    memoryBytes: runtime.residentBytes,
    eventLoopLagMs: Math.round(runtime.lagP99Seconds * 1_000 * LAG_DIGITS) / LAG_DIGITS,
  };
}

/** Whether new requests should come here. A broken cache does not count: the service goes on without it. */
export function isReady({ state, faults }: Pick<Service, 'state' | 'faults'>): boolean {
  return state.phase === 'ready' && faults?.isActive('unready') !== true;
}

export const statusRoute: Route = {
  path: '/status',
  probe: true,
  doc: {
    summary: 'Live values of this task',
    responses: {
      200: { description: 'For the page', content: jsonContent({ type: 'object' }) },
    },
  },
  handle: (_request, service) => jsonResponse(200, statusOf(service)),
};
