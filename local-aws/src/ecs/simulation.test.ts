/**
 * The whole scheduler under random faults: crashes, images that can't be pulled, targets that fail their checks,
 * deployments and scalings at random moments. Every run is decided by its seed, which a failure prints;
 * run one again with ECS_SEED=<seed>, or more of them with ECS_RUNS=<count>.
 */
import { describe, expect, it } from 'vitest';
import { maximumTasks, minimumHealthyTasks } from './decide/capacity.ts';
import { CLUSTER, TARGET_GROUP } from './test/fake-control.ts';
import { createWorld, isSettled, type ServiceShape, serviceInput, type World } from './test/world.ts';

const RUNS = Number(process.env.ECS_RUNS ?? 16);
const STEPS = 240;
const STEP_MS = 500;
/** After the faults end: long enough for the longest throttle (27 min) and a rollout. */
const CALM_LIMIT_MS = 3_600_000;

/** mulberry32: small, seedable, good enough to choose faults. */
function createRandom(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = state;
    t = Math.imul(t ^ (t >>> 15), t | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 4_294_967_296;
  };
}

interface Percentages {
  readonly maximumPercent: number;
  readonly minimumHealthyPercent: number;
}

const PERCENTAGES: readonly Percentages[] = [
  { maximumPercent: 200, minimumHealthyPercent: 100 },
  { maximumPercent: 150, minimumHealthyPercent: 50 },
  { maximumPercent: 100, minimumHealthyPercent: 0 },
  { maximumPercent: 125, minimumHealthyPercent: 75 },
];

interface Simulation {
  readonly world: World;
  readonly random: () => number;
  readonly percentages: Percentages;
  readonly broken: string[];
  /** A person is stopping a task: the minimum does not bind people. */
  byHand: boolean;
  faults: boolean;
  desired: number;
}

const healthyNow = (world: World): number =>
  world.balancer.health(TARGET_GROUP).filter((entry) => entry.state === 'healthy').length;

/** Watches each target that starts to drain: the scheduler must leave the minimum of healthy ones. */
function watchMinimum(sim: Simulation): void {
  const { world, percentages } = sim;
  world.balancer.onDeregister = (id) => {
    const entry = world.balancer.health(TARGET_GROUP).find((candidate) => candidate.target.id === id);
    const process = world.driver.processes.find((p) => p.spec.privateIp === id && p.alive);
    // A target that is down or failing already was taken by a fault, not by the scheduler.
    if (sim.byHand || entry?.state !== 'healthy' || !process) return;
    const minimum = minimumHealthyTasks(sim.desired, percentages.minimumHealthyPercent);
    const left = healthyNow(world) - 1;
    if (left < minimum && !sim.broken.some((line) => line.startsWith('below')))
      sim.broken.push(`below the minimum: ${left} healthy left, ${minimum} wanted (target ${id})`);
  };
}

function behaveBadly(sim: Simulation): void {
  sim.world.driver.behave = () => {
    const roll = sim.faults ? sim.random() : 1;
    if (roll < 0.1) return { kind: 'crash', exitCode: 1 };
    if (roll < 0.16) return { kind: 'sick' };
    return roll < 0.18 ? { kind: 'no-image' } : { kind: 'serve' };
  };
}

async function disturbSomething(sim: Simulation): Promise<void> {
  const { world, random } = sim;
  const roll = random();
  if (roll < 0.02) {
    const definition = world.control.define('shop', 'registry/shop:next');
    await world.call('UpdateService', { cluster: CLUSTER, service: 'shop', taskDefinition: definition });
  } else if (roll < 0.04) {
    sim.desired = Math.floor(random() * 7);
    world.ecs.setDesiredCount(`service/${CLUSTER}/shop`, sim.desired, 'simulation');
  } else if (roll < 0.08) {
    const alive = world.driver.alive();
    alive[Math.floor(random() * alive.length)]?.exit({ exitCode: 137 });
  } else if (roll < 0.09) {
    const running = (await world.tasks()).find((task) => task.lastStatus === 'RUNNING');
    sim.byHand = true;
    if (running) await world.call('StopTask', { cluster: CLUSTER, task: running.taskArn });
    sim.byHand = false;
  }
}

function checkMaximum(sim: Simulation, service: ServiceShape, before: number): number {
  const count = service.runningCount + service.pendingCount;
  const maximum = maximumTasks(sim.desired, sim.percentages.maximumPercent);
  if (count > before && count > maximum)
    sim.broken.push(`above the maximum: ${count} tasks, ${maximum} allowed`);
  return count;
}

/** Every process belongs to a task that runs, every target to a process, every task has come to an end or runs. */
async function checkAccounts(sim: Simulation): Promise<void> {
  const { world } = sim;
  const tasks = await world.tasks();
  const running = tasks.filter((task) => task.lastStatus === 'RUNNING').map((task) => task.taskArn);
  expect(
    world.driver
      .alive()
      .map((process) => process.spec.taskArn)
      .sort(),
  ).toEqual(running.sort());
  expect(
    world.balancer
      .health(TARGET_GROUP)
      .map((entry) => entry.target.id)
      .sort(),
  ).toEqual(
    world.driver
      .alive()
      .map((process) => process.spec.privateIp)
      .sort(),
  );
  for (const task of tasks) expect(['RUNNING', 'STOPPED']).toContain(task.lastStatus);
  for (const task of tasks)
    if (task.lastStatus === 'STOPPED') expect(task.stoppedReason, task.taskArn).toBeTruthy();
}

const hasEnded = (service: ServiceShape): boolean => service.deployments[0]?.rolloutState !== 'IN_PROGRESS';

async function simulate(seed: number): Promise<void> {
  const random = createRandom(seed);
  const percentages = PERCENTAGES[seed % PERCENTAGES.length] ?? {
    maximumPercent: 200,
    minimumHealthyPercent: 100,
  };
  const sim: Simulation = {
    world: createWorld(),
    random,
    percentages,
    broken: [],
    faults: true,
    byHand: false,
    desired: 3,
  };
  const { world } = sim;
  try {
    watchMinimum(sim);
    behaveBadly(sim);
    const breaker = { enable: true, rollback: seed % 3 !== 0 };
    const first = world.control.define('shop', 'registry/shop:first');
    await world.call(
      'CreateService',
      serviceInput(first, { deploymentConfiguration: { ...percentages, deploymentCircuitBreaker: breaker } }),
    );
    let count = 0;
    for (let step = 0; step < STEPS; step++) {
      await disturbSomething(sim);
      await world.clock.advance(STEP_MS);
      count = checkMaximum(sim, await world.service(), count);
    }
    sim.faults = false;
    // A count at which none of the percentages rounds to a standstill, which is not the scheduler's fault.
    sim.desired = 4;
    world.ecs.setDesiredCount(`service/${CLUSTER}/shop`, sim.desired, 'simulation');
    await world.until(hasEnded, CALM_LIMIT_MS);
    // A deployment that stalled is what AWS leaves; a new one gets the service going again.
    if ((await world.service()).deployments[0]?.rolloutState === 'FAILED')
      await world.call('UpdateService', { cluster: CLUSTER, service: 'shop', forceNewDeployment: true });
    await world.until(isSettled, CALM_LIMIT_MS);
    await world.clock.advance(120_000);
    expect(sim.broken).toEqual([]);
    await checkAccounts(sim);
  } finally {
    await world.ecs.stop();
  }
}

const given = process.env.ECS_SEED;
const seeds = given ? [Number(given)] : Array.from({ length: RUNS }, (_, i) => 1_000 + i);

describe('simulation', () => {
  it.each(seeds)('keeps its promises with seed %i', async (seed) => {
    await simulate(seed).catch((error: unknown) => {
      throw new Error(`seed ${seed} (run it alone: ECS_SEED=${seed}): ${String(error)}`, { cause: error });
    });
  });
});
