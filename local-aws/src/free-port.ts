/** A TCP port of 127.0.0.1 that nothing listens on, for a program that is started afterwards. */
import { createServer } from 'node:net';

/** Somebody else may take the port before the caller does; there is no way to hold it for another process. */
export function findFreePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once('error', reject);
    server.listen({ host: '127.0.0.1', port: 0 }, () => {
      const address = server.address();
      server.close(() => {
        if (address !== null && typeof address === 'object') resolve(address.port);
        else reject(new Error(`the system gave no port but ${String(address)}`));
      });
    });
  });
}
