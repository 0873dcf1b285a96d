/**
 * Commands killed after each of their effects, one by one, and at random moments: what the next operator sees, and
 * that the same command then ends well, with one success in the ledger and nothing lost.
 */
import { describe, expect, it } from 'vitest';
import { REPOSITORY_URI } from '../../test/fakes/memory-images.ts';
import { createMemoryWorld, type MemoryWorld } from '../../test/fakes/memory-world.ts';
import { type MortalOptions, type MortalRun, runMortal } from '../../test/fakes/mortal-command.ts';
import { sampleEnvironment } from '../../test/fakes/sample-project.ts';
import { sampleDigest } from '../../test/fakes/sample-snapshot.ts';
import { seededRandom } from '../../test/fakes/seeded-random.ts';
import { TowpathError } from '../domain/errors.ts';
import { foldLedger, verifyChain } from '../domain/ledger.ts';
import { foldPromotions } from '../domain/promotion.ts';
import type { Ports } from '../ports.ts';
import { applyConfiguration } from './apply.ts';
import { deploy } from './deploy.ts';
import { destroy } from './destroy.ts';
import { unlock } from './lock.ts';
import { approve, promote } from './promote.ts';
import { rollback } from './rollback.ts';
import { status } from './status.ts';

const [A, B] = [sampleDigest('a'), sampleDigest('b')];
const user = (name: string) => `arn:aws:iam::123456789012:user/${name}`;
const [ANNA, BEN, REVIEWER, SECOND_REVIEWER] = ['anna', 'ben', 'reviewer', 'second-reviewer'].map(user) as [
  string,
  string,
  string,
  string,
];

/** More effects than any command here has; a command that has more is not ended by its deaths. */
const MAX_EFFECTS = 200;
const RANDOM_RUNS = 15;
const SEED = Number(process.env.CRASH_SEED ?? 20_260_101);

const run = { generateSecrets: true, allowDestroy: false, signal: new AbortController().signal };
const verbs = {
  deploy: (ports: Ports) => deploy(ports, 'test', { ...run, breakGlass: undefined }),
  promote: (ports: Ports) => promote(ports, 'qa', run),
  approve: (ports: Ports) => approve(ports, 'qa', run),
  rollback: (ports: Ports) => rollback(ports, 'test', undefined, run),
  restore: (ports: Ports) => rollback(ports, 'test', foldOf(ports, 'test').deployments[0]?.release.id, run),
  apply: (ports: Ports) => applyConfiguration(ports, 'test', run),
  destroy: (ports: Ports) => destroy(ports, 'test', { ...run, confirmed: true }),
};

interface Scenario {
  readonly prepare: () => Promise<MemoryWorld>;
  readonly command: (ports: Ports) => Promise<unknown>;
  /** Who is killed. */
  readonly by: string;
  /** Who comes next, and what that operator does; the same command when left out. */
  readonly nextBy: string;
  readonly next?: (ports: Ports) => Promise<unknown>;
  readonly broken?: ReadonlySet<string>;
  /** The environment that is changed. */
  readonly at: 'test' | 'qa';
  /** Ways in which the next command may end without doing anything, since the killed one had done it all. */
  readonly alreadyDone?: readonly string[];
  /** The way in which the next command fails, where it has to. */
  readonly fails?: string;
  readonly goal: (world: MemoryWorld) => Promise<void> | void;
}

const worlds = new WeakMap<Ports['project'], MemoryWorld>();
function foldOf(ports: Ports, environment: string) {
  const world = worlds.get(ports.project);
  if (!world) throw new Error('the world of these ports is not known');
  return foldLedger([...world.at(environment).ledger.values()]);
}

function newWorld(): MemoryWorld {
  const auto = { trigger: 'auto' as const, approvals: 1, soakSeconds: 0 };
  const world = createMemoryWorld({
    environments: [
      sampleEnvironment('test', 0),
      sampleEnvironment('qa', 1),
      { ...sampleEnvironment('staging', 2), promotion: auto },
    ],
  });
  worlds.set(world.ports.project, world);
  return world;
}

async function must(world: MemoryWorld, identity: string, command: Scenario['command']): Promise<void> {
  const { outcome } = await runMortal(world, { identity }, command);
  if (outcome.end === 'failed') throw outcome.error;
}

async function runningA(): Promise<MemoryWorld> {
  const world = newWorld();
  await must(world, ANNA, verbs.deploy);
  world.source.digest = B;
  return world;
}

async function runningB(): Promise<MemoryWorld> {
  const world = await runningA();
  await must(world, ANNA, verbs.deploy);
  return world;
}

const succeeded = (world: MemoryWorld, environment: string) =>
  foldLedger([...world.at(environment).ledger.values()])
    .deployments.filter(({ state }) => state === 'succeeded')
    .map(({ release }) => release.imageDigest);

async function expectRuns(world: MemoryWorld, environment: string, digest: string): Promise<void> {
  const { ledger, terraform, service } = world.at(environment);
  expect(foldLedger([...ledger.values()]).current?.release.imageDigest).toBe(digest);
  expect(terraform.applied).toBe(`${REPOSITORY_URI}@${digest}`);
  const snapshot = await service.snapshot();
  expect(snapshot?.tasks.map(({ imageDigest }) => imageDigest)).toEqual([digest]);
}

const promotionsTo = (world: MemoryWorld, environment: string) =>
  foldPromotions([...world.at(environment).ledger.values()]).map(({ state, release }) => [
    state,
    release.imageDigest,
  ]);

async function promotedA(): Promise<MemoryWorld> {
  const world = await runningA();
  await must(world, ANNA, verbs.promote);
  return world;
}

/** In qa once, and on its way to staging, whose trigger is automatic. */
async function expectPromoted(world: MemoryWorld): Promise<void> {
  await expectRuns(world, 'qa', A);
  expect(succeeded(world, 'qa')).toEqual([A]);
  expect(promotionsTo(world, 'qa')).toEqual([['succeeded', A]]);
  expect(promotionsTo(world, 'staging')).toEqual([['open', A]]);
}

const SCENARIOS: Readonly<Record<string, Scenario>> = {
  'a first deploy': {
    prepare: async () => newWorld(),
    command: verbs.deploy,
    by: ANNA,
    nextBy: BEN,
    at: 'test',
    async goal(world) {
      await expectRuns(world, 'test', A);
      expect(succeeded(world, 'test')).toEqual([A]);
      // Nobody made a second one over a value that tasks may have read.
      expect(world.test.secrets.get('app-secret')?.version).toBe(1);
    },
  },
  'a deploy after a first one that failed': {
    async prepare() {
      const world = newWorld();
      await runMortal(world, { identity: ANNA, broken: new Set([A]) }, verbs.deploy);
      expect(world.test.terraform.tainted.size).toBe(1);
      world.source.digest = B;
      return world;
    },
    command: verbs.deploy,
    by: ANNA,
    nextBy: BEN,
    at: 'test',
    async goal(world) {
      await expectRuns(world, 'test', B);
      expect(succeeded(world, 'test')).toEqual([B]);
      // Replacing the service would have taken no mark off.
      expect(world.journal.filter((line) => line.startsWith('terraform untaint'))).toHaveLength(1);
    },
  },
  'a deploy of a changed app': {
    prepare: runningA,
    command: verbs.deploy,
    by: ANNA,
    nextBy: BEN,
    at: 'test',
    async goal(world) {
      await expectRuns(world, 'test', B);
      expect(succeeded(world, 'test')).toEqual([A, B]);
    },
  },
  'a deploy that somebody else undoes': {
    prepare: runningA,
    command: verbs.deploy,
    by: ANNA,
    nextBy: BEN,
    next: verbs.restore,
    at: 'test',
    alreadyDone: ['NO_ROLLBACK_TARGET'],
    goal: (world) => expectRuns(world, 'test', A),
  },
  'a deploy of a broken app': {
    prepare: runningA,
    command: verbs.deploy,
    by: ANNA,
    nextBy: BEN,
    broken: new Set([B]),
    at: 'test',
    fails: 'DEPLOYMENT_FAILED',
    async goal(world) {
      await expectRuns(world, 'test', A);
      expect(succeeded(world, 'test')).toEqual([A]);
    },
  },
  'a promote whose gates are open': {
    async prepare() {
      const world = await promotedA();
      const { ledger } = world.at('qa').cloud;
      const events = await ledger.load();
      const promotion = foldPromotions(events)[0]?.id ?? '';
      await ledger.append(events.at(-1), { type: 'promotion.approved', promotion });
      return world;
    },
    command: verbs.promote,
    by: ANNA,
    nextBy: BEN,
    at: 'qa',
    alreadyDone: ['NOTHING_TO_PROMOTE'],
    goal: expectPromoted,
  },
  'a promote that waits': {
    prepare: runningA,
    command: verbs.promote,
    by: ANNA,
    nextBy: BEN,
    at: 'qa',
    goal(world) {
      expect(promotionsTo(world, 'qa')).toEqual([['open', A]]);
    },
  },
  'an approve, gone on with by the same reviewer': {
    prepare: promotedA,
    command: verbs.approve,
    by: REVIEWER,
    nextBy: REVIEWER,
    at: 'qa',
    alreadyDone: ['NO_OPEN_PROMOTION'],
    goal: expectPromoted,
  },
  'an approve, gone on with by another reviewer': {
    prepare: promotedA,
    command: verbs.approve,
    by: REVIEWER,
    nextBy: SECOND_REVIEWER,
    at: 'qa',
    alreadyDone: ['NO_OPEN_PROMOTION'],
    goal: expectPromoted,
  },
  'an approve, gone on with by promote': {
    prepare: promotedA,
    command: verbs.approve,
    by: REVIEWER,
    nextBy: ANNA,
    next: async (ports) => {
      const waits = await promote(ports, 'qa', run);
      if (waits.state === 'waiting') throw new TowpathError('GATE_CLOSED', 'not approved yet');
    },
    at: 'qa',
    alreadyDone: ['NOTHING_TO_PROMOTE', 'GATE_CLOSED'],
    async goal(world) {
      if (promotionsTo(world, 'qa')[0]?.[0] === 'open') await must(world, SECOND_REVIEWER, verbs.approve);
      await expectPromoted(world);
    },
  },
  'an apply of a changed configuration': {
    prepare: runningA,
    command: verbs.apply,
    by: ANNA,
    nextBy: BEN,
    at: 'test',
    goal: (world) => expectRuns(world, 'test', A),
  },
  'a rollback': {
    prepare: runningB,
    command: verbs.rollback,
    by: ANNA,
    nextBy: BEN,
    // One more step back would be another release: who comes next has seen in `status` that this one was done.
    next: async (ports) => {
      if (foldOf(ports, 'test').current?.release.imageDigest !== A) return verbs.rollback(ports);
      throw new TowpathError('NO_ROLLBACK_TARGET', 'the status says that it was done');
    },
    at: 'test',
    alreadyDone: ['NO_ROLLBACK_TARGET'],
    async goal(world) {
      await expectRuns(world, 'test', A);
      expect(succeeded(world, 'test')).toEqual([A, B, A]);
    },
  },
  'a destroy': {
    prepare: runningA,
    command: verbs.destroy,
    by: ANNA,
    nextBy: BEN,
    at: 'test',
    async goal(world) {
      const events = [...world.test.ledger.values()];
      expect(foldLedger(events).current).toBeUndefined();
      expect(events.filter(({ payload }) => payload.type === 'environment.destroyed')).toHaveLength(1);
      expect(world.test.terraform.applied).toBeUndefined();
      expect(world.test.secrets.size).toBe(0);
    },
  },
};

/** Everything that the one killed left is dealt with, and the record holds. */
function expectSettled(world: MemoryWorld): void {
  for (const { name } of world.ports.project.environments) {
    const { ledger, lock, terraform } = world.at(name);
    const keyed = [...ledger].map(([key, event]) => ({ key, event }));
    expect(verifyChain(keyed)).toEqual([]);
    expect(lock.holder).toBeUndefined();
    expect(terraform.lock).toBeUndefined();
    const started = world
      .at(name)
      .payloads()
      .filter(({ type }) => type === 'deployment.started');
    const ended = world
      .at(name)
      .payloads()
      .filter(({ type }) => /^deployment\.(?!started)/.test(type));
    const idOf = (payload: object) => ('deployment' in payload ? payload.deployment : undefined);
    expect(ended.map(idOf)).toEqual(started.map(idOf));
  }
}

/** What the next operator is told, before and while anything is mended. */
async function expectTold(world: MemoryWorld, { at }: Scenario): Promise<void> {
  const { open } = foldLedger([...world.at(at).ledger.values()]);
  const { holder } = world.at(at).lock;
  const [seen] = await status(world.ports, [at]);
  if (open) expect(seen?.unfinished?.text).toContain(open.id);
  if (holder) {
    expect(seen?.unfinished?.text).toContain(holder.actor);
    expect(seen?.unfinished?.next).toBe(`towpath unlock ${at}`);
  } else if (open) expect(seen?.unfinished?.next).toContain(open.release.id);
}

async function comeNext(world: MemoryWorld, scenario: Scenario, options: Partial<MortalOptions>) {
  await expectTold(world, scenario);
  const { ledger, lock, terraform } = world.at(scenario.at);
  const { open } = foldLedger([...ledger.values()]);
  const settles = open !== undefined;
  if (lock.holder || terraform.lock) {
    const { outcome } = await runMortal(world, { identity: scenario.nextBy }, (ports) =>
      unlock(ports, scenario.at, { force: false }),
    );
    if (outcome.end === 'failed') throw outcome.error;
  }
  world.events.length = 0;
  const again = await runMortal(
    world,
    { identity: scenario.nextBy, ...options },
    scenario.next ?? scenario.command,
  );
  expectEnd(again, scenario);
  const told = world.events.some((event) => event.type === 'note' && event.text.includes(`${open?.id} `));
  if (settles) expect(told, 'that a deployment never ended is said').toBe(true);
  expectSettled(world);
  await scenario.goal(world);
}

function expectEnd({ outcome }: MortalRun<unknown>, { alreadyDone = [], fails }: Scenario): void {
  if (outcome.end === 'done' && fails === undefined) return;
  if (outcome.end === 'failed' && outcome.error instanceof TowpathError) {
    if ([...alreadyDone, fails].includes(outcome.error.code)) return;
  }
  throw outcome.end === 'failed'
    ? outcome.error
    : new Error(`the next command ended ${outcome.end}, not ${fails}`);
}

describe.each(Object.entries(SCENARIOS))('%s', (_name, scenario) => {
  const broken = scenario.broken === undefined ? {} : { broken: scenario.broken };

  it('killed after any of its effects', async () => {
    const survived: string[] = [];
    for (let effect = 1; effect <= MAX_EFFECTS; effect += 1) {
      const world = await scenario.prepare();
      const options = { identity: scenario.by, dieAfterEffect: effect, ...broken };
      const first = await runMortal(world, options, scenario.command);
      if (first.outcome.end !== 'killed') return expect(survived.length).toBeGreaterThan(5);
      survived.push(first.effects.at(-1) ?? '');
      try {
        await comeNext(world, scenario, broken);
      } catch (error) {
        throw new Error(`killed after effect ${effect}, ${survived.at(-1)}`, { cause: error });
      }
    }
    expect.unreachable(`more than ${MAX_EFFECTS} effects`);
  });

  it(`killed at ${RANDOM_RUNS} random moments, seed ${SEED}`, async () => {
    for (let round = 0; round < RANDOM_RUNS; round += 1) {
      const seed = SEED + round;
      const whole = { identity: scenario.by, random: seededRandom(seed), ...broken };
      const { turns } = await runMortal(await scenario.prepare(), whole, scenario.command);
      const world = await scenario.prepare();
      const dieAtTurn = 1 + Math.floor(seededRandom(seed * 7)() * turns);
      const options = { identity: scenario.by, random: seededRandom(seed), dieAtTurn, ...broken };
      const first = await runMortal(world, options, scenario.command);
      try {
        expect(first.outcome.end).toBe('killed');
        await comeNext(world, scenario, { ...broken, random: seededRandom(seed + 1) });
      } catch (error) {
        const after = first.effects.at(-1) ?? 'nothing';
        throw new Error(`CRASH_SEED=${seed}: killed at turn ${dieAtTurn} of ${turns}, after ${after}`, {
          cause: error,
        });
      }
    }
  });

  it.each([
    ['throttled at one call', 1, new TowpathError('AWS_CALL_FAILED', 'AWS throttles it')],
    ['whose credentials expire', Infinity, new TowpathError('CREDENTIALS_EXPIRED', 'they have expired')],
  ])('%s, whichever', async (_how, count, error) => {
    for (let from = 1; from <= MAX_EFFECTS; from += 1) {
      const world = await scenario.prepare();
      const options = { identity: scenario.by, refuse: { from, count, error }, ...broken };
      const { outcome, effects } = await runMortal(world, options, scenario.command);
      if (effects.length < from) return expect(from).toBeGreaterThan(5);
      try {
        if (outcome.end === 'failed') expect(outcome.error).toBeInstanceOf(TowpathError);
        await comeNext(world, scenario, broken);
      } catch (cause) {
        throw new Error(`refused from call ${from} on, after ${effects.at(from - 2)}`, { cause });
      }
    }
    expect.unreachable(`more than ${MAX_EFFECTS} calls`);
  });
});
