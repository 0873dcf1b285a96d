/** The built service as a process: start, exit codes, and a shutdown under load that loses nothing. */
import { rm } from 'node:fs/promises';
import { Agent, createServer, get } from 'node:http';
import { type AddressInfo, connect } from 'node:net';
import { text } from 'node:stream/consumers';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { makeImageDir, type RunningService, startService } from './built-service.ts';

const TEST_TIMEOUT_MS = 20_000;
const LOAD_CONNECTIONS = 16;
/** Each connection pauses this long between requests: some are idle when the signal arrives, some busy. */
const LOAD_PAUSE_MS = 5;
const WARM_UP_MS = 300;
const SHUTDOWN_DELAY_MS = 600;
const PROBE_INTERVAL_MS = 50;

let imageDir = '';
beforeAll(async () => {
  imageDir = await makeImageDir();
}, 30_000);
afterAll(() => rm(imageDir, { recursive: true, force: true }));

const running: RunningService[] = [];
afterEach(async () => {
  for (const service of running.splice(0)) {
    service.process.kill('SIGKILL');
    await service.exited;
  }
});

function start(env: Readonly<Record<string, string>>): RunningService {
  const service = startService(imageDir, env);
  running.push(service);
  return service;
}

async function startReady(
  env: Readonly<Record<string, string>> = {},
): Promise<{ service: RunningService; port: number }> {
  const service = start(env);
  const { port } = await service.logged('listening');
  await service.logged('ready');
  return { service, port: Number(port) };
}

interface Answer {
  readonly status: number;
  readonly connection: string | undefined;
  readonly body: string;
}

function send(port: number, path: string, agent: Agent | false): Promise<Answer> {
  return new Promise((resolve, reject) => {
    get({ host: '127.0.0.1', port, path, agent }, (response) => {
      const { statusCode = 0, headers } = response;
      text(response).then(
        (body) => resolve({ status: statusCode, connection: headers.connection, body }),
        reject,
      );
    }).on('error', reject);
  });
}

interface Load {
  /** Turns the load away, as a load balancer does after a failed health check; resolves when all have stopped. */
  stop(): Promise<void>;
  readonly failures: readonly string[];
  readonly answered: { kept: number; closing: number };
}

/** A steady load on keep-alive connections, one for each worker. */
function startLoad(port: number): Load {
  const failures: string[] = [];
  const answered = { kept: 0, closing: 0 };
  let wanted = true;
  const worker = async (): Promise<void> => {
    const agent = new Agent({ keepAlive: true, maxSockets: 1 });
    while (wanted) {
      try {
        const { status, connection, body } = await send(port, '/', agent);
        if (status !== 200 || JSON.parse(body).application !== 'app') failures.push(`${status} ${body}`);
        if (connection === 'close') answered.closing += 1;
        else answered.kept += 1;
      } catch (error) {
        failures.push(String(error));
      }
      await sleep(LOAD_PAUSE_MS);
    }
    agent.destroy();
  };
  const workers = Array.from({ length: LOAD_CONNECTIONS }, worker);
  const stop = async (): Promise<void> => {
    wanted = false;
    await Promise.all(workers);
  };
  return { stop, failures, answered };
}

async function untilNotReady(port: number): Promise<void> {
  const deadline = Date.now() + SHUTDOWN_DELAY_MS;
  while (Date.now() < deadline) {
    if ((await send(port, '/readyz', false)).status === 503) return;
    await sleep(PROBE_INTERVAL_MS);
  }
  throw new Error(`/readyz did not fail within ${SHUTDOWN_DELAY_MS} ms`);
}

describe('the built service', { timeout: TEST_TIMEOUT_MS }, () => {
  it('loses no request when it is told to stop under load', async () => {
    const { service, port } = await startReady({ SHUTDOWN_DELAY_MS: String(SHUTDOWN_DELAY_MS) });
    const load = startLoad(port);
    await sleep(WARM_UP_MS);
    service.process.kill('SIGTERM');
    await untilNotReady(port);
    // The load goes on for most of the delay, on connections that the service asks to close one by one.
    await sleep(SHUTDOWN_DELAY_MS / 2);
    await load.stop();
    expect(await service.exited).toEqual({ code: 0, signal: null });
    expect(load.failures).toEqual([]);
    expect(load.answered.kept).toBeGreaterThan(LOAD_CONNECTIONS);
    expect(load.answered.closing).toBeGreaterThan(LOAD_CONNECTIONS);
    await expect(send(port, '/', false)).rejects.toThrow('ECONNREFUSED');
  });

  it('finishes a request that was still arriving when the listener closed', async () => {
    const { service, port } = await startReady({ SHUTDOWN_DELAY_MS: '50' });
    const socket = connect({ host: '127.0.0.1', port });
    socket.write('GET /version HTTP/1.1\r\nhost: x\r\n');
    await sleep(100);
    service.process.kill('SIGTERM');
    await sleep(200);
    await expect(send(port, '/', false)).rejects.toThrow('ECONNREFUSED');
    socket.write('\r\n');
    expect(await text(socket)).toMatch(/^HTTP\/1\.1 200 OK.*"application":"app"/s);
    expect(await service.exited).toEqual({ code: 0, signal: null });
  });

  it('leaves at once on a second signal', async () => {
    const { service } = await startReady({ SHUTDOWN_DELAY_MS: '60000' });
    service.process.kill('SIGINT');
    await service.logged('draining');
    service.process.kill('SIGINT');
    expect(await service.exited).toEqual({ code: 1, signal: null });
  });

  it('knows its task from the metadata endpoint, and keeps the secret to itself', async () => {
    const digest = `sha256:${'ab'.repeat(32)}`;
    const metadata = createServer((_request, response) => {
      const Containers = [{ Image: `repo/app@${digest}` }];
      const document = { TaskARN: 'arn:aws:ecs:r:1:task/c/42', AvailabilityZone: 'us-east-1c', Containers };
      response.end(JSON.stringify(document));
    });
    await new Promise<void>((resolve) => metadata.listen(0, '127.0.0.1', resolve));
    try {
      const address = metadata.address() as AddressInfo;
      const { service, port } = await startReady({
        ENVIRONMENT: 'qa',
        APP_SECRET: 'hunter2',
        SHUTDOWN_DELAY_MS: '0',
        ECS_CONTAINER_METADATA_URI_V4: `http://127.0.0.1:${address.port}/v4/42`,
      });
      const { body } = await send(port, '/', false);
      expect(JSON.parse(body)).toMatchObject({
        environment: 'qa',
        release: 'abababababab',
        task: '42',
        zone: 'us-east-1c',
        secretPresent: true,
      });
      service.process.kill('SIGTERM');
      await service.exited;
      expect(body + JSON.stringify(service.lines)).not.toContain('hunter2');
    } finally {
      metadata.close();
      metadata.closeAllConnections();
    }
  });

  it('exits 78 with every problem of its configuration', async () => {
    const service = start({ PORT: 'abc', LOG_LEVEL: 'loud' });
    expect(await service.exited).toEqual({ code: 78, signal: null });
    expect(service.lines).toMatchObject([
      { level: 'error', msg: expect.stringContaining('LOG_LEVEL="loud"') },
      { level: 'error', msg: expect.stringContaining('PORT="abc"') },
    ]);
  });

  it('exits 1 with one clear line when the port is taken', async () => {
    const { port } = await startReady();
    const second = start({ PORT: String(port) });
    expect(await second.exited).toEqual({ code: 1, signal: null });
    expect(second.lines).toMatchObject([{ level: 'error', msg: expect.stringContaining('EADDRINUSE') }]);
  });
});
