/**
 * The compose file on a container engine, where one answers: the containers reach the app and are reached, end with the
 * stack, and are found when a stack was killed. Elsewhere skipped, and said so.
 */
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { cleanStack } from '../src/start-stack.ts';
import { eventually, RunningStack, SERVER } from './running-stack.ts';
import { makeStandIns, type StandIns } from './stand-in-images.ts';

const PROBE_LIMIT_MS = 15_000;
const answers = (command: string, ...args: string[]) =>
  spawnSync(command, args, { timeout: PROBE_LIMIT_MS, stdio: 'ignore' }).status === 0;

const hasCompose = answers('docker', 'compose', 'version') || answers('docker-compose', 'version');
const withEngine = process.platform === 'linux' && hasCompose && answers('docker', 'info');
if (!withEngine)
  process.stderr.write(
    `skipped, the compose file on an engine: ${hasCompose ? 'no Docker engine answers on Linux' : 'no docker compose'}\n`,
  );

const PROJECT = `towpath-test-${process.pid}`;

describe.runIf(withEngine)('the compose file', () => {
  // Made when it is known that the tests run: nobody removes what a skipped one has made.
  let scratch: string;
  let stack: RunningStack;
  let images: StandIns | undefined;

  beforeAll(async () => {
    scratch = mkdtempSync(join(tmpdir(), 'stack-images-'));
    stack = new RunningStack();
    images = makeStandIns(scratch);
    stack.write('server.mjs', SERVER('app_up 1\n'));
    await start();
  }, 240_000);
  afterAll(async () => {
    await stack.remove();
    spawnSync('docker', ['volume', 'rm', ...volumes()]);
    images?.remove();
    rmSync(scratch, { recursive: true, force: true });
  }, 120_000);

  const start = () =>
    stack.start({
      project: PROJECT,
      runner: 'compose',
      engine: 'docker',
      home: images?.home ?? '',
      service: { command: [process.execPath, 'server.mjs'] },
    });
  const docker = (...args: string[]) =>
    execFileSync('docker', args, { encoding: 'utf8' }).split('\n').filter(Boolean);
  const containers = () => docker('ps', '--all', '--quiet', '--filter', `name=${PROJECT}`);
  const volumes = () => docker('volume', 'ls', '--quiet', '--filter', `name=${PROJECT}`);

  it('brings up every server, in a container, at an address of loopback', () => {
    const { components } = stack.status ?? { components: [] };
    expect(components.map(({ name, state, runner }) => [name, state, runner])).toEqual([
      ['app', 'running', 'source'],
      ['redis', 'running', 'compose'],
      ['redis-exporter', 'running', 'compose'],
      ['prometheus', 'running', 'compose'],
      ['grafana', 'running', 'compose'],
    ]);
    expect(containers()).toHaveLength(4);
  });

  it('lets Prometheus reach the app, Redis and itself, with its rules', async () => {
    const prometheus = stack.url('prometheus');
    const ask = async () => {
      const answer = await fetch(`${prometheus}/api/v1/targets?state=active`);
      const { data } = (await answer.json()) as {
        data: { activeTargets: { health: string; labels: { job: string } }[] };
      };
      return data.activeTargets;
    };
    const up = await eventually(
      ask,
      (found) => found.length === 3 && found.every(({ health }) => health === 'up'),
    );
    expect(up.map(({ labels }) => labels.job).sort()).toEqual(['app', 'prometheus', 'redis']);
    const rules = (await (await fetch(`${prometheus}/api/v1/rules`)).json()) as {
      data: { groups: unknown[] };
    };
    expect(rules.data.groups.length).toBeGreaterThan(0);
  });

  it('tells Grafana where Prometheus and the dashboards are', async () => {
    expect(await (await fetch(stack.url('grafana'))).json()).toMatchObject({
      PROMETHEUS_URL: stack.url('prometheus'),
      DASHBOARDS_FOLDER: '/etc/towpath/dashboards',
    });
  });

  it('tells of a container that ends', async () => {
    const label = 'label=com.docker.compose.service=redis';
    docker('kill', ...docker('ps', '--quiet', '--filter', `name=${PROJECT}`, '--filter', label));
    const { components } = await stack.now();
    expect(components.filter(({ state }) => state === 'ended')).toMatchObject([
      { name: 'redis', detail: 'it does not answer any more' },
    ]);
  });

  it('is taken down with the stack', async () => {
    await stack.stop();
    expect(containers()).toEqual([]);
  });

  it('is taken down by the next command when the stack was killed', async () => {
    await start();
    expect(containers()).toHaveLength(4);
    // All that is left of a killed one: the record, and the containers.
    const copy = join(scratch, 'killed');
    mkdirSync(copy);
    const record = join(stack.stateDir, 'compose.json');
    execFileSync('cp', [record, copy]);
    expect(await cleanStack({ stateDir: copy, variables: process.env })).toBe(true);
    expect(containers()).toEqual([]);
  });
});
