/** Finds a port of 127.0.0.1 for a program that is started afterwards: the usual one, or a free one near it. */
import { createServer } from 'node:net';

/** Ports tried, from the usual one upwards. */
const PORTS_TRIED = 20;

/**
 * @param usual 0: any
 * @param taken ports that are promised to others already
 */
export async function findFreePort(usual: number, taken: ReadonlySet<number> = new Set()): Promise<number> {
  for (let port = usual; port < usual + PORTS_TRIED; port += 1) {
    const bound = taken.has(port) ? undefined : await listens(port);
    if (bound !== undefined) return bound;
  }
  const any = await listens(0);
  if (any === undefined) throw new Error('the system gives no free port of 127.0.0.1');
  return any;
}

/** @returns the port that could be bound (and was given back); undefined when it is taken */
function listens(port: number): Promise<number | undefined> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', () => resolve(undefined));
    server.listen({ port, host: '127.0.0.1', exclusive: true }, () => {
      const address = server.address();
      const bound = address !== null && typeof address === 'object' ? address.port : undefined;
      server.close(() => resolve(bound));
    });
  });
}
