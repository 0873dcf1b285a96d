/**
 * The order of a shutdown that loses no request: readiness fails, the load balancer looks and turns away,
 * the listener closes, requests in flight end. Signals and exit codes are main.ts's business.
 */
import type { Server } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Logger } from './logger.ts';
import type { RequestMetrics } from './request-metrics.ts';
import type { ServiceState } from './service-state.ts';

/** How often connections are looked at that became idle after the listener had closed, milliseconds. */
const IDLE_SWEEP_MS = 50;

export interface StopOptions {
  readonly server: Server;
  readonly state: ServiceState;
  readonly metrics: RequestMetrics;
  readonly logger: Logger;
  /** Time for the load balancer to notice, milliseconds; requests are answered as ever. */
  readonly delayMs: number;
  /** Time for requests in flight after the listener closed, milliseconds. */
  readonly timeoutMs: number;
}

export interface StopOutcome {
  /** Requests that did not end in time and were cut off. */
  readonly cutRequests: number;
}

/** Resolves when every connection is closed, at the latest after delay and timeout. */
export async function stopServer(options: StopOptions): Promise<StopOutcome> {
  const { server, state, metrics, logger, delayMs, timeoutMs } = options;
  state.startDraining();
  logger.log('info', 'draining', { delayMs, timeoutMs, inFlight: metrics.inFlight });
  await sleep(delayMs);

  const timer = new AbortController();
  const closed = new Promise<'closed'>((resolve) => server.close(() => resolve('closed')));
  // A connection whose last answer went out before draining began carries no `Connection: close`.
  const sweep = setInterval(() => server.closeIdleConnections(), IDLE_SWEEP_MS);
  server.closeIdleConnections();
  const late = sleep(timeoutMs, 'late' as const, { signal: timer.signal }).catch(() => 'late' as const);
  const first = await Promise.race([closed, late]);
  clearInterval(sweep);
  timer.abort();
  if (first === 'closed') return { cutRequests: 0 };

  const cutRequests = metrics.inFlight;
  server.closeAllConnections();
  await closed;
  return { cutRequests };
}
