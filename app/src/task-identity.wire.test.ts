import { createServer } from 'node:http';
import { afterEach, describe, expect, it } from 'vitest';
import { listen } from './listen.ts';
import { loadTaskIdentity, UNKNOWN_IDENTITY } from './task-identity.ts';

const DIGEST = `sha256:${'ab'.repeat(32)}`;
const METADATA = JSON.stringify({
  TaskARN: 'arn:aws:ecs:us-east-1:123456789012:task/devops-app-qa-ecs-cluster/0f1e',
  AvailabilityZone: 'us-east-1c',
  Containers: [{ ImageID: DIGEST }],
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
    const uri = await metadataServer({ status: 200, body: METADATA });
    const { identity, problem } = await loadTaskIdentity(uri);
    expect(problem).toBeUndefined();
    expect(identity).toMatchObject({ taskId: '0f1e', zone: 'us-east-1c', imageDigest: DIGEST });
  });

  it('asks nothing outside ECS', async () => {
    const never = (): never => {
      throw new Error('fetch must not be called');
    };
    expect(await loadTaskIdentity(undefined, never)).toEqual({
      identity: UNKNOWN_IDENTITY,
      problem: undefined,
    });
  });

  it('goes on without an identity when the endpoint fails', async () => {
    const uri = await metadataServer({ status: 500, body: 'no' });
    expect(await loadTaskIdentity(uri)).toEqual({
      identity: UNKNOWN_IDENTITY,
      problem: `${uri}/task answered 500`,
    });
  });

  it('goes on when the answer is not JSON', async () => {
    const { identity, problem } = await loadTaskIdentity(
      await metadataServer({ status: 200, body: '<html>' }),
    );
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
