/**
 * The main job, through the built command line: from nothing to a service in `test`, seen by plain Terraform and
 * by the AWS CLI, changed under load, broken, locked, unlocked and destroyed. The steps build on each other.
 */
import { spawnSync } from 'node:child_process';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { constantLoad } from '../support/constant-load.ts';
import { freezeTree, killTree } from '../support/process-tree.ts';
import { cleanEnvironment } from '../support/run-cli.ts';
import { runCommand } from '../support/run-command.ts';
import { type TerraformByHand, terraformByHand } from '../support/terraform-by-hand.ts';
import { Journey, lastJson, untilOutput } from './environment.ts';
import { inventory } from './inventory.ts';

const CLUSTER = 'devops-app-test-ecs-cluster';
const SERVICE = 'devops-app-test-ecs-service';
const RATE_PER_SECOND = 200;
const SCRAPED_LIMIT_MS = 30_000;
const ALARM_LIMIT_MS = 240_000;
const ALARM_PAUSE_MS = 5_000;
const GONE_LIMIT_MS = 60_000;

/** The AWS CLI is no part of Towpath; where it is missing, what only it can show is reported as skipped. */
const NO_AWS_CLI = 'the AWS CLI (`aws`) is not on the PATH';
const hasAwsCli = spawnSync('aws', ['--version']).status === 0;

let journey: Journey;
let hand: TerraformByHand;

beforeAll(async () => {
  journey = new Journey();
  await journey.up();
  hand = terraformByHand({
    cwd: `${journey.project.path}/infra`,
    endpoint: journey.endpoint,
    env: { TF_DATA_DIR: `${journey.project.path}/.by-hand` },
  });
});

afterAll(async () => {
  hand?.remove();
  await journey?.down();
});

async function planByHand() {
  const { current } = await journey.status('test');
  return hand.run([
    'plan',
    '-detailed-exitcode',
    '-input=false',
    '-no-color',
    '-var-file=envs/test/terraform.tfvars.json',
    `-var=image=${current?.image}`,
  ]);
}

function aws(...args: string[]) {
  const keys = {
    AWS_ENDPOINT_URL: journey.endpoint,
    AWS_ACCESS_KEY_ID: 'test',
    AWS_SECRET_ACCESS_KEY: 'test',
    AWS_DEFAULT_REGION: 'us-east-1',
  };
  return runCommand('aws', [...args, '--output', 'json'], {
    cwd: journey.project.path,
    env: { ...cleanEnvironment(), ...keys },
    timeoutMs: 120_000,
  });
}

async function awsJson<T>(...args: string[]): Promise<T> {
  const result = await aws(...args);
  expect(result.exitCode, result.stderr).toBe(0);
  return JSON.parse(result.stdout) as T;
}

const suspendScaleIn = (suspended: boolean) =>
  awsJson(
    ...['application-autoscaling', 'register-scalable-target', '--service-namespace', 'ecs'],
    ...['--resource-id', `service/${CLUSTER}/${SERVICE}`, '--scalable-dimension', 'ecs:service:DesiredCount'],
    ...['--suspended-state', `DynamicScalingInSuspended=${suspended}`],
  );

const untilRinging = (alarm: string) =>
  expect
    .poll(async () => (await journey.status('test')).alarms?.map(({ name }) => name), {
      timeout: ALARM_LIMIT_MS,
      interval: ALARM_PAUSE_MS,
    })
    .toContain(`devops-app-test-${alarm}-alarm`);

interface ScrapedTarget {
  readonly health: string;
  readonly labels: Readonly<Record<string, string>>;
}

/** Of the embedded AWS, as soon as each was scraped; Prometheus asks for them every five seconds. */
async function tasksOfPrometheus(url: string): Promise<readonly ScrapedTarget[]> {
  const deadline = Date.now() + SCRAPED_LIMIT_MS;
  for (;;) {
    const answer = await fetch(`${url}/api/v1/targets?state=active&scrapePool=tasks`);
    const { data } = (await answer.json()) as { data: { activeTargets: readonly ScrapedTarget[] } };
    const tasks = data.activeTargets.filter(({ labels }) => labels.job === 'tasks');
    if (tasks.length > 0 && tasks.every(({ health }) => health === 'up')) return tasks;
    if (Date.now() > deadline) throw new Error(`not scraped: ${JSON.stringify(data)}`);
    await new Promise((resolve) => setTimeout(resolve, 200));
  }
}

describe('a first deployment', () => {
  it('refuses to start without the secret, and says how to give one', async () => {
    const result = await journey.run(['deploy', 'test']);
    expect(result.exitCode).toBe(2);
    expect(result.stderr).toContain('app-secret');
    expect(result.stderr).toContain('towpath secret set test app-secret');
  });

  it('takes a secret from standard input and never shows it', async () => {
    const set = await journey.run(['secret', 'set', 'test', 'app-secret', '--stdin'], {
      input: 'correct horse battery\n',
    });
    expect(set.exitCode, set.stderr).toBe(0);
    const list = await journey.run(['secret', 'list', 'test', '--json']);
    expect(JSON.parse(list.stdout)).toMatchObject({
      secrets: [{ name: 'app-secret', present: true, version: 1 }],
    });
    expect(set.stdout + set.stderr + list.stdout).not.toContain('correct horse');
  });

  it('ends with the app behind a load balancer, from a task in test', async () => {
    const result = await journey.run(['deploy', 'test', '--json']);
    expect(result.exitCode, result.stdout.slice(-2000)).toBe(0);
    const { url, release } = lastJson(result) as { url: string; release: { imageDigest: string } };
    const answer = (await (await fetch(url)).json()) as Record<string, unknown>;
    expect(answer).toMatchObject({
      environment: 'test',
      secretPresent: true,
      imageDigest: release.imageDigest,
    });
    expect(answer.zone).toMatch(/^us-east-1[abc]$/);
  });

  it('can be entered, and runs commands beside itself', async () => {
    const script = 'echo "$ENVIRONMENT of $HOST"; exit 5';
    const entered = await journey.run(['exec', 'test', '--', 'sh', '-c', script]);
    expect(entered.exitCode, entered.stderr).toBe(5);
    expect(entered.stdout).toMatch(/^test of 127\.3\.\d+\.\d+\n$/);
    const beside = await journey.run(['run', 'test', '--json', '--', 'node', '-e', 'console.log(1 + 1)']);
    expect(JSON.parse(beside.stdout)).toMatchObject({ exitCode: 0, log: ['2'] });
  });

  it('shows its log and its metrics', async () => {
    const log = await journey.run([
      'logs',
      'test',
      '--json',
      '--release',
      'current',
      '--filter',
      'listening',
    ]);
    expect(log.exitCode, log.stderr).toBe(0);
    const [first = '{}'] = log.stdout.split('\n');
    expect(JSON.parse(first)).toMatchObject({ level: 'info', message: 'listening', fields: { port: 5000 } });
    const metrics = await journey.run(['metrics', 'test']);
    expect(metrics.exitCode, metrics.stderr).toBe(0);
    expect(metrics.stdout).toMatch(/^tasks running +\S/m);
  });

  it('has its tasks found by the Prometheus of the local stack, with the release that runs', async () => {
    const up = await journey.run(['stack', 'up', '--runner', 'native', '--json']);
    expect(up.exitCode, up.stdout).toBe(0);
    try {
      const { components } = lastJson(up) as { components: readonly { name: string; url?: string }[] };
      const url = components.find(({ name }) => name === 'prometheus')?.url ?? '';
      const { current } = await journey.status('test');
      const digest = current?.image.split('@sha256:')[1] ?? '';
      const [task] = await tasksOfPrometheus(url);
      expect(task).toMatchObject({
        health: 'up',
        labels: { environment: 'test', service: 'app', release: digest.slice(0, 12) },
      });
      expect(task?.labels.zone).toMatch(/^us-east-1[abc]$/);
      const limit = await fetch(`${url}/api/v1/query?query=app_memory_limit_bytes{job="tasks"} / 1024^2`);
      expect(await limit.json()).toMatchObject({
        data: { result: [{ value: [expect.any(Number), '512'] }] },
      });
    } finally {
      expect((await journey.run(['stack', 'down'])).exitCode).toBe(0);
    }
  });

  it('leaves a plan that is empty for plain Terraform', async () => {
    const init = await hand.run([
      'init',
      '-input=false',
      '-no-color',
      '-backend-config=envs/test/backend.hcl',
    ]);
    expect(init.exitCode, init.stderr).toBe(0);
    const plan = await planByHand();
    expect(plan.exitCode, plan.stdout.slice(-3000) + plan.stderr).toBe(0);
  });

  it('keeps the secret out of the state', async () => {
    const state = await hand.run(['state', 'pull']);
    expect(state.exitCode).toBe(0);
    expect(state.stdout).toContain('/devops-app/test/app-secret');
    expect(state.stdout).not.toContain('correct horse');
  });
});

describe('the stock AWS CLI', () => {
  it('sees service, tasks, health, scaling, logs and secret', async ({ skip }) => {
    skip(!hasAwsCli, NO_AWS_CLI);
    const { services } = await awsJson<{
      services: { runningCount: number; deployments: { rolloutState: string }[] }[];
    }>('ecs', 'describe-services', '--cluster', CLUSTER, '--services', SERVICE);
    expect(services).toMatchObject([{ runningCount: 1, deployments: [{ rolloutState: 'COMPLETED' }] }]);
    const { taskArns } = await awsJson<{ taskArns: string[] }>('ecs', 'list-tasks', '--cluster', CLUSTER);
    expect(taskArns).toHaveLength(1);
    const { tasks } = await awsJson<{ tasks: { lastStatus: string; launchType?: string }[] }>(
      'ecs',
      'describe-tasks',
      '--cluster',
      CLUSTER,
      '--tasks',
      ...taskArns,
    );
    expect(tasks).toMatchObject([{ lastStatus: 'RUNNING' }]);
    const groups = await awsJson<{ TargetGroups: { TargetGroupArn: string }[] }>(
      'elbv2',
      'describe-target-groups',
    );
    const health = await awsJson<{ TargetHealthDescriptions: object[] }>(
      'elbv2',
      'describe-target-health',
      '--target-group-arn',
      groups.TargetGroups[0]?.TargetGroupArn ?? '',
    );
    expect(health.TargetHealthDescriptions).toMatchObject([{ TargetHealth: { State: 'healthy' } }]);
    const scaling = await awsJson<{ ScalableTargets: object[] }>(
      'application-autoscaling',
      'describe-scalable-targets',
      '--service-namespace',
      'ecs',
    );
    expect(scaling.ScalableTargets).toMatchObject([{ MinCapacity: 1, MaxCapacity: 10 }]);
    const logs = await awsJson<{ events: { message: string }[] }>(
      'logs',
      'filter-log-events',
      '--log-group-name',
      '/ecs/devops-app-test',
    );
    expect(logs.events.map((event) => (JSON.parse(event.message) as { msg: string }).msg)).toContain(
      'listening',
    );
    const parameter = await awsJson<{ Parameter: object }>(
      'ssm',
      'get-parameter',
      '--name',
      '/devops-app/test/app-secret',
      '--with-decryption',
    );
    expect(parameter.Parameter).toMatchObject({ Type: 'SecureString', Value: 'correct horse battery' });
  });

  it('scales the service, waits for it, and the plan stays empty', async ({ skip }) => {
    skip(!hasAwsCli, NO_AWS_CLI);
    // It has had little to do for a quarter of an hour of AWS, so the autoscaler would take the new tasks away again.
    await suspendScaleIn(true);
    await awsJson(
      'ecs',
      'update-service',
      '--cluster',
      CLUSTER,
      '--service',
      SERVICE,
      '--desired-count',
      '3',
    );
    expect(
      (await aws('ecs', 'wait', 'services-stable', '--cluster', CLUSTER, '--services', SERVICE)).exitCode,
    ).toBe(0);
    const { service } = await journey.status('test');
    await suspendScaleIn(false);
    expect(new Set(service?.tasks.map((task) => task.zone))).toEqual(
      new Set(['us-east-1a', 'us-east-1b', 'us-east-1c']),
    );
    const plan = await planByHand();
    expect(plan.exitCode, plan.stdout.slice(-3000) + plan.stderr).toBe(0);
  });
});

describe('a changed app', () => {
  it(`rolls out under ${RATE_PER_SECOND} requests a second without a failed one`, async () => {
    const before = await journey.status('test');
    journey.changeGreeting('from a changed app');
    const deployment = journey.run(['deploy', 'test', '--json']);
    const load = await constantLoad({
      url: `${before.service?.url}/`,
      ratePerSecond: RATE_PER_SECOND,
      until: deployment,
    });
    const result = await deployment;
    expect(result.exitCode, result.stdout.slice(-2000)).toBe(0);
    expect(load.errors).toEqual({});
    expect(load.statuses).toEqual({ 200: load.sent });
    expect(load.sent).toBeGreaterThan(RATE_PER_SECOND);
    const after = await journey.status('test');
    expect(after.current?.release.imageDigest).not.toBe(before.current?.release.imageDigest);
    expect(new Set(after.service?.tasks.map((task) => task.imageDigest))).toEqual(
      new Set([after.current?.release.imageDigest]),
    );
    expect(await (await fetch(`${after.service?.url}/`)).json()).toMatchObject({
      greeting: 'Hello from a changed app',
    });
  });

  it('that crashes at start fails by itself with cause and log, while the one before serves on', async () => {
    const before = await journey.status('test');
    journey.edit('app/src/main.ts', (text) =>
      text.replace(
        'async function serve(',
        "console.log('no database at db.internal');\nprocess.exit(3);\n\nasync function serve(",
      ),
    );
    const deployment = journey.run(['deploy', 'test']);
    const [load] = await Promise.all([
      constantLoad({ url: `${before.service?.url}/`, ratePerSecond: 20, until: deployment }),
      // It rings while the deployment goes back, and ends by itself.
      untilRinging('deployment-failed'),
    ]);
    const result = await deployment;
    expect(result.exitCode, result.stdout).toBe(1);
    expect(result.stderr).toContain('exit code 3');
    expect(result.stderr).toContain('no database at db.internal');
    expect(load.statuses).toEqual({ 200: load.sent });
    const after = await journey.status('test');
    expect(after.current?.release.id).toBe(before.current?.release.id);
    expect(after.lastDeployment?.state).toBe('failed');
    expect(new Set(after.service?.tasks.map((task) => task.imageDigest))).toEqual(
      new Set([before.current?.release.imageDigest]),
    );
    const plan = await planByHand();
    expect(plan.exitCode, plan.stdout.slice(-3000) + plan.stderr).toBe(0);
    journey.edit('app/src/main.ts', (text) =>
      text.replace("console.log('no database at db.internal');\nprocess.exit(3);\n\n", ''),
    );
  });
});

describe('two deployments at once', () => {
  it('let one go on; the other learns who holds the lock, and a killed holder can be cleared away', async () => {
    journey.changeGreeting('from a third version');
    const first = journey.start(['deploy', 'test']);
    // Terraform holds its lock, and the rollout is under way.
    await untilOutput(first, 'create module.ecs.aws_ecs_task_definition.this', 120_000);
    // On a slow computer it would end before the commands below have begun.
    freezeTree(first.pid);
    const second = await journey.run(['deploy', 'test']);
    expect(second.exitCode).toBe(1);
    expect(second.stderr).toMatch(/developer/);
    expect(second.stderr).toMatch(/since|\d{4}-\d\d-\d\d/);
    const alive = await journey.run(['unlock', 'test']);
    expect(alive.exitCode).toBe(1);
    expect(alive.stderr).toContain('is alive');

    // Terraform too: what a power cut leaves behind, both locks held by nobody.
    killTree(first.pid);
    await first.ended;
    const unlocked = await journey.run(['unlock', 'test', '--json']);
    expect(unlocked.exitCode, unlocked.stdout).toBe(0);
    expect(lastJson(unlocked)).toMatchObject({
      holder: { liveness: 'dead' },
      freed: ['state lock', 'environment lock'],
    });

    const again = await journey.run(['deploy', 'test']);
    expect(again.exitCode, again.stdout + again.stderr).toBe(0);
    expect(again.stdout).toContain('never ended; recorded as aborted');
    expect(await (await fetch(`${(await journey.status('test')).service?.url}/`)).json()).toMatchObject({
      greeting: 'Hello from a third version',
    });
  });
});

describe('a service without a task', () => {
  it('rings for what the load balancer answers itself', async ({ skip }) => {
    skip(!hasAwsCli, NO_AWS_CLI);
    const url = `${(await journey.status('test')).service?.url}/`;
    const service = ['--cluster', CLUSTER, '--service', SERVICE];
    await awsJson('ecs', 'update-service', ...service, '--desired-count', '0');
    await expect.poll(async () => (await fetch(url)).status, { timeout: GONE_LIMIT_MS }).toBe(503);
    const ringing = untilRinging('5xx');
    const load = await constantLoad({ url, ratePerSecond: 20, until: ringing });
    await ringing;
    expect(load.statuses).toEqual({ 503: load.sent });
  });
});

describe('destroy', () => {
  it('leaves nothing in the control plane but what bootstrap made', async ({ skip }) => {
    skip(!hasAwsCli, NO_AWS_CLI);
    const declined = await journey.run(['destroy', 'test']);
    expect(declined.exitCode).toBe(3);
    const result = await journey.run(['destroy', 'test', '--yes']);
    expect(result.exitCode, result.stdout + result.stderr).toBe(0);
    expect(await inventory(journey.endpoint)).toEqual({
      buckets: ['devops-app-terraform-state-test'],
      tables: ['terraform-lock-test'],
      repositories: ['devops-app'],
    });
    const again = await journey.run(['destroy', 'test', '--yes']);
    expect(again.exitCode).toBe(0);
    expect(again.stdout).toContain('nothing to destroy');
  });
});
