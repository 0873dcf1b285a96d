/**
 * The measure of the bench: routes of the service with the same answers, written straight on node:http.
 * No log, no metrics, no ids, no limits: what those cost is what the bench shows. With `--log` it sends the headers that
 * the service sends and logs the line that the service logs, in the plainest way that does not wait for each line.
 */
import { randomUUID } from 'node:crypto';
import { createServer, type ServerResponse } from 'node:http';

const LOGS = process.argv.includes('--log');
const FLUSH_MS = 20;

let lines: string[] = [];

/** Logs the request when its answer is out; returns its identifier. */
function logWhenDone(response: ServerResponse): string {
  const begin = performance.now();
  const requestId = randomUUID();
  response.on('close', () => {
    const { method, url: path } = response.req;
    const { statusCode: status } = response;
    const time = new Date().toISOString();
    const durationMs = performance.now() - begin;
    const fields = { method, path, status, durationMs, requestId, traceId: requestId };
    lines.push(JSON.stringify({ time, level: 'info', msg: 'request', ...fields }));
  });
  return requestId;
}

function flush(): void {
  if (lines.length > 0) process.stdout.write(`${lines.join('\n')}\n`);
  lines = [];
}

const kept = new Map<string, { readonly type: string; readonly body: Buffer }>();
let served = 0;

function facts(): object {
  return {
    greeting: 'Hello from Towpath',
    application: 'app',
    version: '0.1.0',
    environment: 'local',
    release: null,
    imageDigest: null,
    task: null,
    zone: null,
    secretPresent: true,
    phase: 'ready',
    uptimeSeconds: Math.floor(process.uptime()),
    requestsServed: served,
  };
}

function answer(response: ServerResponse, status: number, type: string, body: string | Buffer): void {
  served += 1;
  response.writeHead(status, {
    'content-type': type,
    'cache-control': 'no-store',
    'content-length': Buffer.byteLength(body),
    ...(LOGS ? { 'x-request-id': logWhenDone(response), 'x-content-type-options': 'nosniff' } : {}),
  });
  response.end(body);
}

function json(response: ServerResponse, value: object): void {
  answer(response, 200, 'application/json; charset=utf-8', `${JSON.stringify(value)}\n`);
}

const server = createServer((request, response) => {
  const { method, url = '/' } = request;
  if (url === '/' && method === 'GET') {
    // The page for browsers is a part of the route; nobody asks for it here.
    if (request.headers.accept?.includes('text/html'))
      return answer(response, 200, 'text/html', '<!doctype html>');
    return json(response, facts());
  }
  if (url === '/version' && method === 'GET') {
    return json(response, {
      application: 'app',
      version: '0.1.0',
      environment: 'local',
      release: null,
      imageDigest: null,
      node: process.version,
    });
  }
  if (url.startsWith('/cache/')) {
    const key = url.slice('/cache/'.length);
    if (method === 'GET') {
      const entry = kept.get(key);
      if (entry === undefined) return answer(response, 404, 'application/problem+json', '{}');
      return answer(response, 200, entry.type, entry.body);
    }
    if (method === 'PUT') {
      const chunks: Buffer[] = [];
      request.on('data', (chunk: Buffer) => chunks.push(chunk));
      request.on('end', () => {
        const body = Buffer.concat(chunks);
        kept.set(key, { type: request.headers['content-type'] ?? 'application/octet-stream', body });
        json(response, { key, bytes: body.length, ttlSeconds: 300, store: 'memory' });
      });
      return;
    }
  }
  if (url === '/readyz') return json(response, { status: 'ready' });
  answer(response, 404, 'application/problem+json', '{}');
});
if (LOGS) setInterval(flush, FLUSH_MS);
server.listen(Number(process.env.PORT), '127.0.0.1');
