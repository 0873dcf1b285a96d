/** Binds a server to a port of 127.0.0.1: the one that was asked for, or the first free one of the defaults. */
import type { Server } from 'node:http';

const defaultPort = 4700;
const defaultPortCount = 20;

export class PortBusyError extends Error {
  readonly code = 'PORT_BUSY';
  readonly hint: string;
  constructor(message: string, hint: string) {
    super(message);
    this.name = 'PortBusyError';
    this.hint = hint;
  }
}

/**
 * @param port undefined: 4700, or the next free one of the 20 from there
 * @returns the port bound
 * @throws PortBusyError naming the port, with what to do next
 */
export async function listenOnPort(server: Server, port: number | undefined): Promise<number> {
  if (port !== undefined) {
    if (await tryListen(server, port)) return boundPort(server);
    throw new PortBusyError(
      `Port ${port} of 127.0.0.1 is in use by another program.`,
      `Leave --port out to take a free one, or find the program with: ss -ltnp 'sport = :${port}'`,
    );
  }
  for (let candidate = defaultPort; candidate < defaultPort + defaultPortCount; candidate += 1) {
    if (await tryListen(server, candidate)) return boundPort(server);
  }
  throw new PortBusyError(
    `All ports from ${defaultPort} to ${defaultPort + defaultPortCount - 1} of 127.0.0.1 are in use.`,
    'Name a free one with --port.',
  );
}

/** @returns false when the port is in use; other errors (no permission, say) are thrown */
function tryListen(server: Server, port: number): Promise<boolean> {
  return new Promise((resolve, reject) => {
    const failed = (error: NodeJS.ErrnoException) => {
      server.off('listening', bound);
      if (error.code === 'EADDRINUSE') resolve(false);
      else reject(error);
    };
    const bound = () => {
      server.off('error', failed);
      resolve(true);
    };
    server.once('error', failed);
    server.once('listening', bound);
    server.listen({ port, host: '127.0.0.1', exclusive: true });
  });
}

function boundPort(server: Server): number {
  const address = server.address();
  if (address === null || typeof address === 'string')
    throw new Error('the gateway is not bound to a TCP port');
  return address.port;
}
