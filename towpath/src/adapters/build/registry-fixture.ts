/** A registry that keeps images in memory, and breaks when a test tells it to. For tests of pushing. */
import { createHash } from 'node:crypto';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { RegistryAccess } from './registry-access.ts';

const MAX_FAULTS = 1_000;

export interface RegistryFixture {
  readonly access: RegistryAccess;
  readonly blobs: Map<string, Buffer>;
  /** By digest and by tag. */
  readonly manifests: Map<string, Buffer>;
  /** Method and path of every request, in order. */
  readonly requests: string[];
  /** The next requests that match are answered with this status; 0 breaks the connection. */
  failNext(match: RegExp, status: number, times?: number): void;
  close(): Promise<void>;
}

const REPOSITORY = '/v2/shop';

export async function startRegistryFixture(): Promise<RegistryFixture> {
  const blobs = new Map<string, Buffer>();
  const manifests = new Map<string, Buffer>();
  const requests: string[] = [];
  const faults: { match: RegExp; status: number }[] = [];
  const server = createServer(async (request, response) => {
    const body = await readBody(request);
    const line = `${request.method} ${request.url}`;
    requests.push(line);
    const fault = faults.findIndex(({ match }) => match.test(line));
    const [planned] = fault < 0 ? [] : faults.splice(fault, 1);
    if (planned?.status === 0) request.socket.destroy();
    else if (planned !== undefined)
      response.writeHead(planned.status).end('{"errors":[{"code":"PLANNED","message":"planned"}]}');
    else if (request.headers.authorization !== `Basic ${Buffer.from('AWS:pass:word').toString('base64')}`)
      response.writeHead(401).end();
    else answer(request, response, body, blobs, manifests);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('not listening');
  return {
    access: { baseUrl: `http://127.0.0.1:${address.port}`, user: 'AWS', password: 'pass:word' },
    blobs,
    manifests,
    requests,
    failNext(match, status, times = 1) {
      for (let count = 0; count < Math.min(times, MAX_FAULTS); count += 1) faults.push({ match, status });
    },
    async close() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

function answer(
  request: IncomingMessage,
  response: ServerResponse,
  body: Buffer,
  blobs: Map<string, Buffer>,
  manifests: Map<string, Buffer>,
): void {
  const url = new URL(request.url ?? '', 'http://registry');
  const path = url.pathname.startsWith(REPOSITORY) ? url.pathname.slice(REPOSITORY.length) : undefined;
  const [, kind, name = ''] = path?.match(/^\/(blobs|manifests|blobs\/uploads)\/([^/]*)$/) ?? [];
  const digest = `sha256:${createHash('sha256').update(body).digest('hex')}`;
  if (kind === undefined) response.writeHead(404).end('{"errors":[{"code":"NAME_UNKNOWN"}]}');
  else if (request.method === 'HEAD')
    response.writeHead((kind === 'blobs' ? blobs : manifests).has(name) ? 200 : 404).end();
  else if (request.method === 'POST')
    response.writeHead(202, { location: `${REPOSITORY}/blobs/uploads/u1?state=x%3D` }).end();
  else if (kind === 'blobs/uploads') {
    const wanted = url.searchParams.get('digest');
    const whole = wanted === digest && url.searchParams.get('state') === 'x=';
    if (whole) blobs.set(digest, body);
    response.writeHead(whole ? 201 : 400).end();
  } else if (manifests.has(name)) response.writeHead(400).end('{"errors":[{"code":"TAG_INVALID"}]}');
  else {
    manifests.set(name, body).set(digest, body);
    response.writeHead(201).end();
  }
}

async function readBody(request: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks);
}
