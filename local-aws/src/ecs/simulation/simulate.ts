/**
 * Simulated days: random faults for 24 hours, then calm, in which everything must come to rest.
 * A day is decided by its seed alone, so that a failing one replays exactly.
 */
import { decide as realDecide } from '../decide/decide.ts';
import { isSettled, type ServiceShape } from '../test/world.ts';
import { endFaults, strikeAtRandom } from './faults.ts';
import { checkAccounts, checkRest, violate } from './invariants.ts';
import {
  addToDigest,
  createDay,
  createFirstService,
  type Decide,
  defineRelease,
  type SimulatedDay,
  updateService,
} from './simulated-day.ts';

const HOUR_MS = 3_600_000;
const DAY_HOURS = 24;
const MEAN_MS_BETWEEN_FAULTS = 1_200_000;
const LONGEST_MS_BETWEEN_FAULTS = 2 * HOUR_MS;
/** Longer than the longest throttle (27 min) and a rollout after it. */
const CALM_LIMIT_MS = HOUR_MS;
const CALM_STEP_MS = 10_000;
const CALM_DESIRED = 4;

export interface DayResult {
  readonly seed: number;
  /** Empty when everything held. */
  readonly violations: readonly string[];
  readonly faults: number;
  readonly decisions: number;
  readonly tasks: number;
  /** Equal for equal runs. */
  readonly digest: number;
}

const replayCommand = (seed: number): string =>
  `ECS_SEED=${seed} npx vitest run --project unit local-aws/src/ecs/simulation.test.ts`;

/** What to print of a failing day. */
export const describeFailure = ({ seed, violations }: DayResult): string =>
  `seed ${seed}: ${violations.join('; ')}\nreplay: ${replayCommand(seed)}`;

async function until(
  day: SimulatedDay,
  what: string,
  holds: (service: ServiceShape) => boolean,
): Promise<boolean> {
  for (let waited = 0; waited <= CALM_LIMIT_MS; waited += CALM_STEP_MS) {
    const service = await day.world.service();
    if (holds(service)) return true;
    await day.clock.advance(CALM_STEP_MS);
  }
  const { deployments, events, ...service } = await day.world.service();
  const states = deployments.map((d) => `${d.status} ${d.rolloutState} ${d.runningCount} running`);
  violate(
    day,
    `${what} not within ${CALM_LIMIT_MS} ms: desired ${service.desiredCount}, ${states.join(', ')}; ${events[0]?.message}`,
  );
  return false;
}

async function comeToRest(day: SimulatedDay): Promise<void> {
  endFaults(day);
  await updateService(day, { desiredCount: CALM_DESIRED });
  await until(day, 'the end of the deployment', (s) => s.deployments[0]?.rolloutState !== 'IN_PROGRESS');
  await updateService(day, { taskDefinition: defineRelease(day) });
  if (!(await until(day, 'a good release', isSettled))) return;
  await day.clock.advance(CALM_STEP_MS * 60);
  await checkRest(day);
}

async function stopDay(day: SimulatedDay): Promise<void> {
  const stopping = day.world.ecs.stop();
  // A drain that is still waited for needs the time to go on.
  await day.clock.advance(HOUR_MS);
  await stopping;
}

/** @param decide the real one unless a broken one is to be found out */
export async function simulateDay(
  seed: number,
  { hours = DAY_HOURS, decide = realDecide }: { readonly hours?: number; readonly decide?: Decide } = {},
): Promise<DayResult> {
  const day = createDay(seed, decide);
  let faults = 0;
  try {
    await createFirstService(day);
    const end = day.clock.now() + hours * HOUR_MS;
    while (day.clock.now() < end && day.violations.length === 0) {
      const pause = -Math.log(1 - day.random.next()) * MEAN_MS_BETWEEN_FAULTS;
      await day.clock.advance(Math.round(Math.min(pause, LONGEST_MS_BETWEEN_FAULTS)));
      checkAccounts(day);
      addToDigest(day, await strikeAtRandom(day));
      faults += 1;
    }
    if (day.violations.length === 0) await comeToRest(day);
  } catch (error) {
    violate(day, error instanceof Error ? (error.stack ?? error.message) : String(error));
  }
  await stopDay(day);
  return {
    seed,
    violations: day.violations,
    faults,
    decisions: day.decisions,
    tasks: day.world.driver.processes.length,
    digest: day.digest,
  };
}

export interface SimulationSummary {
  readonly seeds: number;
  readonly hours: number;
  readonly faults: number;
  readonly decisions: number;
  readonly tasks: number;
  readonly failures: readonly DayResult[];
}

/** @param report told of each day that failed, as it happens */
export async function simulateDays(
  { seeds, first = 1, hours = DAY_HOURS }: { seeds: number; first?: number; hours?: number },
  report: (failure: DayResult) => void = () => undefined,
): Promise<SimulationSummary> {
  const sum = { faults: 0, decisions: 0, tasks: 0 };
  const failures: DayResult[] = [];
  for (let seed = first; seed < first + seeds; seed++) {
    const result = await simulateDay(seed, { hours });
    sum.faults += result.faults;
    sum.decisions += result.decisions;
    sum.tasks += result.tasks;
    if (result.violations.length === 0) continue;
    failures.push(result);
    report(result);
  }
  return { seeds, hours, ...sum, failures };
}
