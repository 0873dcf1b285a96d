/** Requests that make every metric of the app move: pages, cache hits and misses, tokens, unknown routes, errors. */
import { setTimeout as sleep } from 'node:timers/promises';

const PAUSE_MS = 40;
const FAULT = { status: 503, percent: 40, forSeconds: 300 };

/** From now on this share of the answers is an error, until the fault's time is over. */
export async function injectErrors(origin: string): Promise<void> {
  const response = await fetch(`${origin}/faults/status`, {
    method: 'PUT',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(FAULT),
  });
  if (!response.ok) throw new Error(`no fault could be injected: ${await response.text()}`);
}

/** @returns what ends the load */
export function startLoad(origins: readonly string[]): () => Promise<void> {
  let wanted = true;
  const headers = { 'content-type': 'text/plain' };
  const worker = async (origin: string): Promise<void> => {
    for (let round = 0; wanted; round += 1) {
      const requests: [path: string, init?: RequestInit][] = [
        ['/'],
        [`/cache/key-${round % 50}`, { method: 'PUT', body: String(round), headers }],
        [`/cache/key-${round % 50}`],
        ['/cache/missing'],
        ['/nowhere'],
      ];
      for (const [path, init] of requests) {
        // A service that was stopped meanwhile is part of the test.
        const response = await fetch(`${origin}${path}`, init).catch(() => undefined);
        await response?.arrayBuffer().catch(() => undefined);
        await sleep(PAUSE_MS);
      }
    }
  };
  const workers = origins.map(worker);
  return async () => {
    wanted = false;
    await Promise.all(workers);
  };
}
