/** One health check: a fresh connection, a GET, the status code. */
import http from 'node:http';
import type { Target } from '../contract.ts';
import type { HealthMatcher } from './health-matcher.ts';
import type { HealthCheckResult } from './target-health.ts';

/** Opens a connection for each check, as AWS does. One for all: `agent: false` would make an agent for each check. */
const agent = new http.Agent({ keepAlive: false });

/** Never rejects. An aborted check counts as a failed connection. */
export function probeTarget(
  target: Target,
  check: { readonly path: string; readonly timeoutMs: number; readonly matches: HealthMatcher },
  signal: AbortSignal,
): Promise<HealthCheckResult> {
  if (target.reachable?.() === false) return dropped(check.timeoutMs, signal);
  return new Promise((resolve) => {
    const request = http.request({
      host: target.dial.address,
      port: target.dial.port,
      path: check.path,
      agent,
      signal,
      headers: {
        Host: `${target.id}:${target.port}`,
        Connection: 'close',
        'User-Agent': 'ELB-HealthChecker/2.0',
      },
    });
    let timedOut = false;
    const timer = setTimeout(() => {
      timedOut = true;
      request.destroy();
    }, check.timeoutMs);
    const finish = (result: HealthCheckResult): void => {
      clearTimeout(timer);
      resolve(result);
    };
    request.on('response', (response) => {
      response.on('error', () => {}); // the status is all that counts
      response.resume();
      const statusCode = response.statusCode ?? 0;
      finish(check.matches(statusCode) ? { ok: true } : { ok: false, reason: 'response-code', statusCode });
      request.destroy();
    });
    request.on('error', () => finish({ ok: false, reason: timedOut ? 'timeout' : 'connection' }));
    request.end();
  });
}

/** What a security group does not let through gets no answer at all. */
function dropped(timeoutMs: number, signal: AbortSignal): Promise<HealthCheckResult> {
  return new Promise((resolve) => {
    const finish = (): void => {
      clearTimeout(timer);
      signal.removeEventListener('abort', finish);
      resolve({ ok: false, reason: 'timeout' });
    };
    const timer = setTimeout(finish, timeoutMs);
    signal.addEventListener('abort', finish, { once: true });
  });
}
