/**
 * What Towpath expects of any container, asked of two: this service, and the Flask example. Nothing here may know
 * which of them answers.
 */
import { once } from 'node:events';
import { rm } from 'node:fs/promises';
import { Agent, createServer, get } from 'node:http';
import { type AddressInfo, connect } from 'node:net';
import { text } from 'node:stream/consumers';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { freePort } from '../../test/support/free-port.ts';
import { makeImageDir, type RunningService, startService } from './built-service.ts';
import { FLASK_PACKAGES, startFlaskService } from './flask-service.ts';
import { endProcess, REDIS_PASSWORD, startRedis } from './redis-server.ts';

const TEST_TIMEOUT_MS = 45_000;
const SECRET = 'hunter2-hunter2';
const SHUTDOWN_DELAY_MS = 3_000;
/** How long the load goes on after readiness has failed; well within the delay on a busy machine, too. */
const LAST_LOAD_MS = 500;
/** More than the threads of a small server. */
const SILENT_CONNECTIONS = 16;
/** As the load balancer has it. */
const PROBE_TIMEOUT_MS = 2_000;
const LOAD_CONNECTIONS = 8;
const LOAD_PAUSE_MS = 5;
const POLL_MS = 50;
const TURN_TIMEOUT_MS = 10_000;
const TEXT = { 'content-type': 'text/plain' };

let imageDir = '';
beforeAll(async () => {
  imageDir = await makeImageDir();
}, 30_000);
afterAll(() => rm(imageDir, { recursive: true, force: true }));

const cleanUps: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const cleanUp of cleanUps.splice(0).reverse()) await cleanUp();
});

type Env = Readonly<Record<string, string>>;
const SERVICES: readonly (readonly [string, (env: Env) => RunningService])[] = [
  ['the reference service', (env) => startService(imageDir, env)],
  [`the Flask example (${FLASK_PACKAGES})`, startFlaskService],
];

describe.each(SERVICES)('%s', { timeout: TEST_TIMEOUT_MS }, (_name, start) => {
  function startTracked(env: Env): RunningService {
    const service = start({ SHUTDOWN_DELAY_MS: '0', APP_SECRET: SECRET, ...env });
    cleanUps.push(() => stopService(service));
    return service;
  }

  async function startReady(env: Env = {}): Promise<{ service: RunningService; origin: string }> {
    const service = startTracked(env);
    const { port } = await service.logged('listening');
    await service.logged('ready');
    return { service, origin: `http://127.0.0.1:${port}` };
  }

  it('tells who it is, from the environment and from the metadata endpoint', async () => {
    const digest = `sha256:${'ab'.repeat(32)}`;
    const metadata = createServer((_request, response) => {
      const Containers = [{ Image: `repository/app@${digest}` }];
      const Limits = { CPU: 0.25, Memory: 512 };
      const document = {
        TaskARN: 'arn:aws:ecs:r:1:task/c/42',
        AvailabilityZone: 'us-east-1c',
        Limits,
        Containers,
      };
      response.end(JSON.stringify(document));
    });
    await new Promise<void>((resolve) => metadata.listen(0, '127.0.0.1', resolve));
    cleanUps.push(async () => metadata.close());
    const { origin } = await startReady({
      ENVIRONMENT: 'qa',
      GREETING: 'Good day',
      ECS_CONTAINER_METADATA_URI_V4: `http://127.0.0.1:${(metadata.address() as AddressInfo).port}/v4/42`,
    });
    expect(await (await fetch(origin)).json()).toMatchObject({
      greeting: 'Good day',
      application: expect.any(String),
      version: expect.any(String),
      environment: 'qa',
      release: 'abababababab',
      imageDigest: digest,
      task: '42',
      zone: 'us-east-1c',
      secretPresent: true,
      phase: 'ready',
      uptimeSeconds: expect.any(Number),
    });
    const metrics = await (await fetch(`${origin}/metrics`)).text();
    expect(metrics).toMatch(/^app_memory_limit_bytes (536870912|5\.36870912e\+08)$/m);
    expect(await (await fetch(`${origin}/version`)).json()).toMatchObject({
      environment: 'qa',
      release: 'abababababab',
      imageDigest: digest,
    });
  });

  it('is alive and ready, and counts what it answers', async () => {
    const { origin } = await startReady();
    expect((await fetch(`${origin}/healthz`)).status).toBe(200);
    expect((await fetch(`${origin}/readyz`)).status).toBe(200);
    await fetch(`${origin}/version`);
    await fetch(`${origin}/cache/missing`);
    const metrics = await (await fetch(`${origin}/metrics`)).text();
    expect(metrics).toMatch(/^http_requests_total\{method="GET",route="\/version",status="200"\} 1(\.0)?$/m);
    expect(metrics).toMatch(/^http_request_duration_seconds_bucket\{.*route="\/version".*\} 1(\.0)?$/m);
    expect(metrics).toMatch(/^app_cache_requests_total\{result="miss"\} 1(\.0)?$/m);
    expect(metrics).toMatch(/^app_cache_mode\{mode="memory"\} 1(\.0)?$/m);
    expect(metrics).toMatch(/^app_ready 1(\.0)?$/m);
    expect(metrics).toMatch(/^app_build_info\{.*environment="local".*\} 1(\.0)?$/m);
    expect(metrics).toMatch(/^process_resident_memory_bytes \d/m);
  });

  it('answers while others are connected and say nothing', async () => {
    const { service, origin } = await startReady();
    const { port } = await service.logged('listening');
    const silent = Array.from({ length: SILENT_CONNECTIONS }, () => connect(Number(port), '127.0.0.1'));
    cleanUps.push(async () => {
      for (const socket of silent) socket.destroy();
    });
    await Promise.all(silent.map((socket) => once(socket, 'connect')));
    const answer = await fetch(`${origin}/readyz`, { signal: AbortSignal.timeout(PROBE_TIMEOUT_MS) });
    expect(answer.status).toBe(200);
  });

  it('keeps values in its cache for as long as they are to live', async () => {
    const { origin } = await startReady();
    const put = await fetch(`${origin}/cache/a?ttl=1`, { method: 'PUT', body: 'höhe', headers: TEXT });
    expect(await put.json()).toEqual({ key: 'a', bytes: 5, ttlSeconds: 1, store: 'memory' });
    const got = await fetch(`${origin}/cache/a`);
    expect(await got.text()).toBe('höhe');
    expect(got.headers.get('content-type')).toMatch(/^text\/plain/);
    expect(got.headers.get('x-cache')).toBe('memory');
    await sleep(1_200);
    expect((await fetch(`${origin}/cache/a`)).status).toBe(404);
    await fetch(`${origin}/cache/b`, { method: 'PUT', body: 'x', headers: TEXT });
    expect((await fetch(`${origin}/cache/b`, { method: 'DELETE' })).status).toBe(204);
    expect((await fetch(`${origin}/cache/b`)).status).toBe(404);
  });

  it('goes on without Redis, and tells it on its return what changed', async () => {
    const port = await freePort();
    const redis = startRedis(port);
    cleanUps.push(() => endProcess(redis));
    const { origin, service } = await startReady({
      REDIS_URL: `redis://:${REDIS_PASSWORD}@127.0.0.1:${port}`,
    });
    const put = async (value: string): Promise<string> => {
      const answer = await fetch(`${origin}/cache/k`, { method: 'PUT', body: value, headers: TEXT });
      expect(answer.status).toBe(200);
      return ((await answer.json()) as { store: string }).store;
    };
    const untilStore = async (store: string, value: string): Promise<void> => {
      const deadline = Date.now() + TURN_TIMEOUT_MS;
      while ((await put(value)) !== store) {
        if (Date.now() > deadline) throw new Error(`the cache did not turn to "${store}"`);
        await sleep(POLL_MS);
      }
    };
    await untilStore('redis', 'one');
    await endProcess(redis);
    await untilStore('degraded', 'two');
    expect(await (await fetch(`${origin}/cache/k`)).text()).toBe('two');
    expect((await fetch(`${origin}/readyz`)).status).toBe(200);
    expect(await (await fetch(`${origin}/metrics`)).text()).toMatch(/app_cache_mode\{mode="degraded"\} 1/);
    const again = startRedis(port);
    cleanUps.push(() => endProcess(again));
    const deadline = Date.now() + TURN_TIMEOUT_MS;
    for (let store = ''; store !== 'redis'; await sleep(POLL_MS)) {
      if (Date.now() > deadline) throw new Error('the cache did not return to Redis');
      const got = await fetch(`${origin}/cache/k`);
      expect(await got.text()).toBe('two');
      store = got.headers.get('x-cache') ?? '';
    }
    expect(JSON.stringify(service.lines)).not.toContain(REDIS_PASSWORD);
  });

  it('signs tokens with its secret, and takes those of the secret before', async () => {
    const issue = async (origin: string): Promise<string> => {
      const answer = await fetch(`${origin}/token`, {
        method: 'POST',
        body: '{"subject":"ann","ttlSeconds":60}',
        headers: { 'content-type': 'application/json' },
      });
      return ((await answer.json()) as { token: string }).token;
    };
    const validate = (origin: string, token: string): Promise<Response> =>
      fetch(`${origin}/token/validate`, { headers: { authorization: `Bearer ${token}` } });
    const before = await startReady({ APP_SECRET: 'the-old-one' });
    const token = await issue(before.origin);
    expect(await (await validate(before.origin, token)).json()).toMatchObject({
      valid: true,
      subject: 'ann',
    });
    const { origin } = await startReady({ APP_SECRET_PREVIOUS: 'the-old-one' });
    expect((await validate(origin, token)).status).toBe(200);
    const other = await startReady({ APP_SECRET: 'another-one' });
    for (const bad of [token, `${token}x`, 'a.b.c']) {
      expect((await validate(other.origin, bad)).status).toBe(401);
    }
    const none = await startReady({ APP_SECRET: '' });
    expect((await fetch(`${none.origin}/token`, { method: 'POST' })).status).toBe(503);
    // The keys are derived in the same way: a token of one service is good in the other.
    const twin = startFlaskService({ APP_SECRET: 'the-old-one', SHUTDOWN_DELAY_MS: '0' });
    cleanUps.push(() => stopService(twin));
    const twinOrigin = `http://127.0.0.1:${(await twin.logged('listening')).port}`;
    await twin.logged('ready');
    expect((await validate(twinOrigin, token)).status).toBe(200);
  });

  it('publishes its variables, and no secret in any answer or line', async () => {
    const { origin, service } = await startReady({ GREETING: 'Hi', SOMETHING_ELSE: 'private' });
    const env = (await (await fetch(`${origin}/env`)).json()) as Record<string, string>;
    expect(env).toMatchObject({ GREETING: 'Hi', APP_SECRET: '(set)', HOST: '127.0.0.1' });
    expect(env).not.toHaveProperty('SOMETHING_ELSE');
    await fetch(`${origin}/version?x=${SECRET}`, { headers: { 'x-request-id': SECRET } });
    await sleep(POLL_MS);
    expect(JSON.stringify([env, service.lines])).not.toContain(SECRET);
  });

  describe('what is wrong', () => {
    let service: RunningService;
    let origin = '';
    beforeAll(async () => {
      service = start({ SHUTDOWN_DELAY_MS: '0', APP_SECRET: SECRET });
      origin = `http://127.0.0.1:${(await service.logged('listening')).port}`;
      await service.logged('ready');
    });
    afterAll(() => stopService(service));

    it.each([
      ['an unknown path', 404, '/nope', {}],
      ['a method that the path does not take', 405, '/version', { method: 'POST' }],
      ['a key out of range', 400, '/cache/a%20b', {}],
      ['a time to live out of range', 400, '/cache/a?ttl=0', { method: 'PUT', body: 'x', headers: TEXT }],
      [
        'another media type',
        415,
        '/cache/a',
        { method: 'PUT', body: 'x', headers: { 'content-type': 'text/html' } },
      ],
      [
        'a body that is too large',
        413,
        '/cache/a',
        { method: 'PUT', body: 'x'.repeat(65_537), headers: TEXT },
      ],
      [
        'a body that is not JSON',
        400,
        '/token',
        { method: 'POST', body: '{', headers: { 'content-type': 'application/json' } },
      ],
      [
        'a field out of range',
        422,
        '/token',
        { method: 'POST', body: '{"ttlSeconds":0}', headers: { 'content-type': 'application/json' } },
      ],
      ['no token', 401, '/token/validate', {}],
    ] as const)('answers %s with %i as a problem document', async (_what, status, path, init) => {
      const answer = await fetch(`${origin}${path}`, init);
      expect(answer.status).toBe(status);
      expect(answer.headers.get('content-type')).toBe('application/problem+json');
      expect(await answer.json()).toMatchObject({
        type: 'about:blank',
        title: expect.any(String),
        status,
        detail: expect.any(String),
      });
      if (status === 405) expect(answer.headers.get('allow')).toMatch(/\bGET\b/);
      if (status === 401) expect(answer.headers.get('www-authenticate')).toMatch(/^Bearer/);
    });
  });

  it('logs each request as a JSON object with its ids, and probes not at all', async () => {
    const { origin, service } = await startReady();
    const trace = 'ab'.repeat(16);
    const answer = await fetch(`${origin}/version`, {
      headers: { 'x-request-id': 'request-1', traceparent: `00-${trace}-${'cd'.repeat(8)}-01` },
    });
    expect(answer.headers.get('x-request-id')).toBe('request-1');
    await fetch(`${origin}/healthz`);
    await fetch(`${origin}/nope`);
    const requests = () => service.lines.filter(({ msg }) => msg === 'request');
    const deadline = Date.now() + TURN_TIMEOUT_MS;
    while (requests().length < 2 && Date.now() < deadline) await sleep(POLL_MS);
    expect(requests()).toMatchObject([
      { level: 'info', method: 'GET', path: '/version', status: 200, requestId: 'request-1', traceId: trace },
      { path: '/nope', status: 404, requestId: expect.stringMatching(/^[\w-]{16,}$/) },
    ]);
    expect(requests()[0]?.time).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);
  });

  it('describes every route that it has', async () => {
    const { origin } = await startReady();
    const { paths } = (await (await fetch(`${origin}/openapi.json`)).json()) as {
      paths: Record<string, Record<string, { responses: Record<string, unknown> }>>;
    };
    for (const path of ['/', '/healthz', '/readyz', '/version', '/metrics', '/env', '/openapi.json']) {
      expect(Object.keys(paths)).toContain(path);
    }
    for (const [path, operations] of Object.entries(paths)) {
      for (const [method, { responses }] of Object.entries(operations)) {
        const answer = await fetch(origin + path.replace('{key}', 'some-key'), { method });
        await answer.arrayBuffer();
        expect(Object.keys(responses), `${method} ${path}`).toContain(String(answer.status));
      }
    }
  });

  it('names every variable that it can not use, and exits 78', async () => {
    const service = startTracked({ PORT: 'abc', LOG_LEVEL: 'loud' });
    expect(await service.exited).toEqual({ code: 78, signal: null });
    expect(service.lines).toMatchObject([
      { level: 'error', msg: expect.stringContaining('LOG_LEVEL="loud"') },
      { level: 'error', msg: expect.stringContaining('PORT="abc"') },
    ]);
  });

  it('loses no request when it is told to stop under load', async () => {
    const { service, origin } = await startReady({ SHUTDOWN_DELAY_MS: String(SHUTDOWN_DELAY_MS) });
    const failures: string[] = [];
    const answered = { kept: 0, closing: 0 };
    let wanted = true;
    const worker = async (): Promise<void> => {
      const agent = new Agent({ keepAlive: true, maxSockets: 1 });
      while (wanted) {
        await ask(`${origin}/version`, agent).then(
          ({ status, closing }) => {
            if (status !== 200) failures.push(`status ${status}`);
            answered[closing ? 'closing' : 'kept'] += 1;
          },
          (error: unknown) => failures.push(String(error)),
        );
        await sleep(LOAD_PAUSE_MS);
      }
      agent.destroy();
    };
    const workers = Array.from({ length: LOAD_CONNECTIONS }, worker);
    await sleep(300);
    service.process.kill('SIGTERM');
    const deadline = Date.now() + SHUTDOWN_DELAY_MS;
    while ((await ask(`${origin}/readyz`, false)).status !== 503) {
      if (Date.now() > deadline) throw new Error('readiness did not fail');
      await sleep(POLL_MS);
    }
    await sleep(LAST_LOAD_MS);
    wanted = false;
    await Promise.all(workers);
    expect(await service.exited).toEqual({ code: 0, signal: null });
    expect(failures).toEqual([]);
    expect(answered.kept).toBeGreaterThan(LOAD_CONNECTIONS);
    expect(answered.closing).toBeGreaterThan(LOAD_CONNECTIONS);
  });
});

/** gunicorn ends its worker itself; killed, it could not. */
async function stopService(service: RunningService): Promise<void> {
  const late = setTimeout(() => service.process.kill('SIGKILL'), TURN_TIMEOUT_MS);
  service.process.kill('SIGTERM');
  await service.exited;
  clearTimeout(late);
}

function ask(url: string, agent: Agent | false): Promise<{ status: number; closing: boolean }> {
  return new Promise((resolve, reject) => {
    get(url, { agent }, (response) => {
      const { statusCode = 0, headers } = response;
      text(response).then(
        () => resolve({ status: statusCode, closing: headers.connection === 'close' }),
        reject,
      );
    }).on('error', reject);
  });
}
