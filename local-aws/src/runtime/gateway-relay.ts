/**
 * The gateway as containers reach it: a door on the address that this computer has in their network.
 * The gateway itself stays on the loopback interface; it refuses foreign names of hosts, so the name is put right.
 */
import { createServer, request as startRequest } from 'node:http';
import type { AddressInfo } from 'node:net';

const MAX_CONNECTIONS = 512;
const REQUEST_TIMEOUT_MS = 600_000;

export interface GatewayRelay {
  readonly endpoint: string;
  close(): Promise<void>;
}

/** @throws Error of the operating system when this computer does not have the address */
export async function startGatewayRelay(address: string, gateway: () => string): Promise<GatewayRelay> {
  const server = createServer((request, response) => {
    const target = new URL(gateway());
    const onward = startRequest({
      host: target.hostname,
      port: target.port,
      method: request.method,
      path: request.url,
      headers: { ...request.headers, host: target.host },
      timeout: REQUEST_TIMEOUT_MS,
    });
    onward.once('response', (answer) => {
      response.writeHead(answer.statusCode ?? 502, answer.rawHeaders);
      answer.pipe(response);
      answer.once('error', () => response.destroy());
    });
    onward.once('timeout', () => onward.destroy());
    onward.once('error', () => response.destroy());
    response.once('close', () => onward.destroy());
    request.pipe(onward);
  });
  server.maxConnections = MAX_CONNECTIONS;
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(0, address, resolve);
  });
  const { port } = server.address() as AddressInfo;
  return {
    endpoint: `http://${address}:${port}`,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}
