import { describe, expect, it } from 'vitest';
import { bodyOf, testRequest, testService } from '../test-service.ts';
import { createRoutes } from './all-routes.ts';

const routes = createRoutes({ faults: true });

function find(path: string, method = 'GET') {
  const route = routes.find((candidate) => candidate.path === path && (candidate.method ?? 'GET') === method);
  if (route === undefined) throw new Error(`no route ${method} ${path}`);
  return route;
}

const service = testService({ APP_SECRET: 'hunter2-hunter2' });

async function ask(path: string, method = 'GET', parts: Parameters<typeof testRequest>[0] = {}) {
  const response = await find(path, method).handle(testRequest(parts), service);
  return { status: response.status, headers: response.headers, body: bodyOf(response) };
}

describe('/openapi.json', () => {
  it('describes every route that there is, and none that there is not', async () => {
    const { paths } = JSON.parse((await ask('/openapi.json')).body) as { paths: Record<string, object> };
    const described = Object.entries(paths).flatMap(([path, operations]) =>
      Object.keys(operations).map((method) => `${method.toUpperCase()} ${path}`),
    );
    expect(described.sort()).toEqual(routes.map(({ method = 'GET', path }) => `${method} ${path}`).sort());
  });

  it('names a path parameter for each path that has one, and a body where one is taken', () => {
    for (const { path, doc, takes } of routes) {
      const name = /\{(.*)\}/.exec(path)?.[1];
      const inPath = (doc?.parameters ?? []).filter((parameter) => parameter.in === 'path');
      expect(
        inPath.map((parameter) => parameter.name),
        path,
      ).toEqual(name === undefined ? [] : [name]);
      const content = Object.keys((doc?.requestBody?.content ?? {}) as object).sort();
      expect(content, path).toEqual([...(takes ?? [])].sort());
    }
  });

  it('has no faults where they are off', () => {
    expect(createRoutes({ faults: false }).filter(({ path }) => path.startsWith('/faults'))).toEqual([]);
  });
});

describe('/cache/{key}', () => {
  it('gives back what was put, until it is deleted', async () => {
    const put = { parameter: 'a', query: 'ttl=60', contentType: 'text/plain', body: Buffer.from('x') };
    expect(JSON.parse((await ask('/cache/{key}', 'PUT', put)).body)).toEqual({
      key: 'a',
      bytes: 1,
      ttlSeconds: 60,
      store: 'memory',
    });
    expect(await ask('/cache/{key}', 'GET', { parameter: 'a' })).toMatchObject({
      status: 200,
      body: 'x',
      headers: { 'content-type': 'text/plain', 'x-cache': 'memory' },
    });
    expect((await ask('/cache/{key}', 'DELETE', { parameter: 'a' })).status).toBe(204);
    expect((await ask('/cache/{key}', 'GET', { parameter: 'a' })).status).toBe(404);
  });

  it.each(['', 'a/b', '%00', 'x'.repeat(129), 'ä', '..%2f'])('refuses the key %j', async (parameter) => {
    for (const method of ['GET', 'PUT', 'DELETE']) {
      expect((await ask('/cache/{key}', method, { parameter })).status).toBe(400);
    }
  });

  it.each(['ttl=0', 'ttl=86401', 'ttl=abc', 'ttl=1e3', 'ttl=-1', 'ttl='])('refuses %s', async (query) => {
    expect((await ask('/cache/{key}', 'PUT', { parameter: 'a', query })).status).toBe(400);
  });

  it('refuses JSON that is none', async () => {
    const parts = { parameter: 'a', contentType: 'application/json', body: Buffer.from('{') };
    expect((await ask('/cache/{key}', 'PUT', parts)).status).toBe(400);
  });
});

describe('/token', () => {
  it('issues what /token/validate accepts', async () => {
    const { body } = await ask('/token', 'POST', {
      body: Buffer.from('{"subject":"alice","ttlSeconds":60}'),
    });
    const authorization = `Bearer ${JSON.parse(body).token}`;
    const verdict = await ask('/token/validate', 'GET', { authorization });
    expect([verdict.status, JSON.parse(verdict.body)]).toMatchObject([
      200,
      { valid: true, subject: 'alice' },
    ]);
  });

  it.each([
    ['{"subject":"a b"}', 422],
    ['{"ttlSeconds":3601}', 422],
    ['{"admin":true}', 400],
    ['nonsense', 400],
  ])('refuses %s with %i', async (body, status) => {
    expect((await ask('/token', 'POST', { body: Buffer.from(body) })).status).toBe(status);
  });

  it.each([undefined, 'Basic eA==', 'Bearer', 'Bearer a b', 'Bearer x.y.z'])(
    'rejects %j',
    async (authorization) => {
      const answer = await ask('/token/validate', 'GET', { authorization });
      expect([answer.status, answer.headers['www-authenticate']]).toEqual([
        401,
        expect.stringMatching(/^Bearer/),
      ]);
    },
  );

  it('says that there is no secret', async () => {
    const response = await find('/token', 'POST').handle(testRequest(), testService());
    expect(response.status).toBe(503);
  });
});

describe('/status', () => {
  it('is of this task', async () => {
    expect(JSON.parse((await ask('/status')).body)).toMatchObject({
      environment: 'local',
      zone: 'us-east-1b',
      ready: true,
      cache: { mode: 'memory' },
      faults: [],
    });
  });
});

describe('/faults', () => {
  it('is a 404 where faults are off', async () => {
    for (const [path, method] of [
      ['/faults', 'GET'],
      ['/faults', 'DELETE'],
      ['/faults/{kind}', 'PUT'],
    ] as const) {
      expect((await ask(path, method, { parameter: 'delay' })).status).toBe(404);
    }
  });
});
