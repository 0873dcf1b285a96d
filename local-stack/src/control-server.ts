/** What the stack says of itself, on a port of loopback: `/status`, and `/targets` for Prometheus' service discovery. */
import { createServer } from 'node:http';
import type { TargetGroup } from './task-discovery.ts';

const LOOPBACK_HOST = /^(?:127\.0\.0\.1|localhost)(?::\d+)?$/;

export interface ControlServer {
  readonly url: string;
  close(): Promise<void>;
}

export interface ControlAnswers {
  status(): Promise<object>;
  targets(): Promise<readonly TargetGroup[]>;
}

export async function openControlServer(answers: ControlAnswers): Promise<ControlServer> {
  const server = createServer((request, response) => {
    const send = (status: number, payload: object) => {
      response.writeHead(status, { 'content-type': 'application/json' });
      response.end(JSON.stringify(payload));
    };
    // A page in somebody's browser can reach loopback too, under a name of its own.
    if (!LOOPBACK_HOST.test(request.headers.host ?? '')) return send(403, { message: 'Loopback only.' });
    const answer = { '/status': answers.status, '/targets': answers.targets }[request.url ?? ''];
    if (answer === undefined || request.method !== 'GET')
      return send(404, { message: 'There is GET /status and GET /targets.' });
    answer().then(
      (payload) => send(200, payload),
      (error: unknown) => send(500, { message: error instanceof Error ? error.message : String(error) }),
    );
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen({ port: 0, host: '127.0.0.1' }, resolve);
  });
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('the control server has no port');
  return {
    url: `http://127.0.0.1:${address.port}`,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}
