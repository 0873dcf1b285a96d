/** A world in memory with the shipped ladder (test, qa, staging, prod) and the people who move releases along it. */
import { applyConfiguration } from '../../src/actions/apply.ts';
import type { RunOptions } from '../../src/actions/carry-out.ts';
import { type DeployOptions, deploy } from '../../src/actions/deploy.ts';
import { approve, promote, reject } from '../../src/actions/promote.ts';
import { rollback } from '../../src/actions/rollback.ts';
import { foldLedger, type LedgerPayload } from '../../src/domain/ledger.ts';
import type { Environment } from '../../src/domain/project.ts';
import { foldPromotions, openPromotion, type Promotion } from '../../src/domain/promotion.ts';
import type { Cloud, LedgerPort, Ports } from '../../src/ports.ts';
import { createMemoryLedger } from './memory-ledger.ts';
import { createMemoryWorld, type MemoryWorld } from './memory-world.ts';
import { sampleEnvironment } from './sample-project.ts';

export const ACCOUNT = '123456789012';
export const userArn = (name: string) => `arn:aws:iam::${ACCOUNT}:user/${name}`;

/** prod waits until staging has been healthy for as long. */
export const PROD_SOAK_SECONDS = 600;

export function ladderEnvironments(): readonly Environment[] {
  return [
    sampleEnvironment('test', 0),
    sampleEnvironment('qa', 1),
    { ...sampleEnvironment('staging', 2), promotion: { trigger: 'auto', approvals: 1, soakSeconds: 0 } },
    {
      ...sampleEnvironment('prod', 3),
      promotion: { trigger: 'manual', approvals: 2, soakSeconds: PROD_SOAK_SECONDS },
      protected: true,
    },
  ];
}

/** One person's commands. */
export interface Person {
  readonly ports: Ports;
  deploy(environment: string, options?: Partial<DeployOptions>): ReturnType<typeof deploy>;
  promote(environment: string, options?: Partial<RunOptions>): ReturnType<typeof promote>;
  approve(environment: string, options?: Partial<RunOptions>): ReturnType<typeof approve>;
  reject(environment: string, reason?: string): ReturnType<typeof reject>;
  apply(environment: string, options?: Partial<RunOptions>): ReturnType<typeof applyConfiguration>;
  rollback(environment: string, to?: string, options?: Partial<RunOptions>): ReturnType<typeof rollback>;
}

export interface LadderWorld extends MemoryWorld {
  /** @param name of an IAM user, or an ARN */
  as(name: string): Person;
  promotions(environment: string): readonly Promotion[];
  open(environment: string): Promotion | undefined;
  /** Release that the ledger says to run. */
  current(environment: string): string | undefined;
  types(environment: string): readonly LedgerPayload['type'][];
  /** Runs before every append to this environment's ledger, whoever writes; an error is thrown by the append. */
  beforeAppend(environment: string, hook: (payload: LedgerPayload) => Promise<void> | void): void;
}

type Hooks = Map<string, (payload: LedgerPayload) => Promise<void> | void>;

/** @param change of an environment, by name */
export function createLadderWorld(change: Readonly<Record<string, Partial<Environment>>> = {}): LadderWorld {
  const environments = ladderEnvironments().map((one) => ({ ...one, ...change[one.name] }));
  const world = createMemoryWorld({ environments });
  const hooks: Hooks = new Map();
  const eventsOf = (environment: string) => [...world.at(environment).ledger.values()];
  const promotions = (environment: string) => foldPromotions(eventsOf(environment));
  return {
    ...world,
    as: (name) => createPerson(portsAs(world, name.startsWith('arn:') ? name : userArn(name), hooks)),
    promotions,
    open: (environment) => openPromotion(promotions(environment)),
    current: (environment) => foldLedger(eventsOf(environment)).current?.release.id,
    types: (environment) => eventsOf(environment).map(({ payload }) => payload.type),
    beforeAppend: (environment, hook) => void hooks.set(environment, hook),
  };
}

/** The ports of somebody else in the same world. */
export function portsAs(world: MemoryWorld, identity: string, hooks: Hooks = new Map()): Ports {
  const cloudAs = ({ name }: Environment): Cloud => {
    const { cloud, ledger: store } = world.at(name);
    const ledger = createMemoryLedger({ store, clock: world.clock, actor: identity });
    return {
      ...cloud,
      whoami: async () => ({ ...(await cloud.whoami()), identity }),
      ledger: hooked(ledger, async (payload) => hooks.get(name)?.(payload), world.journal),
    };
  };
  return { ...world.ports, cloud: cloudAs };
}

function hooked(
  ledger: LedgerPort,
  hook: (payload: LedgerPayload) => Promise<void>,
  journal: string[],
): LedgerPort {
  return {
    ...ledger,
    async append(last, payload) {
      await hook(payload);
      const event = await ledger.append(last, payload);
      journal.push(`ledger ${payload.type}`);
      return event;
    },
  };
}

function createPerson(ports: Ports): Person {
  const run = (options: Partial<RunOptions> = {}): RunOptions => ({
    generateSecrets: true,
    allowDestroy: false,
    signal: new AbortController().signal,
    ...options,
  });
  return {
    ports,
    deploy: (environment, options) =>
      deploy(ports, environment, { ...run(options), breakGlass: undefined, ...options }),
    promote: (environment, options) => promote(ports, environment, run(options)),
    approve: (environment, options) => approve(ports, environment, run(options)),
    reject: (environment, reason = 'not this week') => reject(ports, environment, reason),
    apply: (environment, options) => applyConfiguration(ports, environment, run(options)),
    rollback: (environment, to, options) => rollback(ports, environment, to, run(options)),
  };
}

const APPROVERS = ['reviewer', 'lead', 'auditor'] as const;

/**
 * Takes the source as it is up to an environment, waiting as long as a soak asks for: the developer asks, as many
 * others as needed say yes.
 * @returns the release
 */
export async function takeUpTo(world: LadderWorld, environment: string): Promise<string> {
  const { release } = await world.as('developer').deploy('test');
  const last = world.at(environment).environment.position;
  for (const next of world.ports.project.environments.slice(1, last + 1)) await takeOn(world, next.name);
  return release.id;
}

/** From the environment before, where it is verified. */
export async function takeOn(world: LadderWorld, environment: string): Promise<void> {
  const { promotion } = world.at(environment).environment;
  world.clock.advance(promotion.soakSeconds * 1_000);
  await world.as('developer').promote(environment);
  const requester = world.open(environment)?.requestedBy;
  const others = APPROVERS.filter((name) => userArn(name) !== requester);
  for (const name of others.slice(0, promotion.approvals)) await world.as(name).approve(environment);
}
