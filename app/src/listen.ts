/** Opens the listener, with errors that say what to do. */
import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';

/** The listener could not be opened; the message names address, reason and next step. */
export class ListenError extends Error {
  override readonly name = 'ListenError';
}

const REASONS: Readonly<Record<string, string>> = {
  EADDRINUSE: 'another process listens there already; stop it, or set PORT to a free port (0 finds one)',
  EADDRNOTAVAIL: 'this machine has no such address; set HOST to one of its own, or to 0.0.0.0 for all',
  EACCES: 'this user may not open that port; set PORT to 1024 or more',
  ENOTFOUND: 'the name has no address; set HOST to an IP address',
};

/**
 * Resolves with the address once connections are accepted.
 * @throws ListenError
 */
export function listen(server: Server, host: string, port: number): Promise<AddressInfo> {
  return new Promise((resolve, reject) => {
    const fail = (error: NodeJS.ErrnoException): void => {
      const reason = REASONS[error.code ?? ''] ?? error.message;
      reject(
        new ListenError(`can't listen on ${host}:${port} (${error.code ?? 'unknown'}): ${reason}`, {
          cause: error,
        }),
      );
    };
    server.once('error', fail);
    server.listen({ host, port }, () => {
      server.off('error', fail);
      const address = server.address();
      if (address === null || typeof address === 'string') {
        reject(new ListenError(`can't listen on ${host}:${port}: the system reports no address`));
        return;
      }
      resolve(address);
    });
  });
}
