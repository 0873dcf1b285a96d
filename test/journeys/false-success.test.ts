/**
 * Releases that do not work, each for another reason, deployed with the built command line to the embedded AWS: it must
 * exit with 1, the ledger must never call one of them succeeded, and a release that ran before must run again.
 * `npm run sweep` tries all twenty, `npm test` some (test/support/sample.ts).
 */
import { randomInt } from 'node:crypto';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { deployments, runBadConfiguration, runCliFixtures } from '../fixtures/cli-fixture.ts';
import { faultsOf, renderCliOutcomes } from '../fixtures/cli-outcome.ts';
import { fixtureList } from '../fixtures/fixture-list.ts';
import { type FixtureWorld, openFixtureWorld } from '../fixtures/run-fixture.ts';
import { freePort } from '../support/free-port.ts';
import { sample, sampleTitle } from '../support/sample.ts';

/** Terraform takes most of the time, and it is not divided; health checks and grace periods must stay possible. */
const SPEED = 10;
/** Projects at once: more than the reference machine has cores, since the provider waits in steps of its own. */
const AT_ONCE = 5;
const UPDATES_TRIED = 1;
const FIRST_TRIED = 2;

const fixtures = fixtureList(await freePort());
const updates = fixtures.filter((each) => deployments(each) > 1);
const tried = [
  ...sample(updates, UPDATES_TRIED),
  ...sample(
    fixtures.filter((each) => !updates.includes(each)),
    FIRST_TRIED,
  ),
];

let world: FixtureWorld;
beforeAll(async () => {
  // The explanations' may run beside it, with octets below.
  world = await openFixtureWorld(SPEED, randomInt(175, 250));
});
afterAll(async () => {
  await world?.close();
});

it('fails for a bad configuration of the release that runs already', async () => {
  // ECS goes back to the same image between two looks: only the task definition tells.
  expect(faultsOf(await runBadConfiguration(world))).toEqual([]);
});

it(`fails with exit code 1 for bad releases, ${sampleTitle(fixtures, UPDATES_TRIED + FIRST_TRIED)}, and the ledger agrees`, async () => {
  const outcomes = await runCliFixtures(world, tried, AT_ONCE);
  process.stdout.write(`${renderCliOutcomes(outcomes)}\n`);
  expect(outcomes).toHaveLength(tried.length);
  expect(outcomes.flatMap(faultsOf)).toEqual([]);
});
