/**
 * The port on which a developer meets the app, whichever of its processes answers: connections are passed on, byte for
 * byte, to the newest one that works. While none works, the port says why instead of refusing.
 */
import { connect, createServer, type Server, type Socket } from 'node:net';
import { findFreePort } from '../free-port.ts';

/** More is refused by the system, as by any server. */
const MAX_CONNECTIONS = 1024;
const MAX_ATTEMPTS = 5;

export interface FrontPort {
  readonly port: number;
  /** From here on new connections go there; those that are open stay with the process that they reached. */
  passTo(port: number): void;
  /** From here on new connections are answered with status 503 and this text. */
  explain(text: string): void;
  close(): Promise<void>;
}

type Destination = { readonly port: number } | { readonly text: string };

/** @param usual or, when that is taken, a free one near it */
export async function openFrontPort(usual: number): Promise<FrontPort> {
  let destination: Destination = { text: 'The app is being started.\n' };
  const open = new Set<Socket>();
  const server = createServer({ allowHalfOpen: true, noDelay: true }, (client) => {
    open.add(client);
    client.once('close', () => open.delete(client));
    client.on('error', () => client.destroy());
    if ('text' in destination) answer(client, destination.text);
    else passOn(client, destination.port);
  });
  server.maxConnections = MAX_CONNECTIONS;
  const port = await listenNear(server, usual);
  return {
    port,
    passTo: (to) => {
      destination = { port: to };
    },
    explain: (text) => {
      destination = { text };
    },
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        for (const client of open) client.destroy();
      }),
  };
}

function passOn(client: Socket, port: number): void {
  const upstream = connect({ port, host: '127.0.0.1', allowHalfOpen: true, noDelay: true });
  let connected = false;
  upstream.once('connect', () => {
    connected = true;
    client.pipe(upstream);
    upstream.pipe(client);
  });
  upstream.on('error', () => {
    if (!connected) answer(client, 'The app has just ended; it is on its way back.\n');
    // What it had said to the end is still on its way to the client.
    else if (!upstream.readableEnded) client.destroy();
  });
  client.once('close', () => upstream.destroy());
}

/** After the request has begun to arrive: an answer before it would be none to the client. */
function answer(client: Socket, text: string): void {
  const head = [
    'HTTP/1.1 503 Service Unavailable',
    'content-type: text/plain; charset=utf-8',
    'x-content-type-options: nosniff',
    `content-length: ${Buffer.byteLength(text)}`,
    'retry-after: 1',
    'connection: close',
  ];
  client.once('data', () => client.end(`${head.join('\r\n')}\r\n\r\n${text}`));
  client.once('end', () => client.end());
  client.resume();
}

/** Somebody else may take a free port before we do. @returns the port */
async function listenNear(server: Server, usual: number): Promise<number> {
  for (let attempt = 1; ; attempt += 1) {
    const port = await findFreePort(usual);
    try {
      await listen(server, port);
      return port;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EADDRINUSE' || attempt === MAX_ATTEMPTS) throw error;
    }
  }
}

function listen(server: Server, port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen({ port, host: '127.0.0.1', exclusive: true }, () => {
      server.off('error', reject);
      resolve();
    });
  });
}
