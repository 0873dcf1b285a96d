/** The address on which a task is reached: its own on the loopback network, with the port of its container. */
import { createServer } from 'node:net';
import type { TaskSpec } from '../contract.ts';
import { loopbackAddressOf } from './task-command.ts';
import { cannotStart } from './task-start.ts';

export interface Place {
  readonly address: string;
  readonly port: number;
  /** Variables that make the task listen there. */
  readonly environment: Readonly<Record<string, string>>;
}

/** The task's own loopback address; where the system has only 127.0.0.1, a free port there takes its place. */
export async function findPlace(spec: TaskSpec): Promise<Place> {
  const address = loopbackAddressOf(spec.privateIp) ?? '127.0.0.1';
  const port = spec.containerPort;
  const host = { HOST: address };
  if (port === undefined) return { address, port: 0, environment: host };
  const bound = await tryBind(address, port);
  if (bound.ok) return { address, port, environment: host };
  if (bound.code === 'EADDRNOTAVAIL') {
    const free = await tryBind('127.0.0.1', 0);
    if (free.ok) {
      const environment = { HOST: '127.0.0.1', PORT: String(free.port) };
      return { address: '127.0.0.1', port: free.port, environment };
    }
  }
  throw cannotStart(
    `port ${port} of ${address}, the address of task ${spec.taskId}, can't be bound (${bound.code}): ` +
      `another program listens there, or on every address`,
  );
}

type Bound = { readonly ok: true; readonly port: number } | { readonly ok: false; readonly code: string };

async function tryBind(address: string, port: number): Promise<Bound> {
  const server = createServer();
  return new Promise((resolve) => {
    server.once('error', (error: NodeJS.ErrnoException) =>
      resolve({ ok: false, code: error.code ?? error.message }),
    );
    server.listen({ host: address, port, exclusive: true }, () => {
      const bound = server.address();
      const boundPort = typeof bound === 'object' && bound !== null ? bound.port : port;
      server.close(() => resolve({ ok: true, port: boundPort }));
    });
  });
}
