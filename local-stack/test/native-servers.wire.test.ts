/**
 * The stack with the real programs: Redis for the app, Prometheus on the app, on Redis and on the tasks that the embedded
 * AWS names. What the embedded AWS answers is played here; that it answers so is tested where it is made.
 */
import { chmodSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import { connect } from 'node:net';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Component } from '../src/contract.ts';
import { eventually, RunningStack, SERVER } from './running-stack.ts';

const stack = new RunningStack();
const bin = join(stack.folder, 'bin');

/** Starts as the packages' program does, and answers with the settings that it was given. */
const PLAYED_GRAFANA = `#!${process.execPath}
const { createServer } = require('node:http');
createServer((request, response) => response.end(JSON.stringify({ args: process.argv.slice(2), env: process.env })))
  .listen(Number(process.env.GF_SERVER_HTTP_PORT), process.env.GF_SERVER_HTTP_ADDR);
`;

beforeAll(async () => {
  mkdirSync(bin);
  writeFileSync(join(bin, 'grafana-server'), PLAYED_GRAFANA);
  chmodSync(join(bin, 'grafana-server'), 0o755);
  stack.write('server.mjs', SERVER('app_up 1\n'));
  await stack.start({
    variables: { ...process.env, PATH: `${bin}:${process.env.PATH}` },
    service: { command: [process.execPath, 'server.mjs'] },
  });
});
afterAll(() => stack.remove());

interface Target {
  readonly labels: Readonly<Record<string, string>>;
  readonly health: string;
  readonly lastError: string;
}

async function targets(): Promise<readonly Target[]> {
  const answer = await fetch(`${stack.url('prometheus')}/api/v1/targets?state=active`);
  const { data } = (await answer.json()) as { data: { activeTargets: readonly Target[] } };
  return data.activeTargets;
}

it('has every server at an address of loopback, and says who runs it', () => {
  for (const name of ['redis', 'redis-exporter', 'prometheus', 'grafana'] satisfies Component['name'][]) {
    expect(stack.component(name), name).toMatchObject({
      state: 'running',
      runner: 'native',
      url: expect.stringMatching(/^(?:http|redis):\/\/127\.0\.0\.1:\d+/),
    });
  }
});

it('gives the app the address of Redis', async () => {
  const variables = (await (await fetch(`${stack.url('app')}/env`)).json()) as Record<string, string>;
  expect(variables.REDIS_URL).toBe(stack.url('redis'));
});

it('has Prometheus scrape the app, Redis and itself, with the labels of the dashboards', async () => {
  const up = await eventually(
    targets,
    (found) => found.length === 3 && found.every(({ health }) => health === 'up'),
  );
  expect(up.map(({ labels }) => labels.job).sort()).toEqual(['app', 'prometheus', 'redis']);
  const app = up.find(({ labels }) => labels.job === 'app');
  expect(app?.labels).toMatchObject({ environment: 'local', service: 'shop' });
});

it('starts Grafana with its data source, its dashboards and no login', async () => {
  const { args, env } = (await (await fetch(stack.url('grafana'))).json()) as {
    args: readonly string[];
    env: Readonly<Record<string, string>>;
  };
  expect(args[0]).toBe('--homepath');
  expect(env).toMatchObject({
    PROMETHEUS_URL: stack.url('prometheus'),
    DASHBOARDS_FOLDER: expect.stringMatching(/local-stack\/grafana\/dashboards$/),
    GF_PATHS_PROVISIONING: expect.stringMatching(/local-stack\/grafana\/provisioning$/),
    GF_AUTH_ANONYMOUS_ENABLED: 'true',
  });
});

describe('an embedded AWS that comes later', () => {
  let gateway: Server | undefined;
  const file = join(stack.localAwsDir, 'local.json');
  const tasks = async () => (await targets()).filter(({ labels }) => labels.job === 'tasks');

  afterAll(() => gateway?.close());

  it('has its tasks scraped as soon as it runs, each with its labels', async () => {
    const address = new URL(stack.url('app')).host;
    const labels = {
      environment: 'qa',
      service: 'shop',
      task: '0123456789ab',
      zone: 'us-east-1b',
      release: 'abc',
    };
    gateway = createServer((request, response) => {
      response.statusCode = request.url === '/_local/scrape-targets' ? 200 : 404;
      response.end(JSON.stringify([{ targets: [address], labels }]));
    });
    await new Promise<void>((resolve) => gateway?.listen(0, '127.0.0.1', resolve));
    const bound = gateway.address();
    const port = typeof bound === 'object' ? bound?.port : undefined;
    writeFileSync(file, JSON.stringify({ endpoint: `http://127.0.0.1:${port}` }));
    const [task] = await eventually(tasks, (found) => found[0]?.health === 'up');
    expect(task?.labels).toMatchObject(labels);
  });

  it('has none left in Prometheus when it has ended', async () => {
    rmSync(file);
    await eventually(tasks, (found) => found.length === 0);
  });
});

it('tells of a server that ends by itself, and leaves no process when it stops', async () => {
  expect(stack.processes()).toHaveLength(5);
  const port = Number(new URL(stack.url('redis')).port);
  connect(port, '127.0.0.1').end('SHUTDOWN NOSAVE\r\n');
  const told = await eventually(
    () => stack.now(),
    ({ components }) => components.some(({ state }) => state === 'ended'),
  );
  expect(told.components.find(({ state }) => state === 'ended')).toMatchObject({
    name: 'redis',
    detail: 'it ended by itself: exit code 0',
  });
  await stack.stop();
  expect(stack.processes()).toEqual([]);
});

it('gives two stacks that start at the same moment ports of their own', async () => {
  const both = [new RunningStack(), new RunningStack()];
  try {
    for (const each of both) each.write('server.mjs', SERVER('app_up 1\n'));
    const service = { command: [process.execPath, 'server.mjs'] };
    const states = await Promise.all(both.map((each) => each.start({ service })));
    const servers = states.flatMap(({ components }) =>
      components.filter(({ name }) => ['app', 'redis', 'redis-exporter', 'prometheus'].includes(name)),
    );
    expect(
      servers.map(({ state, detail }) => [state, detail]).filter(([state]) => state !== 'running'),
    ).toEqual([]);
    expect(new Set(servers.map(({ url }) => url)).size).toBe(8);
  } finally {
    await Promise.all(both.map((each) => each.remove()));
  }
});
