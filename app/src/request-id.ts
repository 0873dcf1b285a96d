/**
 * The identifier that ties a log line to a request across the load balancer and the service.
 * Untrusted input: anything that does not look like an identifier is replaced.
 */
import type { IncomingHttpHeaders } from 'node:http';

const SAFE_ID = /^[A-Za-z0-9._:-]{1,128}$/;
const TRACE_ROOT = /(?:^|;)\s*Root=([^;]+)/;

/** The root of `x-amzn-trace-id` (set by an ALB), else `x-request-id`, else a new one. */
export function requestIdOf(headers: IncomingHttpHeaders, generate: () => string): string {
  const trace = headers['x-amzn-trace-id'];
  const root = typeof trace === 'string' ? TRACE_ROOT.exec(trace)?.[1] : undefined;
  const given = headers['x-request-id'];
  const candidates = [root, typeof given === 'string' ? given : undefined];
  return candidates.find((id) => id !== undefined && SAFE_ID.test(id)) ?? generate();
}
