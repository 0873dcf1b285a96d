/** For tests and measurements: a bounded number of clients that ask without pause until told to stop. */
import http from 'node:http';

export interface LoadReport {
  readonly requests: number;
  /** What was not answered with 200, one line each, at most {@link MAX_FAILURES}. */
  readonly failures: readonly string[];
  readonly latenciesMs: readonly number[];
  readonly seconds: number;
}

const MAX_FAILURES = 100;
const MAX_LATENCIES = 200_000;

export function startLoad(
  url: string,
  options: { readonly clients: number; readonly method?: string; readonly pauseMs?: number },
): { requests(): number; stop(): Promise<LoadReport> } {
  const agent = new http.Agent({ keepAlive: true, maxSockets: options.clients });
  const failures: string[] = [];
  const latenciesMs: number[] = [];
  let requests = 0;
  let running = true;
  const startedAt = performance.now();

  const client = async (): Promise<void> => {
    while (running) {
      const from = performance.now();
      const outcome = await ask(url, options.method ?? 'GET', agent);
      requests += 1;
      if (latenciesMs.length < MAX_LATENCIES) latenciesMs.push(performance.now() - from);
      if (outcome !== '200' && failures.length < MAX_FAILURES) failures.push(outcome);
      if (options.pauseMs !== undefined) await new Promise((resolve) => setTimeout(resolve, options.pauseMs));
    }
  };
  const clients = Array.from({ length: options.clients }, client);
  return {
    requests: () => requests,
    async stop() {
      running = false;
      await Promise.all(clients);
      agent.destroy();
      return { requests, failures, latenciesMs, seconds: (performance.now() - startedAt) / 1000 };
    },
  };
}

function ask(url: string, method: string, agent: http.Agent): Promise<string> {
  return new Promise((resolve) => {
    const request = http.request(url, { method, agent }, (response) => {
      response.on('error', (error) => resolve(`cut off: ${error.message}`));
      response.on('end', () => resolve(String(response.statusCode)));
      response.resume();
    });
    request.on('error', (error) => resolve(error.message));
    request.end(method === 'POST' ? 'body' : undefined);
  });
}
