/**
 * Twenty rollouts that fail, each for another reason, on the embedded AWS: the first cause that Towpath names must be
 * the right one, and soon. Names and order are random: only what AWS shows can tell them apart.
 */
import { afterAll, beforeAll, expect, it } from 'vitest';
import { renderOutcomes, summarise } from '../fixtures/report.ts';
import {
  anonymousEnvironment,
  type FixtureWorld,
  openFixtureWorld,
  runFixtures,
  watchService,
} from '../fixtures/run-fixture.ts';

/**
 * Grace periods are divided too: much faster, and on a busy machine a program that is meant to fail for another reason
 * would really start slower than its grace period allows.
 */
const SPEED = 3;
const MEDIAN_GOAL_MS = 10_000;
const FIXTURES = 20;

let world: FixtureWorld;
beforeAll(async () => {
  world = await openFixtureWorld(SPEED);
});
afterAll(async () => {
  await world?.close();
});

it('explains a healthy rollout with nothing', async () => {
  const { explanation, seenComplete } = await watchService(world, anonymousEnvironment(), {}, true);
  expect(explanation).toBeUndefined();
  expect(seenComplete).toBe(true);
});

it(`names the cause of ${FIXTURES} of ${FIXTURES} failed or stuck rollouts first, within seconds`, async () => {
  const outcomes = await runFixtures(world);
  const report = renderOutcomes(outcomes);
  process.stdout.write(`${report}\n`);
  expect(outcomes).toHaveLength(FIXTURES);
  const wrong = outcomes
    .filter(({ expected, explanation }) => explanation?.kind !== expected)
    .map(({ expected, explanation }) => `${expected}: ${explanation?.kind} (${explanation?.cause})`);
  expect(wrong).toEqual([]);
  expect(outcomes.filter(({ seenComplete }) => seenComplete).map(({ expected }) => expected)).toEqual([]);
  expect(summarise(outcomes).medianMs).toBeLessThan(MEDIAN_GOAL_MS);
});
