import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { BalancerFixture, clockAt, GROUP } from '../balancer/balancer-fixture.ts';
import { startLoad } from '../balancer/constant-load.ts';
import type { RunningTask, Target, TaskDriver } from '../contract.ts';
import { FixtureImageStore } from './image-fixture.ts';
import { createProcessDriver } from './process-driver.ts';

const SERVER = `
  import http from 'node:http';
  const server = http.createServer((q, s) => { q.resume(); setTimeout(() => s.end('ok'), 3); });
  server.listen(5000, process.env.HOST);
  process.on('SIGTERM', () => { server.close(() => process.exit(0)); server.closeIdleConnections(); });`;

let scratch: string;
let driver: TaskDriver;
let fixture: BalancerFixture;

beforeEach(async () => {
  scratch = await mkdtemp(path.join(tmpdir(), 'rolling-processes-'));
  const images = new FixtureImageStore(path.join(scratch, 'blobs'));
  await images.add('shop/web', 'v1', {
    layers: [[{ name: 'app/main.mjs', content: SERVER }]],
    config: { WorkingDir: '/app', Cmd: ['node', 'main.mjs'] },
  });
  fixture = new BalancerFixture({ speed: 30, startAllowanceMs: 5000 });
  driver = createProcessDriver({
    stateDir: scratch,
    images,
    logs: { openStream: async () => {}, put: async () => {} },
    clock: clockAt(30),
    log: () => {},
    track: () => {},
  });
});
afterEach(async () => {
  await driver.stopAll(0);
  await fixture.close();
  await rm(scratch, { recursive: true, force: true });
});

async function startTask(host: number): Promise<{ task: RunningTask; target: Target }> {
  const privateIp = `10.253.9.${host}`;
  const task = await driver.start({
    taskArn: `arn:aws:ecs:us-east-1:1:task/c/${host}`,
    taskId: `task${host}`,
    clusterName: 'c',
    family: 'web',
    revision: 1,
    zone: 'us-east-1a',
    privateIp,
    image: 'shop/web:v1',
    containerName: 'web',
    environment: {},
    secretNames: [],
    containerPort: 5000,
    cpuUnits: 256,
    memoryMb: 512,
    stopTimeoutSeconds: 30,
    log: undefined,
  });
  const dial = { address: task.address, port: task.port };
  const target: Target = { id: privateIp, port: 5000, zone: 'us-east-1a', dial };
  fixture.plane.register(GROUP, [target]);
  return { task, target };
}

it.runIf(process.platform === 'linux')(
  'processes on port 5000 side by side are replaced under load without a failed request',
  async () => {
    const url = await fixture.apply({ group: { deregistrationDelaySeconds: 5 } });
    const tasks = await Promise.all([startTask(1), startTask(2)]);
    for (const { target } of tasks) await fixture.reaches(target.id, 'healthy');
    const load = startLoad(url, { clients: 8, pauseMs: 20 });
    for (const [i, old] of tasks.entries()) {
      const fresh = await startTask(10 + i);
      await fixture.reaches(fresh.target.id, 'healthy');
      fixture.plane.deregister(GROUP, [old.target]);
      await fixture.reaches(old.target.id, undefined);
      expect((await old.task.stop()).exitCode).toBe(0);
    }
    const report = await load.stop();
    expect(report.failures).toEqual([]);
    expect(report.requests).toBeGreaterThan(50);
  },
);
