/**
 * Sends requests at a constant rate, whatever the answers take (an open loop): a server that stalls does not
 * slow the load down and so hide its stall. Loopback only.
 */
import { Agent, request as httpRequest } from 'node:http';

/** What a request is beyond a GET of the URL. */
export interface LoadRequest {
  /** In place of the URL's own. */
  readonly path?: string;
  readonly method?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
}

export interface LoadOptions {
  readonly url: string;
  /** What the request of this number is, counted from 0; without it each is a GET of the URL. */
  readonly requestAt?: (index: number) => LoadRequest;
  readonly ratePerSecond: number;
  /** How long to send; without it, until `until` settles. One of the two is needed. */
  readonly durationMs?: number;
  readonly until?: Promise<unknown>;
  /** A request without an answer for this long is an error. */
  readonly requestTimeoutMs?: number;
}

export interface LoadReport {
  /** Requests sent; all have ended. */
  readonly sent: number;
  /** Answers with a status below 400. */
  readonly succeeded: number;
  readonly statuses: Readonly<Record<number, number>>;
  /** By code, such as `ECONNREFUSED` or `TIMEOUT`. */
  readonly errors: Readonly<Record<string, number>>;
  /** From the moment a request was due, milliseconds. */
  readonly latencyMs: {
    readonly p50: number;
    readonly p95: number;
    readonly p99: number;
    readonly max: number;
  };
  readonly durationMs: number;
  /** From the start until the last failure was known; undefined when nothing failed. */
  readonly lastFailureAfterMs: number | undefined;
  /** The first bodies, by status, of answers of 400 and above: what the server said. */
  readonly firstFailures: readonly string[];
}

const MAX_DURATION_MS = 1_800_000;
const MAX_REQUESTS = 500_000;
const MAX_SOCKETS = 256;
const TICK_MS = 5;
const KEPT_FAILURES = 5;
const KEPT_BODY_CHARACTERS = 300;
const LOOPBACK = /^(?:127\.\d+\.\d+\.\d+|localhost|\[::1\]|[\w.-]+\.localhost)$/;

interface Tally {
  sent: number;
  readonly statuses: Record<number, number>;
  readonly errors: Record<string, number>;
  readonly latencies: number[];
  readonly firstFailures: string[];
  readonly startedAt: number;
  lastFailureAt: number | undefined;
}

export async function constantLoad(options: LoadOptions): Promise<LoadReport> {
  const url = new URL(options.url);
  if (!LOOPBACK.test(url.hostname))
    throw new Error(`${options.url} is not on this machine; load goes to loopback only`);
  if (options.durationMs === undefined && options.until === undefined) {
    throw new Error('constantLoad needs durationMs or until; neither was given');
  }
  const agent = new Agent({ keepAlive: true, maxSockets: MAX_SOCKETS });
  const startedAt = performance.now();
  const tally: Tally = {
    sent: 0,
    statuses: {},
    errors: {},
    latencies: [],
    firstFailures: [],
    startedAt,
    lastFailureAt: undefined,
  };
  try {
    await sendAll(url, agent, tally, options, startedAt);
  } finally {
    agent.destroy();
  }
  return report(tally, performance.now() - startedAt);
}

async function sendAll(
  url: URL,
  agent: Agent,
  tally: Tally,
  options: LoadOptions,
  startedAt: number,
): Promise<void> {
  const limitMs = Math.min(options.durationMs ?? MAX_DURATION_MS, MAX_DURATION_MS);
  const timeoutMs = options.requestTimeoutMs ?? 10_000;
  const pending = new Set<Promise<void>>();
  let stopped = false;
  const stop = () => {
    stopped = true;
  };
  // How it settles is the caller's affair; here it is only the end.
  options.until?.then(stop, stop);
  while (!stopped && tally.sent < MAX_REQUESTS) {
    const elapsedMs = performance.now() - startedAt;
    const due = Math.min(
      Math.floor((Math.min(elapsedMs, limitMs) / 1_000) * options.ratePerSecond),
      MAX_REQUESTS,
    );
    for (; tally.sent < due; tally.sent += 1) {
      const dueAt = startedAt + (tally.sent / options.ratePerSecond) * 1_000;
      const sent = sendOne(url, options.requestAt?.(tally.sent) ?? {}, agent, tally, dueAt, timeoutMs);
      const request = sent.finally(() => pending.delete(request));
      pending.add(request);
    }
    if (elapsedMs >= limitMs) break;
    await new Promise((resolve) => setTimeout(resolve, TICK_MS));
  }
  // Bounded: each has its own time limit.
  await Promise.all(pending);
}

function sendOne(
  url: URL,
  { path = url.pathname + url.search, method = 'GET', headers = {}, body: toSend }: LoadRequest,
  agent: Agent,
  tally: Tally,
  dueAt: number,
  timeoutMs: number,
): Promise<void> {
  return new Promise((resolve) => {
    let ended = false;
    const end = (record: () => void) => {
      if (ended) return;
      ended = true;
      clearTimeout(limit);
      record();
      tally.latencies.push(performance.now() - dueAt);
      resolve();
    };
    const fail = (code: string) =>
      end(() => {
        count(tally.errors, code);
        tally.lastFailureAt = performance.now();
      });
    const request = httpRequest(url, { agent, path, method, headers }, (response) => {
      let body = '';
      response.setEncoding('utf8');
      response.on('data', (text: string) => {
        body = (body + text).slice(0, KEPT_BODY_CHARACTERS);
      });
      response.once('error', (error) => fail(codeOf(error)));
      response.once('end', () => end(() => countAnswer(tally, response.statusCode ?? 0, body)));
    });
    const limit = setTimeout(() => {
      fail('TIMEOUT');
      request.destroy();
    }, timeoutMs);
    request.once('error', (error) => fail(codeOf(error)));
    request.end(toSend);
  });
}

function countAnswer(tally: Tally, status: number, body: string): void {
  count(tally.statuses, status);
  if (status >= 400) tally.lastFailureAt = performance.now();
  if (status >= 400 && tally.firstFailures.length < KEPT_FAILURES)
    tally.firstFailures.push(`${status} ${body}`);
}

function count<K extends string | number>(counts: Record<K, number>, key: K): void {
  counts[key] = (counts[key] ?? 0) + 1;
}

function codeOf(error: Error): string {
  return 'code' in error && typeof error.code === 'string' ? error.code : error.message;
}

function report(tally: Tally, durationMs: number): LoadReport {
  const sorted = tally.latencies.toSorted((a, b) => a - b);
  const at = (fraction: number) =>
    sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * fraction))] ?? 0;
  const succeeded = Object.entries(tally.statuses).reduce(
    (sum, [status, n]) => sum + (Number(status) < 400 ? n : 0),
    0,
  );
  return {
    sent: tally.sent,
    succeeded,
    statuses: tally.statuses,
    errors: tally.errors,
    latencyMs: { p50: at(0.5), p95: at(0.95), p99: at(0.99), max: at(1) },
    durationMs,
    lastFailureAfterMs: tally.lastFailureAt === undefined ? undefined : tally.lastFailureAt - tally.startedAt,
    firstFailures: tally.firstFailures,
  };
}
