/** Which headers go on when a request is passed to moto, and when its answer is passed back. */
import type { IncomingHttpHeaders } from 'node:http';

/** Headers that belong to one connection (RFC 9110, 7.6.1), plus those that undici writes by itself. */
const connectionHeaders: ReadonlySet<string> = new Set([
  'connection',
  'keep-alive',
  'proxy-connection',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
  'expect',
]);

/** @param lengthKnown the body is a buffer, so its length is written anew (an overlay may have changed it) */
export function forwardedHeaders(rawHeaders: readonly string[], lengthKnown: boolean): string[] {
  const kept: string[] = [];
  for (let i = 0; i + 1 < rawHeaders.length; i += 2) {
    const name = rawHeaders[i] ?? '';
    const lower = name.toLowerCase();
    if (connectionHeaders.has(lower) || (lengthKnown && lower === 'content-length')) continue;
    kept.push(name, rawHeaders[i + 1] ?? '');
  }
  return kept;
}

/** Answer headers without those of the connection between gateway and moto. */
export function answerHeaders(headers: IncomingHttpHeaders): Record<string, string | string[]> {
  const kept: Record<string, string | string[]> = {};
  for (const [name, value] of Object.entries(headers)) {
    if (value !== undefined && !connectionHeaders.has(name)) kept[name] = value;
  }
  return kept;
}
