/** What a route is, and how a request finds its route. Pure: routes return answers and never touch a socket. */
import type { Config } from './config.ts';
import type { RequestMetrics } from './request-metrics.ts';
import type { RuntimeSample } from './runtime-sample.ts';
import type { ServiceState } from './service-state.ts';

/** What routes may know of the service. */
export interface Service {
  readonly application: string;
  readonly version: string;
  readonly config: Config;
  readonly state: ServiceState;
  readonly metrics: RequestMetrics;
  /** Seconds since the start of the process. */
  readonly uptimeSeconds: () => number;
  readonly sampleRuntime: () => RuntimeSample;
}

export interface RouteRequest {
  /** The `Accept` header. */
  readonly accept: string | undefined;
}

export interface RouteResponse {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

export interface Route {
  /** Exact path; there are no patterns. Also the label in metrics. */
  readonly path: string;
  /** Probes are logged at debug level and not counted as requests served. */
  readonly probe: boolean;
  readonly handle: (request: RouteRequest, service: Service) => RouteResponse | Promise<RouteResponse>;
}

export type RouteMatch =
  | { readonly kind: 'found'; readonly route: Route }
  | { readonly kind: 'wrong-method'; readonly route: Route; readonly allow: string }
  | { readonly kind: 'unknown-path' };

/** Every route is read-only. */
export const ALLOWED_METHODS: readonly string[] = ['GET', 'HEAD'];

export function matchRoute(routes: readonly Route[], method: string, path: string): RouteMatch {
  const route = routes.find((candidate) => candidate.path === path);
  if (route === undefined) return { kind: 'unknown-path' };
  if (!ALLOWED_METHODS.includes(method)) {
    return { kind: 'wrong-method', route, allow: ALLOWED_METHODS.join(', ') };
  }
  return { kind: 'found', route };
}

/** The path of a request target without query: queries may carry what must not be logged. */
export function pathOf(target: string): string {
  const end = target.search(/[?#]/);
  const withoutQuery = end === -1 ? target : target.slice(0, end);
  if (withoutQuery.startsWith('/')) return withoutQuery;
  // Absolute form, as proxies send it (RFC 9112, 3.2.2).
  return URL.canParse(withoutQuery) ? new URL(withoutQuery).pathname : withoutQuery;
}

/** A JSON answer that no cache keeps: every fact here is about one task at one moment. */
export function jsonResponse(status: number, value: object): RouteResponse {
  return {
    status,
    headers: { 'content-type': 'application/json; charset=utf-8', 'cache-control': 'no-store' },
    body: `${JSON.stringify(value)}\n`,
  };
}
