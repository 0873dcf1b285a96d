import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { describe, expect, it } from 'vitest';
import {
  decideContainer,
  decideContainerEnvironment,
  decideContainerExit,
  decideStartMessage,
} from './docker-container.ts';
import { FrameSplitter } from './docker-frames.ts';
import { parseSample } from './docker-task.ts';
import { specOf } from './driver-fixture.ts';
import { decideAddresses, findDockerEngine } from './find-docker-engine.ts';
import { startGatewayRelay } from './gateway-relay.ts';

const gateway = { outside: 'http://127.0.0.1:4700', inside: 'http://172.18.0.1:9' };

describe('decideAddresses', () => {
  it('takes the choice of the user and nothing else', () => {
    expect(decideAddresses({ DOCKER_HOST: 'unix:///x.sock' }, '/home/u', 'unix:///y.sock')).toEqual([
      'unix:///x.sock',
    ]);
  });
  it('else the context, then the usual places', () => {
    expect(decideAddresses({ XDG_RUNTIME_DIR: '/run/user/1' }, '/home/u', 'unix:///c.sock')).toEqual([
      'unix:///c.sock',
      'unix:///var/run/docker.sock',
      'unix:///run/user/1/docker.sock',
      'unix:///run/user/1/podman/podman.sock',
      'unix:///home/u/.docker/run/docker.sock',
      'unix:///run/podman/podman.sock',
    ]);
  });
});

it.each([
  ['unix:///no/such.sock', /ENOENT/],
  ['tcp://10.0.0.1:2375', /only unix:\/\/ sockets/],
])('no engine at %s: says where it looked and what to do', async (address, why) => {
  await expect(findDockerEngine({ DOCKER_HOST: address })).rejects.toMatchObject({
    code: 'NO_CONTAINER_ENGINE',
    message: expect.stringMatching(why),
    hint: expect.stringContaining('--driver docker'),
  });
});

it('decideContainer: the task definition as the engine takes it', () => {
  const spec = specOf('i', {
    cpuUnits: 512,
    memoryMb: 1024,
    containerPort: 5000,
    command: ['a'],
    entryPoint: [],
  });
  const place = { address: '127.2.1.9', port: 5000, network: 'n', gateway, state: 's' };
  expect(decideContainer(spec, 'sha256:1', place)).toMatchObject({
    Image: 'sha256:1',
    Cmd: ['a'],
    HostConfig: {
      NanoCpus: 5e8,
      Memory: 1073741824,
      MemorySwap: 1073741824,
      NetworkMode: 'n',
      PortBindings: { '5000/tcp': [{ HostIp: '127.2.1.9', HostPort: '5000' }] },
    },
  });
  expect(decideContainer(spec, 'sha256:1', place)).not.toHaveProperty('Entrypoint');
});

it('decideContainerEnvironment: no HOST, and the gateway by its inner address', () => {
  const variables = { HOST: '127.2.1.9', A: 'b=c', URI: 'http://127.0.0.1:4700/v4/t' };
  expect(decideContainerEnvironment(variables, gateway)).toEqual(['A=b=c', 'URI=http://172.18.0.1:9/v4/t']);
});

it.each([
  [
    { ExitCode: 0, OOMKilled: false },
    { exitCode: 0, signal: undefined, reason: undefined },
  ],
  [{ ExitCode: 143 }, { exitCode: 143, signal: 'SIGTERM', reason: undefined }],
  [
    { ExitCode: 137, OOMKilled: true },
    { exitCode: 137, signal: 'SIGKILL', reason: 'OutOfMemoryError: Container killed due to memory usage' },
  ],
])('decideContainerExit(%j)', (state, exit) => {
  expect(decideContainerExit(state)).toEqual(exit);
});

it('decideStartMessage: an image without a base gets a hint', () => {
  expect(decideStartMessage('exec: "node": executable file not found in $PATH')).toContain('--driver docker');
  expect(decideStartMessage('port is already allocated')).toBe('port is already allocated');
});

it('FrameSplitter puts frames together from any chunks', () => {
  const frame = (stream: number, text: string) => {
    const head = Buffer.alloc(8);
    head[0] = stream;
    head.writeUInt32BE(text.length, 4);
    return Buffer.concat([head, Buffer.from(text)]);
  };
  const all = Buffer.concat([frame(1, 'out\n'), frame(2, 'error\n'), frame(1, ''), frame(1, 'more\n')]);
  for (let size = 1; size <= all.length; size += 1) {
    const splitter = new FrameSplitter();
    const texts = { out: '', error: '' };
    for (let at = 0; at < all.length; at += size) {
      for (const { stderr, bytes } of splitter.push(all.subarray(at, at + size))) {
        texts[stderr ? 'error' : 'out'] += bytes.toString();
      }
    }
    expect(texts).toEqual({ out: 'out\nmore\n', error: 'error\n' });
  }
});

it('parseSample: CPU and memory without the page cache; nothing from a container that has ended', () => {
  const line = {
    cpu_stats: { cpu_usage: { total_usage: 5e9 } },
    memory_stats: { usage: 3 * 1048576, stats: { total_inactive_file: 1048576 } },
  };
  expect(parseSample(JSON.stringify(line), 7)).toEqual({ atMs: 7, cpuNano: 5e9, memoryMb: 2 });
  expect(parseSample('{"cpu_stats":{"cpu_usage":{"total_usage":0}},"memory_stats":{}}', 7)).toBeUndefined();
  expect(parseSample('{', 7)).toBeUndefined();
});

it.runIf(process.platform === 'linux')(
  'the relay passes requests on under the name of the gateway',
  async () => {
    const server = createServer((request, response) => {
      request.setEncoding('utf8').once('data', (body) => {
        response.writeHead(201, { 'X-Said': `${request.headers.host} ${request.url}` }).end(body);
      });
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const host = `127.0.0.1:${(server.address() as AddressInfo).port}`;
    const relay = await startGatewayRelay('127.0.0.2', () => `http://${host}`);
    const answer = await fetch(`${relay.endpoint}/v4/x?y=1`, { method: 'POST', body: 'hello' });
    expect([answer.status, answer.headers.get('x-said'), await answer.text()]).toEqual([
      201,
      `${host} /v4/x?y=1`,
      'hello',
    ]);
    server.closeAllConnections();
    server.close();
    await expect(fetch(`${relay.endpoint}/gone`)).rejects.toThrow();
    await relay.close();
  },
);
