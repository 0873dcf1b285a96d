/** The embedded AWS as a command sees it, in memory. */
import type { ChaosEntry, ChaosRequest } from '../../src/domain/chaos.ts';
import { TowpathError } from '../../src/domain/errors.ts';
import type { LocalAws, LocalAwsPort, LocalAwsStatus, LocalStartOptions } from '../../src/ports.ts';

export interface MemoryLocalAws extends LocalAwsPort {
  running: boolean;
  /** Options of each start that really started something. */
  readonly starts: Omit<LocalStartOptions, 'onProgress'>[];
  /** Thrown by the next start. */
  failStart: TowpathError | undefined;
  environments: LocalAwsStatus['environments'];
  /** What is broken on purpose; the last one first undone. */
  readonly activeChaos: ChaosEntry[];
  /** What the status tells of the journal. */
  kept: Pick<LocalAwsStatus, 'journal' | 'restored'>;
  /** What was asked for, as it arrived. */
  readonly chaosRequests: ChaosRequest[];
  /** Thrown by the next action or undoing. */
  failChaos: TowpathError | undefined;
  /** Calls that the next start brings back. */
  keptCalls: number;
  /** What the next start finds taken. */
  movedPorts: LocalAws['movedPorts'];
  /** Makes an attached one end by itself. */
  die(reason: string): void;
  /** As another process's `down` does. */
  endElsewhere(): void;
}

const KEYS: Readonly<Record<string, { readonly accessKeyId: string; readonly secretAccessKey: string }>> = {
  developer: { accessKeyId: 'AKIADEVELOPER', secretAccessKey: 'developer-key' },
  reviewer: { accessKeyId: 'AKIAREVIEWER', secretAccessKey: 'reviewer-key' },
};

export function createMemoryLocalAws(): MemoryLocalAws {
  let speed = 1;
  let driver: LocalAws['driver'] = 'process';
  let end: (reason: string | undefined) => void = () => undefined;
  const ended = new Promise<string | undefined>((resolve) => {
    end = resolve;
  });
  const describe = (started: boolean): LocalAws => ({
    endpoint: 'http://127.0.0.1:4566',
    speed,
    pid: 4711,
    region: 'us-east-1',
    account: '123456789012',
    driver,
    started,
    restored: { calls: localAws.keptCalls, failedCalls: 0 },
    movedPorts: localAws.movedPorts,
  });
  const localAws: MemoryLocalAws = {
    running: false,
    starts: [],
    failStart: undefined,
    environments: [],
    activeChaos: [],
    kept: {},
    chaosRequests: [],
    failChaos: undefined,
    keptCalls: 0,
    movedPorts: [],
    die(reason) {
      localAws.running = false;
      end(reason);
    },
    endElsewhere() {
      localAws.running = false;
      end(undefined);
    },
    async start(options) {
      if (localAws.failStart) throw localAws.failStart;
      if (localAws.running) return describe(false);
      const { onProgress, ...asked } = options;
      localAws.starts.push(asked);
      localAws.running = true;
      speed = options.speed ?? speed;
      driver = options.driver ?? driver;
      if (localAws.keptCalls > 0) onProgress?.({ done: 1, total: localAws.keptCalls });
      return describe(true);
    },
    async stop() {
      const before = localAws.running;
      localAws.running = false;
      return before ? 'stopped' : 'not running';
    },
    async purge() {
      const before = localAws.keptCalls;
      localAws.running = false;
      localAws.keptCalls = 0;
      localAws.environments = [];
      return before > 0 ? 'forgotten' : 'nothing to forget';
    },
    find: async () => (localAws.running ? describe(false) : undefined),
    async credentials(identity) {
      if (!localAws.running) return undefined;
      const keys = KEYS[identity];
      if (keys) return keys;
      throw new TowpathError('USAGE', `The embedded AWS has no identity "${identity}".`, {
        hint: '--as developer',
      });
    },
    ended: () => ended,
    async status() {
      if (!localAws.running) return undefined;
      const { endpoint, pid } = describe(false);
      return {
        endpoint,
        speed,
        pid,
        startedAt: '2026-01-01T00:00:00.000Z',
        environments: localAws.environments,
        chaos: localAws.activeChaos,
        ...localAws.kept,
      };
    },
    async chaos() {
      return localAws.running ? { active: localAws.activeChaos, ended: [] } : undefined;
    },
    async startChaos(request) {
      if (!localAws.running) return undefined;
      if (localAws.failChaos) throw localAws.failChaos;
      localAws.chaosRequests.push(request);
      const entry = memoryChaos(`c${localAws.chaosRequests.length}`, request);
      if (entry.ended === undefined) localAws.activeChaos.push(entry);
      return entry;
    },
    async undoChaos(id) {
      if (!localAws.running) return undefined;
      if (localAws.failChaos) throw localAws.failChaos;
      const undone = localAws.activeChaos.filter((entry) => id === undefined || entry.id === id);
      const kept = localAws.activeChaos.filter((entry) => !undone.includes(entry));
      localAws.activeChaos.splice(0, localAws.activeChaos.length, ...kept);
      return undone.map((entry) => ({ ...entry, ended: 'undone' }));
    },
  };
  return localAws;
}

/** A minute from the start of the memory world's time, or over at once. */
function memoryChaos(id: string, { action, ...parameters }: ChaosRequest): ChaosEntry {
  return {
    id,
    action,
    parameters,
    since: '2026-01-01T00:00:00.000Z',
    endsAt: '2026-01-01T00:01:00.000Z',
    did: { summary: `${action} has begun` },
    ...(action === 'kill-task' && { ended: 'at once; there is nothing to undo' }),
  };
}
