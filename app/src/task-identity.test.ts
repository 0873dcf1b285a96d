import { createServer } from 'node:http';
import { afterEach, describe, expect, it } from 'vitest';
import { listen } from './listen.ts';
import { loadTaskIdentity, parseTaskMetadata, shortDigest, UNKNOWN_IDENTITY } from './task-identity.ts';

const DIGEST = `sha256:${'ab'.repeat(32)}`;
const OTHER_DIGEST = `sha256:${'cd'.repeat(32)}`;
const URI = 'http://169.254.170.2/v4/0f1e-1234567890';
const ARN = 'arn:aws:ecs:us-east-1:123456789012:task/devops-app-qa-ecs-cluster/0f1e';

function metadata(containers: readonly object[]): object {
  return {
    Cluster: 'devops-app-qa-ecs-cluster',
    TaskARN: ARN,
    AvailabilityZone: 'us-east-1c',
    Containers: containers,
  };
}

describe('parseTaskMetadata', () => {
  it('reads task, zone and image', () => {
    const container = { DockerId: '0f1e-1234567890', Type: 'NORMAL', Image: 'repo/app:latest', ImageID: DIGEST };
    expect(parseTaskMetadata(metadata([container]), URI)).toEqual({
      taskArn: ARN,
      taskId: '0f1e',
      zone: 'us-east-1c',
      imageDigest: DIGEST,
    });
  });

  it('prefers the digest that the image was asked for by', () => {
    const container = { Image: `repo/app@${DIGEST}`, ImageID: OTHER_DIGEST };
    expect(parseTaskMetadata(metadata([container]), URI).imageDigest).toBe(DIGEST);
  });

  it('picks its own container among several', () => {
    const sidecar = { DockerId: 'x', Type: 'NORMAL', ImageID: OTHER_DIGEST };
    const own = { DockerId: '0f1e-1234567890', Type: 'NORMAL', ImageID: DIGEST };
    expect(parseTaskMetadata(metadata([sidecar, own]), URI).imageDigest).toBe(DIGEST);
  });

  it('passes over containers that ECS adds', () => {
    const pause = { DockerId: 'p', Type: 'CNI_PAUSE', ImageID: OTHER_DIGEST };
    expect(parseTaskMetadata(metadata([pause, { DockerId: 'q', ImageID: DIGEST }]), URI).imageDigest).toBe(DIGEST);
  });

  it.each([[null], ['text'], [[]], [{}], [{ TaskARN: 7, Containers: 'none' }], [{ Containers: [null, 3] }]])(
    'knows nothing from %j',
    (document) => {
      expect(parseTaskMetadata(document, URI)).toEqual(UNKNOWN_IDENTITY);
    },
  );
});

describe('shortDigest', () => {
  it('is the first twelve digits', () => {
    expect(shortDigest(DIGEST)).toBe('abababababab');
    expect(shortDigest(undefined)).toBeUndefined();
  });
});

describe('loadTaskIdentity', () => {
  const closers: (() => void)[] = [];
  afterEach(() => {
    for (const close of closers.splice(0)) close();
  });

  async function metadataServer(answer: { status: number; body: string } | 'silence'): Promise<string> {
    const server = createServer((request, response) => {
      if (answer === 'silence') return;
      response.writeHead(request.url === '/v4/abc/task' ? answer.status : 404).end(answer.body);
    });
    closers.push(() => {
      server.close();
      server.closeAllConnections();
    });
    const { port } = await listen(server, '127.0.0.1', 0);
    return `http://127.0.0.1:${port}/v4/abc`;
  }

  it('asks the task endpoint', async () => {
    const uri = await metadataServer({ status: 200, body: JSON.stringify(metadata([{ ImageID: DIGEST }])) });
    const { identity, problem } = await loadTaskIdentity(uri);
    expect(problem).toBeUndefined();
    expect(identity).toMatchObject({ taskId: '0f1e', zone: 'us-east-1c', imageDigest: DIGEST });
  });

  it('asks nothing outside ECS', async () => {
    const never = (): never => {
      throw new Error('fetch must not be called');
    };
    expect(await loadTaskIdentity(undefined, never)).toEqual({ identity: UNKNOWN_IDENTITY, problem: undefined });
  });

  it('goes on without an identity when the endpoint fails', async () => {
    const uri = await metadataServer({ status: 500, body: 'no' });
    expect(await loadTaskIdentity(uri)).toEqual({
      identity: UNKNOWN_IDENTITY,
      problem: `${uri}/task answered 500`,
    });
  });

  it('goes on when the answer is not JSON', async () => {
    const { identity, problem } = await loadTaskIdentity(await metadataServer({ status: 200, body: '<html>' }));
    expect(identity).toEqual(UNKNOWN_IDENTITY);
    expect(problem).toContain('JSON');
  });

  it('gives up after the timeout', async () => {
    const { identity, problem } = await loadTaskIdentity(await metadataServer('silence'), fetch, 50);
    expect(identity).toEqual(UNKNOWN_IDENTITY);
    expect(problem).toContain('no answer within 50 ms');
  });

  it('says why the connection failed', async () => {
    const uri = await metadataServer('silence');
    for (const close of closers.splice(0)) close();
    expect((await loadTaskIdentity(uri)).problem).toContain('ECONNREFUSED');
  });
});
