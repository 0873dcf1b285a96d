/**
 * The identifiers that tie a log line to a request across the load balancer and the service.
 * Untrusted input: anything that does not look like an identifier is replaced.
 */
import type { IncomingHttpHeaders } from 'node:http';

const SAFE_ID = /^[A-Za-z0-9._:-]{1,128}$/;
/** W3C Trace Context, version 00 and what comes after it. */
const TRACE_PARENT = /^[0-9a-f]{2}-([0-9a-f]{32})-[0-9a-f]{16}-[0-9a-f]{2}(?:-|$)/;
const TRACE_ROOT = /(?:^|;)\s*Root=([^;]+)/;

/** Of a closed set of characters, none of which JSON or a header has to escape. */
export interface RequestIds {
  /** The root of `x-amzn-trace-id` (set by an ALB), else `x-request-id`, else a new one. */
  readonly requestId: string;
  /** The trace of `traceparent`, else the root of `x-amzn-trace-id`, else a new one. */
  readonly traceId: string;
}

/** @param generate an identifier that is good as a trace of W3C Trace Context */
export function identifyRequest(headers: IncomingHttpHeaders, generate: () => string): RequestIds {
  const amazon = headers['x-amzn-trace-id'];
  const { traceparent } = headers;
  const given = headers['x-request-id'];
  if (amazon === undefined && traceparent === undefined && given === undefined) {
    // The first to name the request begins its trace: one identifier serves as both.
    const id = generate();
    return { requestId: id, traceId: id };
  }
  const root = typeof amazon === 'string' ? safe(TRACE_ROOT.exec(amazon)?.[1]) : undefined;
  const parent = typeof traceparent === 'string' ? TRACE_PARENT.exec(traceparent)?.[1] : undefined;
  return {
    requestId: root ?? safe(given) ?? generate(),
    traceId: parent ?? root ?? generate(),
  };
}

function safe(id: string | string[] | undefined): string | undefined {
  return typeof id === 'string' && SAFE_ID.test(id) ? id : undefined;
}
