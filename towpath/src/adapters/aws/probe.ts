/**
 * One GET through a load balancer. Certificates are checked but for the host name: a load balancer is asked by
 * its own DNS name, which no certificate of the user carries. The request holds nothing secret.
 */
import { request as httpRequest, type IncomingMessage } from 'node:http';
import { request as httpsRequest } from 'node:https';

export interface ProbeResult {
  /** Undefined when nothing answered in time. */
  readonly status: number | undefined;
  readonly detail: string;
}

/** Never rejects. @param timeoutMs for the whole exchange up to the status line */
export function probe(url: string, timeoutMs: number): Promise<ProbeResult> {
  return new Promise((resolve) => {
    const answered = (response: IncomingMessage): void => {
      response.resume();
      resolve({
        status: response.statusCode,
        detail: `${response.statusCode} ${response.statusMessage ?? ''}`.trim(),
      });
    };
    const failed = (error: unknown): void =>
      resolve({ status: undefined, detail: reasonOf(error, timeoutMs) });
    try {
      const options = {
        agent: false,
        signal: AbortSignal.timeout(timeoutMs),
        headers: { 'user-agent': 'towpath' },
      };
      const request = url.startsWith('https:')
        ? httpsRequest(url, { ...options, checkServerIdentity: () => undefined }, answered)
        : httpRequest(url, options, answered);
      request.on('error', failed);
      request.end();
    } catch (error) {
      failed(error);
    }
  });
}

function reasonOf(error: unknown, timeoutMs: number): string {
  if (!(error instanceof Error)) return String(error);
  if (error.name === 'AbortError' || error.name === 'TimeoutError') return `no answer within ${timeoutMs} ms`;
  return 'code' in error && typeof error.code === 'string' ? error.code : error.message;
}
