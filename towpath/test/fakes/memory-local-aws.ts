/** The embedded AWS as a command sees it, in memory. */
import { TowpathError } from '../../src/domain/errors.ts';
import type { LocalAws, LocalAwsPort, LocalAwsStatus, LocalStartOptions } from '../../src/ports.ts';

export interface MemoryLocalAws extends LocalAwsPort {
  running: boolean;
  /** Options of each start that really started something. */
  readonly starts: LocalStartOptions[];
  /** Thrown by the next start. */
  failStart: TowpathError | undefined;
  environments: LocalAwsStatus['environments'];
  /** Makes an attached one end by itself. */
  die(reason: string): void;
}

const KEYS: Readonly<Record<string, { readonly accessKeyId: string; readonly secretAccessKey: string }>> = {
  developer: { accessKeyId: 'AKIADEVELOPER', secretAccessKey: 'developer-key' },
  reviewer: { accessKeyId: 'AKIAREVIEWER', secretAccessKey: 'reviewer-key' },
};

export function createMemoryLocalAws(): MemoryLocalAws {
  let speed = 1;
  let end: (reason: string) => void = () => undefined;
  const ended = new Promise<string>((resolve) => {
    end = resolve;
  });
  const describe = (started: boolean): LocalAws => ({
    endpoint: 'http://127.0.0.1:4566',
    speed,
    pid: 4711,
    region: 'us-east-1',
    account: '123456789012',
    started,
  });
  const localAws: MemoryLocalAws = {
    running: false,
    starts: [],
    failStart: undefined,
    environments: [],
    die(reason) {
      localAws.running = false;
      end(reason);
    },
    async start(options) {
      if (localAws.failStart) throw localAws.failStart;
      if (localAws.running) return describe(false);
      localAws.starts.push(options);
      localAws.running = true;
      speed = options.speed ?? speed;
      return describe(true);
    },
    async stop() {
      const before = localAws.running;
      localAws.running = false;
      return before ? 'stopped' : 'not running';
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
      };
    },
  };
  return localAws;
}
