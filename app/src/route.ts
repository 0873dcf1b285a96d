/** What a route is, and how a request finds its route. Pure: routes return answers and never touch a socket. */
import type { CacheStore } from './cache/cache-store.ts';
import type { Config } from './config.ts';
import type { FaultRegistry } from './faults/fault-registry.ts';
import type { RequestMetrics } from './request-metrics.ts';
import type { RuntimeSample } from './runtime-sample.ts';
import type { ServiceState } from './service-state.ts';
import type { TokenSigner } from './token-signer.ts';

/** What routes may know of the service. */
export interface Service {
  readonly application: string;
  readonly version: string;
  readonly config: Config;
  readonly state: ServiceState;
  readonly metrics: RequestMetrics;
  readonly cache: CacheStore;
  /** Undefined without a secret. */
  readonly tokens: TokenSigner | undefined;
  /** Undefined unless rehearsals of faults are enabled. */
  readonly faults: FaultRegistry | undefined;
  /** What `/env` shows: names of variables with values that are safe to publish. */
  readonly variables: Readonly<Record<string, string>>;
  /** Seconds since the start of the process. */
  readonly uptimeSeconds: () => number;
  /** Milliseconds since the epoch. */
  readonly now: () => number;
  /** With `true`, the scraper's interval of the event-loop lag goes on. */
  readonly sampleRuntime: (peek?: boolean) => RuntimeSample;
}

export type Method = 'GET' | 'POST' | 'PUT' | 'DELETE';

export interface RouteRequest {
  /** The `Accept` header. */
  readonly accept: string | undefined;
  /** The `Authorization` header. */
  readonly authorization: string | undefined;
  /** Media type of the body in lower case, without parameters; undefined when none is declared. */
  readonly contentType: string | undefined;
  /** What stands in place of the `{name}` of the path, as sent; empty for a path without one. */
  readonly parameter: string;
  /** The query as sent, without `?`. */
  readonly query: string;
  /** Empty for a route that takes none. */
  readonly body: Buffer;
}

export interface RouteResponse {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string | Buffer;
}

/** JSON Schema, or another part of an OpenAPI description, as it is served. */
export type Schema = Readonly<Record<string, unknown>>;

/** What the OpenAPI description says of a route. Statuses that every route may answer are added there. */
export interface RouteDoc {
  readonly summary: string;
  readonly parameters?: readonly Schema[];
  readonly requestBody?: Schema;
  /** By status: what it means, and the media types of its body. */
  readonly responses: Readonly<Record<number, { readonly description: string; readonly content?: Schema }>>;
}

export interface Route {
  /** A path, of which the last segment may be `{name}`. Also the label in metrics. */
  readonly path: string;
  /** `GET` unless said; a `GET` answers `HEAD` too. */
  readonly method?: Method;
  /** Probes are logged at debug level, not counted as requests served, and spared by injected faults. */
  readonly probe: boolean;
  /** Steers faults, so it is spared by them. */
  readonly control?: boolean;
  /** Media types of the body that it takes. Without this, a body is thrown away. */
  readonly takes?: readonly string[];
  readonly doc?: RouteDoc;
  readonly handle: (request: RouteRequest, service: Service) => RouteResponse | Promise<RouteResponse>;
}

export type RouteMatch =
  | { readonly kind: 'found'; readonly route: Route; readonly parameter: string }
  | { readonly kind: 'wrong-method'; readonly route: Route; readonly allow: string }
  | { readonly kind: 'unknown-path' };

type Found = Extract<RouteMatch, { kind: 'found' }>;

interface PathEntry {
  /** Of a path without `{name}` the match is the same for all requests. */
  readonly byMethod: Map<string, Found>;
  readonly first: Route;
}

const UNKNOWN_PATH: RouteMatch = { kind: 'unknown-path' };

/** The routes by path and method; a look-up costs the same however many there are. */
export class RouteTable {
  readonly #exact = new Map<string, PathEntry>();
  /** By what stands before the `{name}`. */
  readonly #prefixes = new Map<string, PathEntry>();

  constructor(routes: readonly Route[]) {
    for (const route of routes) {
      const brace = route.path.indexOf('{');
      const entries = brace === -1 ? this.#exact : this.#prefixes;
      const key = brace === -1 ? route.path : route.path.slice(0, brace);
      const entry = entries.get(key) ?? { byMethod: new Map<string, Found>(), first: route };
      const method = route.method ?? 'GET';
      const found: Found = { kind: 'found', route, parameter: '' };
      entry.byMethod.set(method, found);
      if (method === 'GET') entry.byMethod.set('HEAD', found);
      entries.set(key, entry);
    }
  }

  match(method: string, path: string): RouteMatch {
    const exact = this.#exact.get(path);
    if (exact !== undefined) return exact.byMethod.get(method) ?? wrongMethod(exact);
    const slash = path.lastIndexOf('/') + 1;
    const entry = this.#prefixes.get(path.slice(0, slash));
    if (entry === undefined || slash === path.length) return UNKNOWN_PATH;
    const found = entry.byMethod.get(method);
    if (found === undefined) return wrongMethod(entry);
    return { kind: 'found', route: found.route, parameter: path.slice(slash) };
  }
}

function wrongMethod({ first, byMethod }: PathEntry): RouteMatch {
  return { kind: 'wrong-method', route: first, allow: [...byMethod.keys()].join(', ') };
}

/** The path of a request target without query: queries may carry what must not be logged. */
export function pathOf(target: string): string {
  const plain = !target.includes('?') && !target.includes('#');
  const withoutQuery = plain ? target : target.slice(0, target.search(/[?#]/));
  if (withoutQuery.startsWith('/')) return withoutQuery;
  // Absolute form, as proxies send it (RFC 9112, 3.2.2).
  return URL.canParse(withoutQuery) ? new URL(withoutQuery).pathname : withoutQuery;
}

/** The query of a request target, without `?` and fragment; empty when there is none. */
export function queryOf(target: string): string {
  const start = target.indexOf('?');
  return start === -1 ? '' : (target.slice(start + 1).split('#', 1)[0] ?? '');
}

export const JSON_HEADERS: Readonly<Record<string, string>> = {
  'content-type': 'application/json; charset=utf-8',
  'cache-control': 'no-store',
};

/** A JSON answer that no cache keeps: every fact here is about one task at one moment. */
export function jsonResponse(status: number, value: object): RouteResponse {
  return { status, headers: JSON_HEADERS, body: `${JSON.stringify(value)}\n` };
}
