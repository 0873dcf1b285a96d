/**
 * An endpoint that passes everything on to another, but for one bucket: that one belongs to somebody else, and is
 * answered for as S3 does then. The embedded AWS has one account only, so that nobody else could own it there.
 */
import { createServer, type IncomingMessage, request, type ServerResponse } from 'node:http';
import { freePort } from './free-port.ts';

export interface StrangerBucket {
  readonly endpoint: string;
  close(): Promise<void>;
}

/** @param bucket its name, as the first part of the path */
export async function startStrangerBucket(behind: string, bucket: string): Promise<StrangerBucket> {
  const port = await freePort();
  const server = createServer((incoming, outgoing) => {
    const [path = ''] = (incoming.url ?? '').split('?', 1);
    if (path.split('/')[1] === bucket) refuse(incoming, outgoing, path);
    else passOn(incoming, outgoing, behind);
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, '127.0.0.1', resolve);
  });
  return {
    endpoint: `http://127.0.0.1:${port}`,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

/** Creating it: 409 BucketAlreadyExists. All else, `HeadBucket` above all: 403. */
function refuse(incoming: IncomingMessage, outgoing: ServerResponse, path: string): void {
  incoming.resume();
  const creates = incoming.method === 'PUT' && /^\/[^/]+\/?$/.test(path);
  const code = creates ? 'BucketAlreadyExists' : 'AccessDenied';
  const body = `<?xml version="1.0" encoding="UTF-8"?>\n<Error><Code>${code}</Code><Message>${code}</Message></Error>`;
  outgoing.writeHead(creates ? 409 : 403, { 'content-type': 'application/xml' });
  outgoing.end(incoming.method === 'HEAD' ? undefined : body);
}

function passOn(incoming: IncomingMessage, outgoing: ServerResponse, behind: string): void {
  const { method, headers, url } = incoming;
  const passed = request(new URL(url ?? '/', behind), { method, headers }, (answer) => {
    outgoing.writeHead(answer.statusCode ?? 502, answer.headers);
    answer.pipe(outgoing);
  });
  passed.once('error', () => outgoing.destroy());
  incoming.pipe(passed);
}
