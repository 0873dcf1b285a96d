/**
 * What happens to a service in a simulated day, each with its weight. Faults that last end by themselves.
 */
import { AwsError } from '../../contract.ts';
import { CLUSTER } from '../test/fake-control.ts';
import {
  chooseBadness,
  defineRelease,
  PERCENTAGES,
  type SimulatedDay,
  updateService,
} from './simulated-day.ts';

const SECOND_MS = 1_000;
const MINUTE_MS = 60_000;
const MAX_DESIRED = 8;

interface Fault {
  readonly name: string;
  readonly weight: number;
  readonly strike: (day: SimulatedDay) => unknown;
}

const pickProcess = (day: SimulatedDay) => day.random.pick(day.world.driver.alive());
const zoneOf = (day: SimulatedDay): string => `us-east-1${day.random.pick(['a', 'b', 'c'])}`;

function later(day: SimulatedDay, ms: number, act: () => void): void {
  void day.clock.sleep(ms).then(act);
}

/** What AWS would refuse at this moment is no violation. */
async function tolerant(work: Promise<unknown>): Promise<void> {
  await work.catch((error: unknown) => {
    if (!(error instanceof AwsError)) throw error;
  });
}

async function byHand(day: SimulatedDay, act: () => unknown): Promise<void> {
  day.byHand = true;
  try {
    await act();
  } finally {
    day.byHand = false;
  }
}

function failChecks(day: SimulatedDay): void {
  const process = pickProcess(day);
  if (process?.behaviour.kind !== 'serve') return;
  process.behaviour = { kind: 'sick' };
  if (day.random.next() < 0.5)
    later(day, day.random.between(SECOND_MS, 2 * MINUTE_MS), () => {
      process.behaviour = { kind: 'serve' };
    });
}

function takeZoneDown(day: SimulatedDay): void {
  const zone = zoneOf(day);
  day.world.ecs.zones.down(zone);
  later(day, day.random.between(SECOND_MS, 60 * MINUTE_MS), () => void day.world.ecs.zones.up(zone));
}

function runShort(day: SimulatedDay): void {
  const { random, world } = day;
  world.ecs.conditions.declare(
    random.next() < 0.5
      ? { unavailableCapacity: [random.pick(['FARGATE', 'FARGATE_SPOT']) ?? 'FARGATE'] }
      : { vcpuLimit: random.between(1, 6) / 4 },
  );
  later(day, random.between(MINUTE_MS, 20 * MINUTE_MS), () => void world.ecs.conditions.declare({}));
}

function ringAlarm(day: SimulatedDay): void {
  day.world.control.ringing.add('errors');
  later(day, day.random.between(MINUTE_MS, 30 * MINUTE_MS), () => day.world.control.ringing.clear());
}

async function stopOne(day: SimulatedDay): Promise<void> {
  const process = pickProcess(day);
  if (!process) return;
  await byHand(day, () =>
    tolerant(day.world.call('StopTask', { cluster: CLUSTER, task: process.spec.taskArn })),
  );
}

/** Several calls at once, in an order that nobody promised. */
async function crowd(day: SimulatedDay): Promise<void> {
  const { random, world } = day;
  const calls = [
    () => updateService(day, { taskDefinition: defineRelease(day) }),
    () => updateService(day, { desiredCount: random.between(0, MAX_DESIRED) }),
    () => updateService(day, { forceNewDeployment: true }),
    () => updateService(day, { desiredCount: -1 }),
    () => world.call('StopTask', { cluster: CLUSTER, task: 'none' }),
    () => stopDeployment(day),
  ];
  const chosen = Array.from({ length: random.between(2, 4) }, () => random.pick(calls));
  await Promise.all(chosen.map((call) => (call ? tolerant(call()) : undefined)));
}

async function stopDeployment(day: SimulatedDay): Promise<void> {
  const { serviceDeployments } = await day.world.call<{
    serviceDeployments: { serviceDeploymentArn: string }[];
  }>('ListServiceDeployments', { cluster: CLUSTER, service: 'shop', status: ['IN_PROGRESS'] });
  const [newest] = serviceDeployments;
  if (newest)
    await day.world.call('StopServiceDeployment', {
      serviceDeploymentArn: newest.serviceDeploymentArn,
      stopType: day.random.next() < 0.5 ? 'ABORT' : 'ROLLBACK',
    });
}

const FAULTS: readonly Fault[] = [
  { name: 'crash', weight: 22, strike: (day) => pickProcess(day)?.exit({ exitCode: 137 }) },
  { name: 'failing checks', weight: 12, strike: failChecks },
  { name: 'zone down', weight: 5, strike: takeZoneDown },
  {
    name: 'spot interruption',
    weight: 8,
    strike: (day) => byHand(day, () => day.world.ecs.interruptSpot({ cluster: CLUSTER, service: 'shop' })),
  },
  { name: 'shortage', weight: 5, strike: runShort },
  {
    name: 'good release',
    weight: 12,
    strike: (day) => updateService(day, { taskDefinition: defineRelease(day) }),
  },
  {
    name: 'bad release',
    weight: 7,
    strike: (day) => updateService(day, { taskDefinition: defineRelease(day, chooseBadness(day)) }),
  },
  {
    name: 'desired count',
    weight: 12,
    strike: (day) =>
      day.world.ecs.setDesiredCount(`service/${CLUSTER}/shop`, day.random.between(0, MAX_DESIRED), 'day'),
  },
  { name: 'alarm', weight: 3, strike: ringAlarm },
  { name: 'stop by hand', weight: 6, strike: stopOne },
  { name: 'calls in any order', weight: 5, strike: crowd },
  {
    name: 'percentages',
    weight: 3,
    strike: (day) => updateService(day, { deploymentConfiguration: day.random.pick(PERCENTAGES) }),
  },
];

const TOTAL_WEIGHT = FAULTS.reduce((sum, { weight }) => sum + weight, 0);

/** @returns what happened */
export async function strikeAtRandom(day: SimulatedDay): Promise<string> {
  let roll = day.random.next() * TOTAL_WEIGHT;
  for (const { name, weight, strike } of FAULTS) {
    roll -= weight;
    if (roll >= 0) continue;
    await strike(day);
    day.clock.stir();
    return name;
  }
  return 'nothing';
}

/** Ends every fault that lasts. */
export function endFaults(day: SimulatedDay): void {
  const { world } = day;
  day.calm = true;
  for (const zone of world.ecs.zones.list()) world.ecs.zones.up(zone);
  world.ecs.conditions.declare({});
  world.control.ringing.clear();
  for (const process of world.driver.alive())
    if (process.behaviour.kind === 'sick' && !process.spec.image.includes('bad-'))
      process.behaviour = { kind: 'serve' };
  day.clock.stir();
}
