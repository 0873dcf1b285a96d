/** The built service as a process: what the contract with its Flask twin (`service-contract`) does not ask. */
import { rm } from 'node:fs/promises';
import { createServer, get } from 'node:http';
import { type AddressInfo, connect } from 'node:net';
import { text } from 'node:stream/consumers';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { makeImageDir, type RunningService, startService } from './built-service.ts';

const TEST_TIMEOUT_MS = 20_000;

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

/** @returns the body; a refused connection rejects with its code, which `fetch` would hide */
function ask(port: number, path: string): Promise<string> {
  return new Promise((resolve, reject) => {
    get({ host: '127.0.0.1', port, path, agent: false }, (response) => {
      text(response).then(resolve, reject);
    }).on('error', reject);
  });
}

describe('the built service', { timeout: TEST_TIMEOUT_MS }, () => {
  it('finishes a request that was still arriving when the listener closed', async () => {
    const { service, port } = await startReady({ SHUTDOWN_DELAY_MS: '50' });
    const socket = connect({ host: '127.0.0.1', port });
    socket.write('GET /version HTTP/1.1\r\nhost: x\r\n');
    await sleep(100);
    service.process.kill('SIGTERM');
    await sleep(200);
    await expect(ask(port, '/')).rejects.toThrow('ECONNREFUSED');
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
      const body = await ask(port, '/');
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

  it('exits 1 with one clear line when the port is taken', async () => {
    const { port } = await startReady();
    const second = start({ PORT: String(port) });
    expect(await second.exited).toEqual({ code: 1, signal: null });
    expect(second.lines).toMatchObject([{ level: 'error', msg: expect.stringContaining('EADDRINUSE') }]);
  });
});
