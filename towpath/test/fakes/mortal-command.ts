/**
 * Commands that die: the world in memory, seen by an operator whose process is killed after a chosen effect or at a
 * chosen moment. What had happened stays (locks, ledger, half an apply), what was under way never answers, and
 * nothing of the command runs on: no `catch`, no `finally`.
 */
import { hostname } from 'node:os';
import { TowpathError } from '../../src/domain/errors.ts';
import type { Environment } from '../../src/domain/project.ts';
import { digestOf } from '../../src/domain/release.ts';
import type { Cloud, LockPort, Ports, TerraformPort } from '../../src/ports.ts';
import { createMemoryLedger } from './memory-ledger.ts';
import { createMemoryLock } from './memory-lock.ts';
import { createMemoryRandom } from './memory-random.ts';
import { SERVICE_ADDRESS } from './memory-terraform.ts';
import type { MemoryEnvironment, MemoryWorld } from './memory-world.ts';
import { givenUpSnapshot, startingSnapshot } from './sample-snapshot.ts';

export interface MortalOptions {
  /** STS ARN of the operator. */
  readonly identity: string;
  /** The effect after which the process is killed, from 1; it lives when left out. */
  readonly dieAfterEffect?: number | undefined;
  /** Makes effects take a random number of turns of the event loop, from 0 to 1 as `Math.random`. */
  readonly random?: (() => number) | undefined;
  /** The turn in which it is killed, whatever is under way then. Needs `random`. */
  readonly dieAtTurn?: number | undefined;
  /** Effects that AWS refuses, from the given one on. The process lives, and deals with it. */
  readonly refuse?:
    | { readonly from: number; readonly count: number; readonly error: TowpathError }
    | undefined;
  /** Digests whose tasks crash at start, so that ECS gives their deployments up. */
  readonly broken?: ReadonlySet<string>;
}

export type MortalOutcome<T> =
  | { readonly end: 'done'; readonly value: T }
  | { readonly end: 'failed'; readonly error: unknown }
  | { readonly end: 'killed' };

export interface MortalRun<T> {
  readonly outcome: MortalOutcome<T>;
  /** Effects in the order in which they were finished. */
  readonly effects: readonly string[];
  readonly turns: number;
}

/** Turns that an effect takes at most, before it and again after it. */
const MAX_TURNS = 3;

/** Runs a command as one operator until it ends or dies. A lock that it leaves is then that of a dead process. */
export async function runMortal<T>(
  world: MemoryWorld,
  options: MortalOptions,
  command: (ports: Ports) => Promise<T>,
): Promise<MortalRun<T>> {
  const life = createLife(options);
  const ports = mortalPorts(world, options, life);
  const outcome = await Promise.race([
    life.death.then((): MortalOutcome<T> => ({ end: 'killed' })),
    command(ports).then(
      (value): MortalOutcome<T> => ({ end: 'done', value }),
      (error: unknown): MortalOutcome<T> => ({ end: 'failed', error }),
    ),
  ]);
  life.end();
  buryHolders(world);
  return { outcome, effects: life.effects, turns: life.turns() };
}

interface Life {
  readonly effects: string[];
  readonly death: Promise<void>;
  turns(): number;
  over(): boolean;
  /** Over without a death: what still runs is of no interest. */
  end(): void;
  /** One effect; never answers once the process is dead. */
  effect<T>(name: string, work: () => Promise<T>): Promise<T>;
  /** The same, where AWS may refuse. */
  call<T>(name: string, work: () => Promise<T>): Promise<T>;
}

function createLife({ dieAfterEffect, random, dieAtTurn, refuse }: MortalOptions): Life {
  let calls = 0;
  const effects: string[] = [];
  let turn = 0;
  let over = false;
  let die: () => void = () => undefined;
  const death = new Promise<void>((resolve) => {
    die = () => {
      over = true;
      resolve();
    };
  });
  const never = <T>() => new Promise<T>(() => undefined);
  const turns = async () => {
    const count = random ? Math.floor(random() * (MAX_TURNS + 1)) : 0;
    for (let each = 0; each < count && !over; each += 1) {
      turn += 1;
      if (turn === dieAtTurn) die();
      await new Promise((resolve) => setImmediate(resolve));
    }
  };
  const life: Life = {
    effects,
    death,
    call: (name, work) =>
      life.effect(name, async () => {
        calls += 1;
        if (refuse && calls >= refuse.from && calls < refuse.from + refuse.count) throw refuse.error;
        return work();
      }),
    turns: () => turn,
    over: () => over,
    end: () => {
      over = true;
    },
    async effect(name, work) {
      await turns();
      if (over) return never();
      try {
        return await work();
      } finally {
        // A call that fails has had its effect too.
        if (!over) {
          effects.push(name);
          if (effects.length === dieAfterEffect) die();
        }
        await turns();
        if (over) await never();
      }
    },
  };
  return life;
}

function mortalPorts(world: MemoryWorld, options: MortalOptions, life: Life): Ports {
  const clouds = new Map<string, Cloud>();
  const { ports } = world;
  return {
    ...ports,
    notifier: { notify: (event) => (life.over() ? undefined : ports.notifier.notify(event)) },
    clock: {
      now: () => ports.clock.now(),
      async sleep(ms, signal) {
        await ports.clock.sleep(ms, signal);
        if (life.over()) await new Promise(() => undefined);
      },
    },
    prompter: mortalPort('prompter', ports.prompter, life.effect),
    workspace: mortalPort('workspace', ports.workspace, life.effect),
    cloud(environment: Environment) {
      const existing = clouds.get(environment.name);
      if (existing) return existing;
      const cloud = mortalCloud(world, world.at(environment.name), options, life);
      clouds.set(environment.name, cloud);
      return cloud;
    },
  };
}

function mortalCloud(
  world: MemoryWorld,
  memory: MemoryEnvironment,
  options: MortalOptions,
  life: Life,
): Cloud {
  const { cloud, environment } = memory;
  const { clock } = world;
  const actor = options.identity;
  const at = (port: string) => `${environment.name} ${port}`;
  const lock = createMemoryLock({
    store: memory.lock,
    environment: environment.name,
    clock,
    random: createMemoryRandom(`lock-of-${actor}`),
    actor,
  });
  return {
    whoami: () => life.call(at('whoami'), async () => ({ ...(await cloud.whoami()), identity: actor })),
    bootstrap: mortalPort(at('bootstrap'), cloud.bootstrap, life.call),
    secrets: mortalPort(at('secrets'), cloud.secrets, life.call),
    service: {
      ...mortalPort(at('service'), cloud.service, life.call),
      // Goes to the load balancer, not to AWS.
      probe: (url, timeoutMs) => life.effect(at('probe'), () => cloud.service.probe(url, timeoutMs)),
    },
    oneOff: mortalPort(at('oneOff'), cloud.oneOff, life.call),
    exec: mortalPort(at('exec'), cloud.exec, life.call),
    monitoring: mortalPort(at('monitoring'), cloud.monitoring, life.call),
    logs: mortalPort(at('logs'), cloud.logs, life.call),
    images: mortalPort(at('images'), cloud.images, life.call),
    ledger: mortalPort(at('ledger'), createMemoryLedger({ store: memory.ledger, clock, actor }), life.call),
    lock: mortalLock(at('lock'), lock, life),
    terraform: mortalTerraform(memory, options, life),
  };
}

/** Every asynchronous method of a port as an effect of this life. */
function mortalPort<T extends object>(name: string, port: T, effect: Life['effect']): T {
  return new Proxy(port, {
    get(target, key) {
      const value: unknown = Reflect.get(target, key);
      if (typeof value !== 'function') return value;
      return (...args: unknown[]) =>
        effect(`${name}.${String(key)}`, async () => Reflect.apply(value, target, args));
    },
  });
}

function mortalLock(name: string, lock: LockPort, life: Life): LockPort {
  const port = mortalPort(name, lock, life.call);
  return {
    inspect: () => port.inspect(),
    break: (id) => port.break(id),
    acquire: async (operation) => mortalPort(name, await port.acquire(operation), life.call),
  };
}

/**
 * Terraform as it dies: it locks the state while it plans and applies, changes the service before it saves its state,
 * and a state that does not match the service is a plan that is not empty.
 */
function mortalTerraform(memory: MemoryEnvironment, options: MortalOptions, life: Life): TerraformPort {
  const { terraform, service, environment } = memory;
  const at = (what: string) => `${environment.name} terraform ${what}`;
  const destroys = new Set<string>();
  const lock = async (operation: string) => {
    if (terraform.lock)
      throw new TowpathError('STATE_LOCKED', `the state is locked (${terraform.lock.operation})`, {
        hint: `towpath unlock ${environment.name}`,
      });
    terraform.lock = {
      id: `state-${operation}`,
      who: options.identity,
      operation,
      created: '2026-01-01T00:00:00Z',
    };
  };
  const unlocking = async <T>(work: () => Promise<T>) => {
    try {
      return await work();
    } finally {
      terraform.lock = undefined;
    }
  };
  const giveUp = async (digest: string, first: boolean) => {
    service.play(givenUpSnapshot(digest));
    if (first) terraform.tainted.add(SERVICE_ADDRESS);
    throw new TowpathError('TERRAFORM_FAILED', 'waiting for the service: circuit breaker');
  };
  return {
    init: (signal) => life.call(at('init'), () => terraform.init(signal)),
    show: (plan) => life.call(at('show'), () => terraform.show(plan)),
    stateLock: () => life.call(at('state lock'), () => terraform.stateLock()),
    forceUnlock: (id) => life.call(at('force-unlock'), () => terraform.forceUnlock(id)),
    async untaint(plan, addresses, signal) {
      await life.call(at('untaint: locked'), () => lock('untaint'));
      await life.call(at('untaint: saved'), () =>
        unlocking(() => terraform.untaint(plan, addresses, signal)),
      );
    },
    findExisting: (plan, addresses) =>
      life.call(at('find existing'), () => terraform.findExisting(plan, addresses)),
    async plan(variables, planOptions) {
      await life.call(at('plan: locked'), () => lock('plan'));
      return life.call(at('plan: made'), () =>
        unlocking(async () => {
          const plan = await terraform.plan(variables, planOptions);
          if (planOptions?.destroy) destroys.add(plan.file);
          return plan;
        }),
      );
    },
    async apply(plan, variables, signal) {
      const digest = digestOf(variables.image) ?? '';
      const first = terraform.applied === undefined;
      const broken = options.broken?.has(digest) && !destroys.has(plan.file);
      await life.call(at('apply: locked'), () => lock('apply'));
      await life.call(at('apply: half done'), async () => {
        terraform.applied = HALF_APPLIED;
        if (!destroys.has(plan.file)) service.play(startingSnapshot(digest));
      });
      return life.call(at('apply: saved'), () =>
        unlocking(() => {
          if (broken) terraform.applies.push(() => giveUp(digest, first));
          return terraform.apply(plan, variables, signal);
        }),
      );
    },
  };
}

/** Stands for the image of a state that was not saved: equal to none, so that every plan has something to do. */
const HALF_APPLIED = 'half-applied';

/** Locks that the process could not give back are now held by a process number that means nothing. */
function buryHolders(world: MemoryWorld): void {
  for (const { name } of world.ports.project.environments) {
    const { lock } = world.at(name);
    if (lock.holder) lock.holder = { ...lock.holder, host: hostname(), processStart: 'long ago' };
  }
}
