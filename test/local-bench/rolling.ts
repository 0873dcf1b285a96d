/**
 * A service of three tasks under constant load through its load balancer, at the speed of AWS itself: a rolling
 * deployment, a scale-in, a task that is stopped, a zone that goes down and comes back. What fails, and for how long.
 */
import {
  DescribeServicesCommand,
  ListTasksCommand,
  StopTaskCommand,
  UpdateServiceCommand,
} from '@aws-sdk/client-ecs';
import { DescribeLoadBalancersCommand } from '@aws-sdk/client-elastic-load-balancing-v2';
import { type Account, openAccount } from '../fixtures/account.ts';
import { type EmbeddedAws, startEmbeddedAws } from '../fixtures/embedded-aws.ts';
import { WORKING } from '../fixtures/fixture-list.ts';
import { createFixtureService, fixtureNames, updateFixtureService } from '../fixtures/fixture-service.ts';
import { constantLoad, type LoadReport } from '../support/constant-load.ts';
import type { Goal } from './goal.ts';
import { localEnvironment, untilLocal } from './local-status.ts';

const RATE_PER_SECOND = 200;
const NETWORK = 190;
const TASKS = 3;
const MORE_TASKS = 5;
const ZONES = 3;
const LIMIT_MS = 240_000;
/** A probe that gets no answer fails after its timeout; two in a row make a target unhealthy. */
const DETECTION_SECONDS = 5 * 2 + 2;
/** A request that hangs in a dead zone counts as failed after this; well above every good answer. */
const REQUEST_TIMEOUT_MS = 2_000;
const QUIET_MS = 3_000;
const POLL_MS = 500;

interface World {
  readonly aws: EmbeddedAws;
  readonly account: Account;
  readonly names: ReturnType<typeof fixtureNames>;
  readonly environment: string;
  readonly url: string;
}

export async function benchRolling(say: (line: string) => void): Promise<readonly Goal[]> {
  const aws = await startEmbeddedAws(1);
  try {
    const account = await openAccount(aws.endpoint, NETWORK);
    try {
      const environment = 'bench';
      await createFixtureService(account, environment, { ...WORKING, desiredCount: TASKS });
      const names = fixtureNames(environment);
      await untilLocal(aws, names.cluster, isAtStrength, LIMIT_MS);
      const url = await balancerUrl(account);
      return await measure(say, { aws, account, names, environment, url });
    } finally {
      account.close();
    }
  } finally {
    await aws.stop();
  }
}

/** The one listener of the account's load balancer is the service's. */
async function balancerUrl({ elb, loadBalancerArn }: Account): Promise<string> {
  const { LoadBalancers } = await elb.send(
    new DescribeLoadBalancersCommand({ LoadBalancerArns: [loadBalancerArn] }),
  );
  return `http://${LoadBalancers?.[0]?.DNSName}/`;
}

async function measure(say: (line: string) => void, world: World): Promise<readonly Goal[]> {
  const { aws, names } = world;
  const goals: Goal[] = [];
  const under = async (what: string, work: () => Promise<unknown>): Promise<void> => {
    const report = await loadDuring(world, work);
    say(`${what}: ${describe(report)}`);
    goals.push(noFailure(what, report));
  };
  await under('rolling deployment', () => deployAgain(world));
  await scaleTo(world, MORE_TASKS);
  await under('scale-in from five to three', () => scaleTo(world, TASKS));
  await under('a task stopped with SIGTERM', () => stopOne(world));
  goals.push(...(await loseZone(say, world)));
  await under('a zone comes back: rebalancing', async () => {
    await chaos(aws, 'DELETE');
    await untilLocal(aws, names.cluster, (one) => isAtStrength(one) && zonesOf(one) === ZONES, LIMIT_MS);
  });
  return goals;
}

async function loseZone(say: (line: string) => void, world: World): Promise<readonly Goal[]> {
  const { aws, names } = world;
  const zone = (await localEnvironment(aws, names.cluster))?.tasks[0]?.zone ?? '';
  let recovered = 0;
  const started = performance.now();
  const report = await loadDuring(world, async () => {
    await chaos(aws, 'POST', { action: 'zone-down', zone, forSeconds: LIMIT_MS / 1_000 });
    await untilLocal(
      aws,
      names.cluster,
      (one) =>
        isAtStrength(one) && one.tasks.every((task) => task.lastStatus !== 'RUNNING' || task.zone !== zone),
      LIMIT_MS,
    );
    recovered = (performance.now() - started) / 1_000;
  });
  // A request is due, hangs until its timeout, and is then counted: its own time belongs to the outage.
  const outage = report.lastFailureAfterMs === undefined ? 0 : report.lastFailureAfterMs / 1_000;
  say(
    `zone ${zone} down: ${describe(report)}; failures end after ${outage.toFixed(1)} s; ${TASKS} healthy tasks in two zones after ${recovered.toFixed(1)} s`,
  );
  const limit = DETECTION_SECONDS + REQUEST_TIMEOUT_MS / 1_000;
  return [
    {
      what: 'zone down: last failed request after',
      text: `${outage.toFixed(1)} s (${failures(report)} of ${report.sent} failed)`,
      goal: `at most ${limit} s: two health checks, their timeout and the client's`,
      met: outage <= limit,
    },
  ];
}

/** The load begins before the work and goes on for a while after it. */
async function loadDuring({ url }: World, work: () => Promise<unknown>): Promise<LoadReport> {
  let end: () => void = () => undefined;
  const until = new Promise<void>((resolve) => {
    end = resolve;
  });
  const load = constantLoad({
    url,
    ratePerSecond: RATE_PER_SECOND,
    until,
    requestTimeoutMs: REQUEST_TIMEOUT_MS,
  });
  try {
    await work();
    await new Promise((resolve) => setTimeout(resolve, QUIET_MS));
  } finally {
    end();
  }
  return load;
}

async function deployAgain({ account, environment, names }: World): Promise<void> {
  await updateFixtureService(account, environment, WORKING);
  await untilStable(account, names);
}

async function scaleTo({ account, names, aws }: World, desiredCount: number): Promise<void> {
  await account.ecs.send(
    new UpdateServiceCommand({ cluster: names.cluster, service: names.service, desiredCount }),
  );
  await untilLocal(
    aws,
    names.cluster,
    (one) =>
      healthyTasks(one) === desiredCount &&
      one.tasks.every(({ lastStatus }) => lastStatus === 'RUNNING' || lastStatus === 'STOPPED'),
    LIMIT_MS,
  );
}

async function stopOne({ account, names, aws }: World): Promise<void> {
  const { taskArns } = await account.ecs.send(
    new ListTasksCommand({ cluster: names.cluster, serviceName: names.service }),
  );
  const task = taskArns?.[0] ?? '';
  await account.ecs.send(new StopTaskCommand({ cluster: names.cluster, task, reason: 'the benchmark' }));
  const id = task.split('/').at(-1) ?? '';
  await untilLocal(
    aws,
    names.cluster,
    (one) => isAtStrength(one) && !one.tasks.some((each) => each.id === id && each.lastStatus === 'RUNNING'),
    LIMIT_MS,
  );
}

async function untilStable(account: Account, { cluster, service }: World['names']): Promise<void> {
  const deadline = Date.now() + LIMIT_MS;
  while (Date.now() < deadline) {
    const { services } = await account.ecs.send(
      new DescribeServicesCommand({ cluster, services: [service] }),
    );
    const [one] = services ?? [];
    if (one?.deployments?.length === 1 && one.deployments[0]?.rolloutState === 'COMPLETED') return;
    await new Promise((resolve) => setTimeout(resolve, POLL_MS));
  }
  throw new Error(`${service} was not stable within ${LIMIT_MS} ms`);
}

async function chaos(aws: EmbeddedAws, method: 'POST' | 'DELETE', body?: object): Promise<void> {
  const response = await fetch(`${aws.endpoint}/_local/chaos`, {
    method,
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  if (!response.ok) throw new Error(`chaos was refused: ${await response.text()}`);
}

type Local = Awaited<ReturnType<typeof untilLocal>>;

function healthyTasks({ tasks }: Local): number {
  return tasks.filter(({ lastStatus, health }) => lastStatus === 'RUNNING' && health === 'healthy').length;
}

function isAtStrength(one: Local): boolean {
  return healthyTasks(one) >= TASKS;
}

function zonesOf({ tasks }: Local): number {
  return new Set(tasks.filter(({ lastStatus }) => lastStatus === 'RUNNING').map(({ zone }) => zone)).size;
}

function failures(report: LoadReport): number {
  return report.sent - report.succeeded;
}

function describe(report: LoadReport): string {
  const { p50, p99, max } = report.latencyMs;
  return `${report.sent} requests in ${(report.durationMs / 1_000).toFixed(0)} s, ${failures(report)} failed; p50 ${p50.toFixed(1)}, p99 ${p99.toFixed(1)}, max ${max.toFixed(0)} ms`;
}

function noFailure(what: string, report: LoadReport): Goal {
  return {
    what: `${what}: failed requests`,
    text: `${failures(report)} of ${report.sent}${failures(report) > 0 ? ` (${JSON.stringify({ ...report.errors, ...report.statuses })})` : ''}`,
    goal: '0',
    met: failures(report) === 0,
  };
}
