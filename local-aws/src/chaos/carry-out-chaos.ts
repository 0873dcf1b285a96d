/** Does what a chaos action says, to tasks, zones and calls, and knows how to undo it. */
import { AwsError, type LocalEnvironment, type RunningTask } from '../contract.ts';
import type { ApiFaults } from './api-faults.ts';
import type { BegunChaos } from './chaos-desk.ts';
import { ChaosError } from './chaos-error.ts';
import { chooseServices, chooseTask, type TaskSelection } from './choose-task.ts';
import { suggestFrom } from './closest.ts';
import type { ApiRule } from './decide-api-fault.ts';
import type { ChaosRequest, ChaosRequestOf } from './parse-chaos.ts';
import { createSeededRandom } from './seeded-random.ts';

export interface FoundTask {
  readonly record: { readonly id: string; readonly zone: string };
  /** undefined until its process runs. */
  readonly running: Pick<RunningTask, 'freeze' | 'kill' | 'fillMemory' | 'exited'> | undefined;
}

/** What chaos reaches of the embedded AWS. */
export interface ChaosPlatform {
  readonly zones: {
    /** @returns ids of the tasks that are hit */
    down(zone: string): readonly string[];
    up(zone: string): readonly string[];
    list(): readonly string[];
  };
  /** All zones of the region. */
  zoneNames(): Promise<readonly string[]>;
  environments(): readonly LocalEnvironment[];
  /** @throws AwsError when several match */
  findTask(idOrPrefix: string): FoundTask | undefined;
  /** @throws AwsError */
  interruptSpot(
    selection: { readonly task: string } | { readonly cluster: string; readonly service: string },
  ): readonly string[];
  accessKeyOf(identity: 'developer' | 'reviewer'): string;
}

export type BeginChaos = (id: string, request: ChaosRequest) => Promise<BegunChaos>;

const SHOWN_ID_CHARS = 12;
const shown = (ids: readonly string[]): string => ids.map((id) => id.slice(0, SHOWN_ID_CHARS)).join(', ');
const count = (ids: readonly string[]): string => `${ids.length} ${ids.length === 1 ? 'task' : 'tasks'}`;

export function createChaosActions(
  platform: ChaosPlatform,
  faults: ApiFaults,
  newSeed: () => number,
): BeginChaos {
  /** Frozen by an action of their own, by task id. */
  const frozen = new Map<string, string>();
  return async (id, request) => {
    try {
      switch (request.action) {
        case 'zone-down':
          return await takeZoneDown(platform, frozen, request);
        case 'kill-task':
          return killTask(findTarget(platform, request, newSeed));
        case 'freeze-task':
          return freezeTask(platform, frozen, id, findTarget(platform, request, newSeed));
        case 'fill-memory':
          return fillMemory(findTarget(platform, request, newSeed));
        case 'interrupt-spot':
          return interruptSpot(platform, request);
        default:
          return addRule(platform, faults, id, request, newSeed);
      }
    } catch (error) {
      if (error instanceof AwsError) throw new ChaosError('invalid', error.message);
      throw error;
    }
  };
}

async function takeZoneDown(
  { zones, zoneNames, findTask }: ChaosPlatform,
  frozen: ReadonlyMap<string, string>,
  { zone }: ChaosRequestOf<'zone-down'>,
): Promise<BegunChaos> {
  const known = await zoneNames();
  if (!known.includes(zone))
    throw new ChaosError('not-found', `There is no zone ${JSON.stringify(zone)}${suggestFrom(zone, known)}`);
  if (zones.list().includes(zone)) throw new ChaosError('refused', `${zone} is down already.`);
  const hit = zones.down(zone);
  let summary = `${zone} is down; ${count(hit)} there`;
  return {
    did: () => ({ summary, tasks: hit }),
    outlivesStop: true,
    undo: () => {
      const spared = zones.up(zone);
      // Those that are frozen for themselves stay so.
      for (const id of spared.filter((one) => frozen.has(one))) findTask(id)?.running?.freeze(true);
      summary = `${zone} was down with ${count(hit)}; ${count(spared)} went on`;
    },
  };
}

interface Target {
  readonly id: string;
  readonly zone: string;
  readonly running: NonNullable<FoundTask['running']>;
}

function findTarget(
  platform: ChaosPlatform,
  selection: TaskSelection & { readonly seed?: number | undefined },
  newSeed: () => number,
): Target {
  const alone = selection.environment === undefined && selection.service === undefined;
  const reference =
    alone && selection.task !== undefined
      ? selection.task
      : chooseTask(platform.environments(), selection, createSeededRandom(selection.seed ?? newSeed()));
  const found = platform.findTask(reference);
  if (found === undefined)
    throw new ChaosError('not-found', `There is no task ${JSON.stringify(reference)}${known(platform)}`);
  const { id, zone } = found.record;
  if (found.running === undefined)
    throw new ChaosError('refused', `Task ${shown([id])} does not run yet; try again in a moment.`);
  return { id, zone, running: found.running };
}

function known(platform: ChaosPlatform): string {
  const tasks = platform.environments().flatMap((one) => one.tasks);
  return suggestFrom(
    '',
    tasks.map(({ id }) => id.slice(0, SHOWN_ID_CHARS)),
  );
}

function killTask({ id, zone, running }: Target): BegunChaos {
  running.kill();
  return { did: () => ({ summary: `task ${shown([id])} in ${zone} killed`, tasks: [id] }) };
}

function freezeTask(
  { zones }: ChaosPlatform,
  frozen: Map<string, string>,
  id: string,
  task: Target,
): BegunChaos {
  const by = frozen.get(task.id);
  if (by !== undefined)
    throw new ChaosError('refused', `Task ${shown([task.id])} is frozen already (${by}).`);
  task.running.freeze(true);
  frozen.set(task.id, id);
  return {
    did: () => ({ summary: `task ${shown([task.id])} in ${task.zone} frozen`, tasks: [task.id] }),
    undo: () => {
      frozen.delete(task.id);
      // A zone that is down keeps what is in it.
      if (!zones.list().includes(task.zone)) task.running.freeze(false);
    },
    over: endOf(task),
  };
}

function fillMemory(task: Target): BegunChaos {
  const filling = task.running.fillMemory();
  return {
    did: () => ({ summary: `memory of task ${shown([task.id])} in ${task.zone} filled`, tasks: [task.id] }),
    undo: () => filling.stop(),
    over: endOf(task),
  };
}

async function endOf({ running }: Target): Promise<string> {
  const { reason, signal, exitCode } = await running.exited;
  return `the task ended: ${reason ?? signal ?? `exit code ${exitCode}`}`;
}

function interruptSpot(
  platform: ChaosPlatform,
  { task, ...selection }: ChaosRequestOf<'interrupt-spot'>,
): BegunChaos {
  const environments = platform.environments();
  const named = selection.environment !== undefined || selection.service !== undefined;
  const services = named ? chooseServices(environments, selection) : [];
  let tasks: readonly string[];
  if (task === undefined) {
    tasks = services.flatMap(({ cluster, service }) => platform.interruptSpot({ cluster, service }));
  } else {
    const reference = named ? chooseTask(environments, { ...selection, task }, () => 0) : task;
    tasks = platform.interruptSpot({ task: reference });
  }
  if (tasks.length === 0)
    throw new ChaosError(
      'refused',
      `No task of ${selection.environment ?? selection.service ?? task} runs on FARGATE_SPOT (or each has its notice already).`,
    );
  return { did: () => ({ summary: `${count(tasks)} got the two-minute notice: ${shown(tasks)}`, tasks }) };
}

type CallRequest = ChaosRequestOf<'slow-api' | 'fail-api' | 'throttle-api' | 'expire-credentials'>;

function addRule(
  platform: ChaosPlatform,
  faults: ApiFaults,
  id: string,
  request: CallRequest,
  newSeed: () => number,
): BegunChaos {
  const seed = 'seed' in request ? (request.seed ?? newSeed()) : 0;
  const { counts, remove } = faults.add(ruleOf(platform, id, request), seed);
  const verb = request.action === 'slow-api' ? 'slowed down' : 'refused';
  const seeded = 'share' in request && request.share !== undefined && request.share < 1;
  return {
    did: () => {
      const calls = counts();
      const summary = `${calls.hit} of ${calls.matched} calls ${verb}${seeded ? ` (seed ${seed})` : ''}`;
      return { summary, calls };
    },
    undo: remove,
  };
}

function ruleOf(platform: ChaosPlatform, id: string, request: CallRequest): ApiRule {
  if (request.action === 'expire-credentials') {
    const { identity } = request;
    return {
      id,
      kind: 'expire',
      accessKeyIds: identity === 'all' ? 'all' : [platform.accessKeyOf(identity)],
    };
  }
  const covered = { id, service: request.service, action: request.apiAction };
  switch (request.action) {
    case 'slow-api':
      return { ...covered, kind: 'slow', share: request.share, delayMs: request.delayMs };
    case 'fail-api':
      return { ...covered, kind: 'fail', share: request.share, status: request.status, code: request.code };
    case 'throttle-api': {
      const { share, perSecond = 1 } = request;
      return { ...covered, kind: 'throttle', limit: share === undefined ? { perSecond } : { share } };
    }
  }
}
