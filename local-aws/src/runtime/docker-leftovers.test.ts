import { existsSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { purge } from '../daemon.ts';
import { createDockerDriver } from './docker-driver.ts';
import { DockerEngine } from './docker-engine.ts';
import { recordEngine, removeLeftContainers, stateValueOf } from './docker-leftovers.ts';
import { clock, MemoryLogSink, until } from './driver-fixture.ts';
import { FixtureImageStore } from './image-fixture.ts';

let folder: string;
let stateDir: string;
let socketPath: string;
let server: Server;
/** Of the engine, by id, with the state that they belong to. */
let containers: Map<string, string>;
let calls: string[];

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'docker-left-'));
  stateDir = join(folder, 'state');
  socketPath = join(folder, 'engine.sock');
  mkdirSync(join(stateDir, 'journal'), { recursive: true });
  containers = new Map([
    ['ours', stateValueOf(stateDir)],
    ['another', 'of another state'],
  ]);
  calls = [];
  server = createServer((request, response) => {
    const url = new URL(request.url ?? '/', 'http://engine');
    calls.push(`${request.method} ${url.pathname}`);
    response.end(JSON.stringify(answer(request.method ?? '', url) ?? {}));
  });
  await new Promise<void>((listening) => server.listen(socketPath, listening));
});
afterEach(async () => {
  await new Promise((closed) => server.close(closed));
  rmSync(folder, { recursive: true, force: true });
});

/** As much of an engine as is asked here. */
function answer(method: string, { pathname, searchParams }: URL): unknown {
  const id = /^\/containers\/(\w+)$/.exec(pathname)?.[1];
  if (method === 'DELETE' && id !== undefined) containers.delete(id);
  if (method === 'GET' && pathname.startsWith('/networks/'))
    return { IPAM: { Config: [{ Gateway: '127.0.0.1' }] } };
  if (pathname !== '/containers/json') return undefined;
  const [label = ''] = (JSON.parse(searchParams.get('filters') ?? '{}') as { label: string[] }).label;
  return [...containers].filter(([, state]) => label.endsWith(`=${state}`)).map(([Id]) => ({ Id }));
}
const record = () => existsSync(join(stateDir, 'docker-engine.json'));

it('a purge ends the containers of a killed run, and no others', async () => {
  recordEngine(stateDir, socketPath);
  expect(await purge(stateDir)).toBe(true);
  expect([...containers.keys()]).toEqual(['another']);
  expect(calls).toContain(`DELETE /networks/towpath-${stateValueOf(stateDir)}`);
  expect(record()).toBe(false);
});

it('asks no engine where none was used', async () => {
  expect(await purge(stateDir)).toBe(true);
  expect([calls, containers.size]).toEqual([[], 2]);
});

it('forgets nothing while the engine does not answer, and says how to go on', async () => {
  recordEngine(stateDir, join(folder, 'gone.sock'));
  await expect(purge(stateDir)).rejects.toMatchObject({
    code: 'LOCAL_CONTAINERS_LEFT',
    message: expect.stringMatching(/left containers in the engine at .*gone\.sock.*ENOENT/),
    hint: expect.stringContaining('start that engine, then try again'),
  });
  expect([existsSync(join(stateDir, 'journal')), record()]).toEqual([true, true]);
});

it('the driver records its engine while it may have containers', async () => {
  const images = new FixtureImageStore(join(folder, 'blobs'));
  const engine = new DockerEngine(socketPath);
  const driver = createDockerDriver({
    ...{ engine, stateDir, images, clock, logs: new MemoryLogSink(), log: () => undefined },
    endpoint: () => 'http://127.0.0.1:9',
  });
  expect(record()).toBe(true);
  await until('it removed what was left', () => !containers.has('ours'));
  await driver.stopAll(0);
  expect(record()).toBe(false);
  expect(await removeLeftContainers(stateDir)).toBe(0);
});
