/**
 * Keeps web pages away from the gateway: it is open to every local program on purpose,
 * but a page in the user's browser could otherwise start tasks here (cross-site request, DNS rebinding).
 */
import type { Headers } from './recognise-request.ts';

const loopbackHost = /^(?:127(?:\.\d{1,3}){3}|(?:[a-z0-9.-]+\.)?localhost|\[::1\])(?::\d+)?$/i;

/** @returns why the request is refused, or undefined when it may pass */
export function decideForeignOrigin(headers: Headers): string | undefined {
  const host = headers.host ?? '';
  if (host !== '' && !loopbackHost.test(host)) {
    return `The embedded AWS answers on loopback names only, not on "${host}". Use http://127.0.0.1:PORT.`;
  }
  const { origin } = headers;
  if (origin !== undefined && !loopbackHost.test(origin.replace(/^https?:\/\//, ''))) {
    return `The embedded AWS takes no requests from web pages (Origin "${origin}").`;
  }
  return undefined;
}
