/**
 * One simulated day of the real scheduler among fakes: what the faults act on, and what the invariants look at.
 */
import type { decide, ServiceView } from '../decide/decide.ts';
import type { AddressBook } from '../lifecycle/addresses.ts';
import { CHECK_MS } from '../test/fake-balancer.ts';
import { CLUSTER } from '../test/fake-control.ts';
import { createWorld, serviceInput, type World } from '../test/world.ts';
import { createEventClock, type EventClock } from './event-clock.ts';
import { watchPromises } from './invariants.ts';
import { createRandom, type Random } from './random.ts';

export type Decide = typeof decide;

export interface Percentages {
  readonly maximumPercent: number;
  readonly minimumHealthyPercent: number;
}

/** None of them rounds to a standstill at the count that a day ends with. */
export const PERCENTAGES: readonly Percentages[] = [
  { maximumPercent: 200, minimumHealthyPercent: 100 },
  { maximumPercent: 150, minimumHealthyPercent: 50 },
  { maximumPercent: 100, minimumHealthyPercent: 0 },
  { maximumPercent: 125, minimumHealthyPercent: 75 },
];

export interface SimulatedDay {
  readonly seed: number;
  readonly world: World;
  readonly clock: EventClock;
  readonly random: Random;
  readonly violations: string[];
  /** What the scheduler saw last. */
  seen: ServiceView | undefined;
  /** A person or Spot is taking tasks out: the minimum binds neither. */
  byHand: boolean;
  /** No fault is made any more, and those that were made have ended. */
  calm: boolean;
  /** Whether tasks were started since the maximum was looked at. */
  started: boolean;
  decisions: number;
  /** Of everything that was decided and when: equal for equal runs. */
  digest: number;
  releases: number;
}

const DRAIN_POLL_MS = 5_000;
const SLOW_START_MS = 120_000;
const BAD_IMAGES = ['crash', 'sick', 'no-image'] as const;

/** Every task its own address, in any subnet. */
function createEndlessAddresses(): AddressBook {
  let last = 0;
  return {
    async allocate(_subnetId, _cidr, port) {
      last += 1;
      const host = `${Math.floor(last / 65_536) % 256}.${Math.floor(last / 256) % 256}.${last % 256}`;
      return { privateIp: `10.${host}`, loopback: `127.${host}`, port };
    },
    release: () => undefined,
  };
}

/** FNV-1a. */
export function addToDigest(day: SimulatedDay, text: string): void {
  for (let i = 0; i < text.length; i++)
    day.digest = Math.imul(day.digest ^ text.charCodeAt(i), 16_777_619) >>> 0;
}

/** A task definition whose tasks serve, or do what `bad` says. */
export function defineRelease(day: SimulatedDay, bad?: (typeof BAD_IMAGES)[number]): string {
  day.releases += 1;
  return day.world.control.define('shop', `r/${bad ? `bad-${bad}` : 'good'}:${day.releases}`);
}

export const chooseBadness = (day: SimulatedDay): (typeof BAD_IMAGES)[number] =>
  day.random.pick(BAD_IMAGES) ?? 'crash';

/** @param decide the real one, or a broken one that must be found out */
export function createDay(seed: number, decide: Decide): SimulatedDay {
  const clock = createEventClock();
  const random = createRandom(seed);
  const world = createWorld({
    clock,
    drainPollMs: DRAIN_POLL_MS,
    addresses: createEndlessAddresses(),
    decide: (service, tasks, now) => watched(service, tasks, now),
  });
  const day: SimulatedDay = {
    seed,
    world,
    clock,
    random,
    violations: [],
    seen: undefined,
    byHand: false,
    calm: false,
    started: false,
    decisions: 0,
    digest: 2_166_136_261,
    releases: 0,
  };
  const watched: Decide = watchPromises(day, decide);
  world.ecs.onChange(clock.stir);
  behave(day);
  // As the fake world answers, without its look at security groups, which a day asks for a hundred thousand times.
  world.balancer.answers = ({ id, zone }) => {
    const process = world.driver.at(id);
    return process?.behaviour.kind === 'serve' && !process.frozen && !world.ecs.zones.list().includes(zone);
  };
  const { register } = world.balancer;
  world.balancer.register = (arn, targets) => {
    register(arn, targets);
    // The first check of a new target is something that happens.
    void clock.sleep(CHECK_MS);
  };
  return day;
}

function behave(day: SimulatedDay): void {
  const { driver } = day.world;
  driver.behave = (image) => {
    for (const bad of BAD_IMAGES)
      if (image.includes(`bad-${bad}`)) return bad === 'crash' ? { kind: bad, exitCode: 1 } : { kind: bad };
    const roll = day.calm ? 1 : day.random.next();
    if (roll < 0.03) return { kind: 'crash', exitCode: 1 };
    if (roll < 0.05) return { kind: 'sick' };
    return roll < 0.06 ? { kind: 'no-image' } : { kind: 'serve' };
  };
  driver.startsWithinMs = () =>
    !day.calm && day.random.next() < 0.1 ? day.random.between(1, SLOW_START_MS) : 0;
}

export async function createFirstService(day: SimulatedDay): Promise<void> {
  const { world, seed } = day;
  const percentages = PERCENTAGES[seed % PERCENTAGES.length];
  await world.call(
    'CreateService',
    serviceInput(defineRelease(day), {
      capacityProviderStrategy: [
        { capacityProvider: 'FARGATE', weight: 1, base: seed % 3 },
        { capacityProvider: 'FARGATE_SPOT', weight: seed % 4 },
      ],
      deploymentConfiguration: {
        ...percentages,
        deploymentCircuitBreaker: { enable: true, rollback: seed % 5 !== 0 },
        alarms: { alarmNames: ['errors'], enable: seed % 2 === 0, rollback: seed % 4 === 0 },
      },
      ...(seed % 7 === 0 ? { loadBalancers: [], healthCheckGracePeriodSeconds: 0 } : {}),
      availabilityZoneRebalancing: seed % 6 === 0 ? 'DISABLED' : 'ENABLED',
    }),
  );
}

export const updateService = (day: SimulatedDay, changes: object): Promise<unknown> =>
  day.world.call('UpdateService', { cluster: CLUSTER, service: 'shop', ...changes });
