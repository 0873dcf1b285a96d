/** The gateway in front of something that is not moto: what is passed on, and what happens when nothing is there. */
import { createServer, request as httpRequest, type IncomingMessage, type Server } from 'node:http';
import { afterEach, expect, test } from 'vitest';
import type { Overlay } from '../contract.ts';
import { type Gateway, type GatewayParts, startGateway } from './gateway-server.ts';
import { listenOnPort } from './listen-on-port.ts';
import { createMotoClient, type MotoClient } from './moto-client.ts';

const closing: (() => Promise<void> | void)[] = [];

afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
});

async function startGatewayFor(baseUrl: string, parts: Partial<GatewayParts> = {}): Promise<Gateway> {
  const moto: MotoClient = createMotoClient(baseUrl);
  const gateway = await startGateway({
    port: 0,
    region: 'us-east-1',
    accountId: '123456789012',
    log: () => undefined,
  });
  closing.push(
    () => moto.close(),
    () => gateway.close(),
  );
  const none = {
    overlays: [],
    routes: [],
    regionalServices: new Set<string>(),
    motoFailure: () => undefined,
  };
  gateway.open({ ...none, moto, ...parts });
  return gateway;
}

async function startUpstream(
  answer: (request: IncomingMessage, body: string) => [number, string, string],
): Promise<string> {
  const server: Server = createServer((request, response) => {
    let body = '';
    request.on('data', (chunk: Buffer) => {
      body += chunk.toString();
    });
    request.on('end', () => {
      const [status, contentType, text] = answer(request, body);
      response.writeHead(status, {
        'content-type': contentType,
        'x-amzn-requestid': 'r-1',
        connection: 'close',
      });
      response.end(text);
    });
  });
  const port = await listenOnPort(server, 0);
  closing.push(() => {
    server.close();
  });
  return `http://127.0.0.1:${port}`;
}

const signed = (service: string) => ({
  authorization: `AWS4-HMAC-SHA256 Credential=t/20260101/us-east-1/${service}/aws4_request, SignedHeaders=host, Signature=0`,
});

function call(
  gateway: Gateway,
  path: string,
  headers: Record<string, string>,
  body: string,
): Promise<{ status: number; headers: IncomingMessage['headers']; body: string }> {
  return new Promise((resolve, reject) => {
    const sent = httpRequest(`${gateway.endpoint}${path}`, { method: 'POST', headers }, (response) => {
      let text = '';
      response.on('data', (chunk: Buffer) => {
        text += chunk.toString();
      });
      response.on('end', () =>
        resolve({ status: response.statusCode ?? 0, headers: response.headers, body: text }),
      );
    });
    sent.on('error', reject);
    // A string would pull the headers into its own encoding.
    sent.end(Buffer.from(body));
  });
}

test('a dead control plane is an error that SDKs do not retry', async () => {
  const gateway = await startGatewayFor('http://127.0.0.1:1', {
    motoFailure: () => 'moto: it was ended by SIGKILL',
  });
  for (const service of ['ssm', 's3']) {
    const answer = await call(
      gateway,
      '/',
      { ...signed(service), 'x-amz-target': 'AmazonSSM.GetParameter' },
      '{}',
    );
    expect(answer.status).toBe(400);
    expect(answer.body).toContain('EmbeddedControlPlaneUnavailable');
    expect(answer.body).toContain('ended by SIGKILL');
  }
});

test('requests wait with 503 until the gateway is open', async () => {
  const gateway = await startGateway({ port: 0, region: 'us-east-1', accountId: '1', log: () => undefined });
  closing.push(() => gateway.close());
  expect((await fetch(gateway.endpoint)).status).toBe(503);
});

test('path, query, host, headers and body arrive unchanged, and so does the answer', async () => {
  const seen: string[] = [];
  const upstream = await startUpstream((request, body) => {
    seen.push(
      request.method ?? '',
      request.url ?? '',
      request.headers.host ?? '',
      String(request.headers['x-amz-meta-a']),
      body,
    );
    return [418, 'application/x-custom', 'answer'];
  });
  const gateway = await startGatewayFor(upstream);
  const headers = { ...signed('s3'), host: 'localhost:4700', 'x-amz-meta-a': 'ä' };
  const answer = await call(gateway, '/bucket/a%20b%2Fc?list-type=2&x=%26', headers, 'body');
  expect(seen).toEqual(['POST', '/bucket/a%20b%2Fc?list-type=2&x=%26', 'localhost:4700', 'ä', 'body']);
  expect([answer.status, answer.body]).toEqual([418, 'answer']);
  expect(answer.headers).toMatchObject({ 'content-type': 'application/x-custom', 'x-amzn-requestid': 'r-1' });
  const expecting = await call(gateway, '/b', { ...signed('s3'), expect: '100-continue' }, 'later');
  expect([expecting.status, seen.at(-1)]).toEqual([418, 'later']);
});

test('overlays are asked in order; a changed body goes on with its own length; their failures are AWS errors', async () => {
  const upstream = await startUpstream((request, body) => [
    200,
    'text/plain',
    `${request.headers['content-length']} ${body}`,
  ]);
  const overlay = (handle: Overlay['handle']): Overlay => ({ service: 'ecs', handle });
  const gateway = await startGatewayFor(upstream, {
    regionalServices: new Set(['ecs']),
    overlays: [
      overlay(async () => undefined),
      overlay(async (request, forward) => {
        if (request.action === 'Fail') throw new Error('a defect');
        return forward({ body: Buffer.from(`${request.body.toString()} and more`) });
      }),
      overlay(async () => ({ status: 500, headers: {}, body: 'never reached' })),
    ],
  });
  const headers = (action: string) => ({
    ...signed('ecs'),
    'x-amz-target': `X.${action}`,
    'content-type': 'application/x-amz-json-1.1',
  });
  expect((await call(gateway, '/', headers('Do'), '{}')).body).toBe('11 {} and more');
  const failed = await call(gateway, '/', headers('Fail'), '{}');
  expect([failed.status, JSON.parse(failed.body)]).toEqual([
    400,
    expect.objectContaining({ __type: 'InternalFailure', message: expect.stringContaining('a defect') }),
  ]);
  const elsewhere = {
    ...headers('Do'),
    authorization: headers('Do').authorization.replace('us-east-1', 'eu-west-1'),
  };
  expect((await call(gateway, '/', elsewhere, '{}')).body).toContain('--region eu-west-1');
});
