/** Error answers as `application/problem+json` (RFC 9457). */
import { STATUS_CODES } from 'node:http';
import type { RouteResponse } from './route.ts';

/**
 * @param status HTTP status, 4xx or 5xx
 * @param detail what happened and what to do, safe to show to anybody
 */
export function problemResponse(
  status: number,
  detail: string,
  headers: Readonly<Record<string, string>> = {},
): RouteResponse {
  const body = { type: 'about:blank', title: STATUS_CODES[status] ?? 'Error', status, detail };
  return {
    status,
    headers: { 'content-type': 'application/problem+json', 'cache-control': 'no-store', ...headers },
    body: `${JSON.stringify(body)}\n`,
  };
}
