/** Several tasks of one release behind one address that takes them in turn, as a load balancer would. */
import { createServer, request as httpRequest, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { type RunningService, startService } from './built-service.ts';

const DIGEST = `sha256:${'9f3b27c1d4e8'.padEnd(64, '0')}`;
const ZONES = ['us-east-1a', 'us-east-1b', 'us-east-1c'] as const;
const TASK_IDS = ['3f9c', '7ad1', 'c04e'].map((start) => start.padEnd(32, '0f1e2d3c4b5a6978'));

export interface BalancedTasks {
  /** Of the balancer. */
  readonly origin: string;
  readonly tasks: readonly RunningService[];
  readonly stop: () => Promise<void>;
}

async function listenOn(server: Server): Promise<number> {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return (server.address() as AddressInfo).port;
}

/** What ECS tells a task of itself: `/v4/0` is the first. */
function createMetadataServer(): Server {
  return createServer(({ url = '' }, response) => {
    const index = Number(url.split('/')[2]);
    const TaskARN = `arn:aws:ecs:us-east-1:1:task/c/${TASK_IDS[index]}`;
    const Containers = [{ Image: `repository/app@${DIGEST}` }];
    response.end(JSON.stringify({ TaskARN, AvailabilityZone: ZONES[index], Containers }));
  });
}

function createBalancer(ports: readonly number[]): Server {
  let turn = 0;
  return createServer((incoming, outgoing) => {
    const port = ports[turn++ % ports.length];
    const { url, method, headers } = incoming;
    const onward = httpRequest({ host: '127.0.0.1', port, path: url, method, headers }, (answer) => {
      outgoing.writeHead(answer.statusCode ?? 502, answer.headers);
      answer.pipe(outgoing);
    });
    onward.on('error', () => outgoing.writeHead(502).end());
    incoming.pipe(onward);
  });
}

/** Starts one task in each of three zones, or as many as `count` says. The caller stops them, whatever happens. */
export async function startBalancedTasks(
  imageDir: string,
  env: Readonly<Record<string, string>>,
  count: number = ZONES.length,
): Promise<BalancedTasks> {
  const metadata = createMetadataServer();
  const tasks: RunningService[] = [];
  const servers: Server[] = [metadata];
  const stop = async (): Promise<void> => {
    for (const server of servers) {
      server.close();
      server.closeAllConnections();
    }
    for (const { process: child } of tasks) child.kill('SIGKILL');
    await Promise.all(tasks.map(({ exited }) => exited));
  };
  try {
    const metadataPort = await listenOn(metadata);
    for (let index = 0; index < count; index += 1) {
      const ECS_CONTAINER_METADATA_URI_V4 = `http://127.0.0.1:${metadataPort}/v4/${index}`;
      tasks.push(startService(imageDir, { ...env, ECS_CONTAINER_METADATA_URI_V4 }));
    }
    const ports: number[] = [];
    for (const task of tasks) ports.push(Number((await task.logged('listening')).port));
    const balancer = createBalancer(ports);
    servers.push(balancer);
    return { origin: `http://127.0.0.1:${await listenOn(balancer)}`, tasks, stop };
  } catch (error) {
    await stop();
    throw error;
  }
}
