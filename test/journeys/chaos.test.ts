/**
 * A bad day on the embedded AWS, with tasks that really run: what `towpath local chaos` breaks is noticed, replaced and
 * over in time. No Terraform: the service is made through the APIs of AWS.
 */
import { randomInt } from 'node:crypto';
import { mkdirSync, mkdtempSync, realpathSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DescribeServicesCommand, DescribeTasksCommand } from '@aws-sdk/client-ecs';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { type Account, openAccount, REGION } from '../fixtures/account.ts';
import { type EmbeddedAws, startEmbeddedAws } from '../fixtures/embedded-aws.ts';
import { WORKING } from '../fixtures/fixture-list.ts';
import { createFixtureService, PROJECT } from '../fixtures/fixture-service.ts';
import { runCli } from '../support/run-cli.ts';

const SPEED = 20;
const ENVIRONMENT = 'stormy';
const ZONES = ['us-east-1a', 'us-east-1b', 'us-east-1c'];
const WAIT = { timeout: 90_000, interval: 200 };

interface Task {
  readonly id: string;
  readonly zone: string;
  readonly lastStatus: string;
  readonly health?: string;
}

interface LocalEnvironment {
  readonly cluster: string;
  readonly service: string;
  readonly tasks: readonly Task[];
}

let aws: EmbeddedAws;
let account: Account;
let folder: string;
let names: Pick<LocalEnvironment, 'cluster' | 'service'>;

beforeAll(async () => {
  aws = await startEmbeddedAws(SPEED);
  account = await openAccount(aws.endpoint, randomInt(100, 175));
  await createFixtureService(account, ENVIRONMENT, { ...WORKING, desiredCount: ZONES.length });
  const [made] = await environments();
  if (made === undefined) throw new Error('the embedded AWS shows no service');
  names = made;
  folder = realpathSync(mkdtempSync(join(tmpdir(), 'towpath-chaos-')));
  mkdirSync(join(folder, '.towpath'));
  symlinkSync(aws.stateDir, join(folder, '.towpath', 'local'), 'dir');
  writeFileSync(
    join(folder, 'towpath.config.ts'),
    `import { defineProject } from 'towpath';
    export default defineProject({
      project: '${PROJECT}', application: 'web', owner: 'nobody', region: '${REGION}',
      availabilityZones: ${JSON.stringify(ZONES)},
      service: { source: 'app', bundle: { command: ['true'], files: ['main.mjs'] }, port: 5000, healthCheck: { path: '/healthz' } },
      environments: [{ name: '${ENVIRONMENT}', cidr: '10.0.0.0/16' }],
    });\n`,
  );
});
afterAll(async () => {
  account?.close();
  await aws?.stop();
  if (folder !== undefined) rmSync(folder, { recursive: true, force: true });
});

async function environments(): Promise<readonly LocalEnvironment[]> {
  const response = await fetch(`${aws.endpoint}/_local/status`);
  return ((await response.json()) as { readonly environments: readonly LocalEnvironment[] }).environments;
}
const zonesOfHealthy = async () =>
  (await environments())
    .flatMap(({ tasks }) => tasks)
    .filter(({ lastStatus, health }) => lastStatus === 'RUNNING' && health === 'healthy')
    .map(({ zone }) => zone)
    .sort();
const untilBalanced = () => expect.poll(zonesOfHealthy, WAIT).toEqual(ZONES);

async function chaos(...words: readonly string[]) {
  const result = await runCli(['local', 'chaos', ...words, '--json'], { cwd: folder });
  const lines = result.stdout.split('\n').filter((line) => line !== '');
  return { ...result, json: JSON.parse(lines.at(-1) ?? '{}') as Readonly<Record<string, unknown>> };
}
async function begin(...words: readonly string[]): Promise<{ readonly id: string; readonly task: string }> {
  const { exitCode, json } = await chaos(...words);
  expect([exitCode, json]).toEqual([0, expect.objectContaining({ id: expect.any(String) })]);
  const { id, did } = json as unknown as { id: string; did: { tasks?: readonly string[] } };
  return { id, task: did.tasks?.[0] ?? '' };
}
const stopOf = async (task: string) => {
  const found = await account.ecs.send(new DescribeTasksCommand({ cluster: names.cluster, tasks: [task] }));
  const { lastStatus, stoppedReason, containers } = found.tasks?.[0] ?? {};
  return { lastStatus, stoppedReason, exitCode: containers?.[0]?.exitCode, reason: containers?.[0]?.reason };
};

it('a zone goes down: its tasks are replaced in the others; it comes up: they spread again', async () => {
  await untilBalanced();
  const { id } = await begin('zone-down', 'us-east-1a', '--for', '5m');
  const elsewhere = async () => (await zonesOfHealthy()).filter((zone) => zone !== 'us-east-1a').length;
  await expect.poll(elsewhere, WAIT).toBe(ZONES.length);
  expect((await chaos('undo', id)).exitCode).toBe(0);
  await untilBalanced();
});

it('a task is killed, and another one comes', async () => {
  const { task } = await begin('kill-task', names.cluster, '--seed', '1');
  await expect.poll(() => stopOf(task), WAIT).toMatchObject({ lastStatus: 'STOPPED', exitCode: 137 });
  await untilBalanced();
});

it('a task hangs: the health checks find it, a healthy one takes its place', async () => {
  const { id, task } = await begin('freeze-task', names.cluster, '--for', '5m');
  await expect
    .poll(() => stopOf(task), WAIT)
    .toMatchObject({
      lastStatus: 'STOPPED',
      stoppedReason: expect.stringContaining('failed ELB health checks'),
    });
  await untilBalanced();
  const { json } = await chaos();
  expect(json).toMatchObject({
    active: [],
    ended: expect.arrayContaining([expect.objectContaining({ id })]),
  });
});

it.runIf(process.platform === 'linux')('a task runs out of memory, and says so', async () => {
  const { task } = await begin('fill-memory', names.cluster);
  await expect
    .poll(() => stopOf(task), WAIT)
    .toMatchObject({
      lastStatus: 'STOPPED',
      reason: expect.stringContaining('OutOfMemory'),
    });
  await untilBalanced();
});

it('calls fail in part: an SDK that retries hardly notices, and it is over in time', async () => {
  const words = ['fail-api', 'ecs', '--action', 'DescribeServices', '--share', '0.5', '--seed', '1'];
  await begin(...words, '--for', '3s');
  const describe = new DescribeServicesCommand({ cluster: names.cluster, services: [names.service] });
  const answers = await Promise.allSettled([1, 2, 3, 4].map(() => account.ecs.send(describe)));
  expect(answers.some(({ status }) => status === 'fulfilled')).toBe(true);
  await expect.poll(async () => (await chaos()).json.active, WAIT).toEqual([]);
  const { json } = await chaos();
  expect((json.ended as readonly unknown[])[0]).toMatchObject({
    action: 'fail-api',
    ended: 'its time was over',
    did: { calls: { hit: expect.any(Number) } },
  });
});

it('credentials expire: the command that meets it says so', async () => {
  const { id } = await begin('expire-credentials', 'developer');
  const refused = await runCli(['history', ENVIRONMENT, '--local', '--json'], { cwd: folder });
  expect(refused.exitCode).toBe(1);
  expect(refused.stdout).toContain('CREDENTIALS_EXPIRED');
  const other = await runCli(['history', ENVIRONMENT, '--local', '--json', '--as', 'reviewer'], {
    cwd: folder,
  });
  expect(other.stdout).not.toContain('CREDENTIALS_EXPIRED');
  expect((await chaos('undo', id)).exitCode).toBe(0);
});

it('what is not there is named with what is', async () => {
  expect(await chaos('zone-down', 'us-east-9a')).toMatchObject({
    exitCode: 2,
    json: { code: 'USAGE', message: expect.stringContaining('us-east-1a') },
  });
  expect(await chaos('kill-task', 'nowhere')).toMatchObject({
    exitCode: 2,
    json: { code: 'USAGE', message: expect.stringContaining(names.cluster) },
  });
  expect(await chaos('interrupt-spot', names.cluster)).toMatchObject({
    exitCode: 1,
    json: { code: 'CHAOS_REFUSED' },
  });
});

it('commands on it say that it is broken on purpose', async () => {
  await begin('throttle-api', 'sns');
  const status = await runCli(['status', '--local'], { cwd: folder });
  expect(status.stdout + status.stderr).toContain('broken on purpose: throttle-api');
  expect((await chaos('undo', '--all')).exitCode).toBe(0);
});
