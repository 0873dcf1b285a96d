/**
 * Some simulated days of the scheduler under random faults; all thousand are in `local-aws/bench/simulation.ts`.
 * One day again: ECS_SEED=<seed>. More of them: ECS_RUNS=<count>.
 */
import { describe, expect, it } from 'vitest';
import { type Action, decide } from './decide/decide.ts';
import { describeFailure, simulateDay } from './simulation/simulate.ts';
import type { Decide } from './simulation/simulated-day.ts';

const RUNS = Number(process.env.ECS_RUNS ?? 10);
/** On a machine that does seven other things. */
const DAY_TIMEOUT_MS = 60_000;
const given = process.env.ECS_SEED;
const seeds = given ? [Number(given)] : Array.from({ length: RUNS }, (_, i) => 1 + i);

describe('a simulated day', () => {
  it.each(seeds)(
    'keeps its promises with seed %i',
    async (seed) => {
      const result = await simulateDay(seed);
      if (result.violations.length > 0) throw new Error(describeFailure(result));
      expect(result.faults).toBeGreaterThan(20);
    },
    DAY_TIMEOUT_MS,
  );

  it(
    'replays exactly',
    async () => {
      const [first, second] = [await simulateDay(77, { hours: 6 }), await simulateDay(77, { hours: 6 })];
      expect(second).toEqual(first);
      expect((await simulateDay(78, { hours: 6 })).digest).not.toBe(first.digest);
    },
    DAY_TIMEOUT_MS,
  );
});

const without =
  (wrong: (action: Action) => boolean): Decide =>
  (service, tasks, now) =>
    decide(service, tasks, now).filter((action) => !wrong(action));

/** Each is a mistake that somebody could make. */
const broken: readonly (readonly [string, Decide, RegExp])[] = [
  [
    'starts more than the maximum',
    (service, tasks, now) => decide({ ...service, maximumPercent: 400 }, tasks, now),
    /above the maximum/,
  ],
  [
    'takes more out than the minimum leaves',
    (service, tasks, now) => decide({ ...service, minimumHealthyPercent: 0 }, tasks, now),
    /below the minimum/,
  ],
  [
    'stops old tasks before their successors are healthy',
    (service, tasks, now) => [
      ...decide(service, tasks, now),
      ...tasks
        .filter(({ deploymentId }) => deploymentId !== service.deployments[0]?.id)
        .map(({ id }): Action => ({ kind: 'stop', taskId: id, why: 'scaling' })),
    ],
    /below the minimum/,
  ],
  ['never completes', without(({ kind }) => kind === 'complete'), /not within/],
  ['never retires a deployment', without(({ kind }) => kind === 'retire'), /a good release not within/],
  [
    'does not replace what fails its checks',
    without((action) => action.kind === 'stop' && action.why === 'unhealthy'),
    /above the maximum|not within/,
  ],
  [
    'overlooks a change of the desired count',
    (service, tasks, now) => decide({ ...service, desiredCount: 3 }, tasks, now),
    /not within|above|below/,
  ],
];

const MAX_SEEDS_TO_FIND_IT = 12;

describe('a scheduler that is broken', () => {
  it.each(broken)(
    'is found out: %s',
    async (_name, mutant, expected) => {
      for (let seed = 1; seed <= MAX_SEEDS_TO_FIND_IT; seed++) {
        const result = await simulateDay(seed, { hours: 12, decide: mutant });
        if (result.violations.length === 0) continue;
        expect(describeFailure(result)).toMatch(expected);
        expect(describeFailure(result)).toContain(`seed ${seed}: `);
        expect(describeFailure(result)).toContain(`ECS_SEED=${seed} `);
        return;
      }
      throw new Error(`not found out with ${MAX_SEEDS_TO_FIND_IT} seeds`);
    },
    DAY_TIMEOUT_MS,
  );
});
