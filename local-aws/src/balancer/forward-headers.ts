/** Headers on their way through the load balancer, in the flat name, value, name, value form of node:http. Pure. */

/** They describe one connection, not the message (RFC 9110, section 7.6.1). */
const HOP_BY_HOP: ReadonlySet<string> = new Set([
  'connection',
  'keep-alive',
  'proxy-connection',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
]);
const REWRITTEN: ReadonlySet<string> = new Set([
  'expect', // answered by the load balancer
  'x-amzn-trace-id',
  'x-forwarded-for',
  'x-forwarded-port',
  'x-forwarded-proto',
]);
const METHODS_WITHOUT_BODY: ReadonlySet<string> = new Set([
  'GET',
  'HEAD',
  'DELETE',
  'OPTIONS',
  'CONNECT',
  'TRACE',
]);

export interface ForwardingFacts {
  readonly method: string;
  readonly clientAddress: string;
  readonly protocol: 'http' | 'https';
  /** The port of the listener as AWS knows it, not the local one. */
  readonly port: number;
  /** Host for a client that names none, as HTTP/1.0 allows. */
  readonly defaultHost: string;
  /** A fresh trace root, for example `1-67891233-abcdef012345678912345678`. */
  readonly traceRoot: string;
}

export interface ForwardedRequest {
  readonly headers: string[];
  readonly hasBody: boolean;
}

export function renderRequestHeaders(raw: readonly string[], facts: ForwardingFacts): ForwardedRequest {
  const named = namedByConnection(raw);
  const headers: string[] = [];
  let chunked = false;
  let hasHost = false;
  let length: string | undefined;
  let forwardedFor: string | undefined;
  let trace: string | undefined;
  for (let i = 0; i + 1 < raw.length; i += 2) {
    const name = raw[i] ?? '';
    const value = raw[i + 1] ?? '';
    const lower = name.toLowerCase();
    if (lower === 'transfer-encoding') chunked = true;
    if (lower === 'host') hasHost = true;
    if (HOP_BY_HOP.has(lower)) continue;
    if (lower === 'content-length') length = value;
    else if (REWRITTEN.has(lower)) {
      if (lower === 'x-forwarded-for')
        forwardedFor = forwardedFor === undefined ? value : `${forwardedFor}, ${value}`;
      if (lower === 'x-amzn-trace-id') trace = value;
      continue;
    } else if (named?.has(lower)) continue;
    headers.push(name, value);
  }
  if (!hasHost) headers.push('Host', facts.defaultHost);
  headers.push(
    'X-Forwarded-For',
    forwardedFor === undefined ? facts.clientAddress : `${forwardedFor}, ${facts.clientAddress}`,
    'X-Forwarded-Proto',
    facts.protocol,
    'X-Forwarded-Port',
    String(facts.port),
    'X-Amzn-Trace-Id',
    renderTrace(trace, facts.traceRoot),
  );
  if (chunked) headers.push('Transfer-Encoding', 'chunked');
  // node:http would take a missing length for a body that is still to come.
  else if (length === undefined && !METHODS_WITHOUT_BODY.has(facts.method))
    headers.push('Content-Length', '0');
  return { headers, hasBody: chunked || (length !== undefined && length !== '0') };
}

export function renderResponseHeaders(raw: readonly string[]): string[] {
  const named = namedByConnection(raw);
  const headers: string[] = [];
  for (let i = 0; i + 1 < raw.length; i += 2) {
    const name = raw[i] ?? '';
    const lower = name.toLowerCase();
    if (!HOP_BY_HOP.has(lower) && !named?.has(lower)) headers.push(name, raw[i + 1] ?? '');
  }
  return headers;
}

/** As an Application Load Balancer: a caller's root is kept and the balancer adds itself. */
function renderTrace(incoming: string | undefined, root: string): string {
  if (incoming === undefined || incoming === '') return `Root=${root}`;
  return /(?:^|;)\s*Root=/i.test(incoming) ? `Self=${root};${incoming}` : `Root=${root};${incoming}`;
}

/** Further headers that the Connection header declares as belonging to the connection. */
function namedByConnection(raw: readonly string[]): ReadonlySet<string> | undefined {
  let named: Set<string> | undefined;
  for (let i = 0; i + 1 < raw.length; i += 2) {
    const name = raw[i] ?? '';
    if (name.length !== 10 || name.toLowerCase() !== 'connection') continue;
    for (const token of (raw[i + 1] ?? '').toLowerCase().split(',')) {
      const trimmed = token.trim();
      if (trimmed === '' || trimmed === 'keep-alive' || trimmed === 'close') continue;
      named ??= new Set();
      named.add(trimmed);
    }
  }
  return named;
}
