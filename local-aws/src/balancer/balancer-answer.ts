/** What the load balancer itself answers: error pages, redirects and fixed responses. Pure. */
import type { ListenerAction } from '../contract.ts';

export interface BalancerAnswer {
  readonly status: number;
  readonly statusText: string;
  readonly headers: readonly (readonly [string, string])[];
  readonly body: string;
}

const STATUS_TEXTS: Readonly<Record<number, string>> = {
  301: 'Moved Permanently',
  302: 'Found',
  400: 'Bad Request',
  405: 'Method Not Allowed',
  408: 'Request Time-out',
  414: 'URI Too Long',
  501: 'Not Implemented',
  502: 'Bad Gateway',
  503: 'Service Temporarily Unavailable',
  504: 'Gateway Time-out',
  505: 'HTTP Version Not Supported',
};

function answer(
  status: number,
  contentType: string,
  body: string,
  more: readonly (readonly [string, string])[] = [],
): BalancerAnswer {
  const headers: [string, string][] = [['Server', 'awselb/2.0']];
  if (body !== '') headers.push(['Content-Type', contentType]);
  headers.push(['Content-Length', String(Buffer.byteLength(body))]);
  return { status, statusText: STATUS_TEXTS[status] ?? '', headers: [...headers, ...more], body };
}

/** The HTML page of an Application Load Balancer for one of its own status codes. */
export function renderErrorPage(status: keyof typeof STATUS_TEXTS & number): BalancerAnswer {
  return answer(status, 'text/html', renderHtml(status));
}

export function renderFixedResponse(
  action: Extract<ListenerAction, { type: 'fixed-response' }>,
): BalancerAnswer {
  return answer(action.statusCode, action.contentType || 'text/plain', action.body);
}

export interface RedirectRequest {
  /** The Host header, with or without a port. */
  readonly host: string;
  /** Path and query. */
  readonly url: string;
  readonly protocol: 'http' | 'https';
  readonly port: number;
}

/**
 * @param localPortOf the local port of another listener of the same load balancer. A redirect to that listener
 * leads to its local port, over plain HTTP, which is how HTTPS listeners are served locally.
 */
export function renderRedirect(
  action: Extract<ListenerAction, { type: 'redirect' }>,
  request: RedirectRequest,
  localPortOf: (listenerPort: number) => number | undefined,
): BalancerAnswer {
  const host = hostWithoutPort(request.host);
  const at = request.url.indexOf('?');
  const values: Readonly<Record<string, string>> = {
    protocol: request.protocol,
    host,
    port: String(request.port),
    path: (at < 0 ? request.url : request.url.slice(0, at)).replace(/^\//, ''),
    query: at < 0 ? '' : request.url.slice(at + 1),
  };
  const fill = (text: string): string =>
    text.replace(/#\{(protocol|host|port|path|query)\}/g, (_, name: string) => values[name] ?? '');

  const port = Number(fill(action.port));
  const localPort = localPortOf(port);
  const protocol = localPort === undefined ? fill(action.protocol).toLowerCase() : 'http';
  const query = fill(action.query);
  const path = fill(action.path);
  const location =
    `${protocol}://${fill(action.host)}:${localPort ?? port}` +
    `${path.startsWith('/') ? path : `/${path}`}${query === '' ? '' : `?${query}`}`;
  return answer(action.statusCode, 'text/html', renderHtml(action.statusCode), [['Location', location]]);
}

export function renderAnswer(
  { status, statusText, headers, body }: BalancerAnswer,
  how: { readonly keepAlive: boolean; readonly withBody: boolean; readonly date: Date },
): Buffer {
  const connection = how.keepAlive ? 'keep-alive' : 'close';
  const lines = [...headers, ['Date', how.date.toUTCString()] as const, ['Connection', connection] as const];
  const head = lines.map(([name, value]) => `${name}: ${value}\r\n`).join('');
  const start = Buffer.from(`HTTP/1.1 ${status} ${statusText}\r\n${head}\r\n`, 'latin1');
  return how.withBody && body !== '' ? Buffer.concat([start, Buffer.from(body)]) : start;
}

function renderHtml(status: number): string {
  const title = `${status} ${STATUS_TEXTS[status] ?? ''}`;
  return (
    `<html>\r\n<head><title>${title}</title></head>\r\n<body>\r\n` +
    `<center><h1>${title}</h1></center>\r\n</body>\r\n</html>\r\n`
  );
}

export function hostWithoutPort(host: string): string {
  const bracket = host.lastIndexOf(']');
  const colon = host.indexOf(':', Math.max(bracket, 0));
  return colon < 0 ? host : host.slice(0, colon);
}
