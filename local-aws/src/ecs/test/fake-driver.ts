/**
 * A task driver whose "processes" behave as a test wants.
 */
import {
  type RunningTask,
  type TaskDriver,
  type TaskExit,
  type TaskSpec,
  TaskStartError,
} from '../../contract.ts';

export type Behaviour =
  | { readonly kind: 'serve' }
  | { readonly kind: 'sick' }
  | { readonly kind: 'crash'; readonly exitCode: number }
  | { readonly kind: 'no-image' };

export interface FakeProcess {
  readonly spec: TaskSpec;
  readonly behaviour: Behaviour;
  alive: boolean;
  exit(exit: Partial<TaskExit>): void;
}

export interface FakeDriver extends TaskDriver {
  readonly processes: FakeProcess[];
  readonly pulled: string[];
  /** Chooses how the next task behaves. */
  behave: (image: string) => Behaviour;
  alive(): readonly FakeProcess[];
}

export function createFakeDriver(): FakeDriver {
  const processes: FakeProcess[] = [];
  const pulled: string[] = [];

  function start(spec: TaskSpec, behaviour: Behaviour): RunningTask {
    let end: (exit: TaskExit) => void = () => undefined;
    const exited = new Promise<TaskExit>((resolve) => {
      end = resolve;
    });
    const process: FakeProcess = {
      spec,
      behaviour,
      alive: true,
      exit(exit) {
        process.alive = false;
        end({ exitCode: undefined, signal: undefined, reason: undefined, ...exit });
      },
    };
    processes.push(process);
    if (behaviour.kind === 'crash') process.exit({ exitCode: behaviour.exitCode });
    return {
      address: spec.environment.HOST ?? '127.0.0.1',
      port: spec.containerPort ?? 0,
      pid: 10_000 + processes.length,
      exited,
      async stop() {
        if (process.alive) process.exit({ exitCode: 0, signal: 'SIGTERM' });
        return exited;
      },
      usage: () => ({ cpuUnits: 1, memoryMb: 64 }),
    };
  }

  const driver: FakeDriver = {
    name: 'process',
    processes,
    pulled,
    behave: () => ({ kind: 'serve' }),
    alive: () => processes.filter((process) => process.alive),
    async pull(image) {
      pulled.push(image);
      if (driver.behave(image).kind === 'no-image')
        throw new TaskStartError('CannotPullContainerError', `pull image manifest: ${image}: not found`);
      const digest =
        image.split('@')[1] ?? `sha256:${Buffer.from(image).toString('hex').padEnd(64, '0').slice(0, 64)}`;
      return { digest };
    },
    start: async (spec) => start(spec, driver.behave(spec.image)),
    async stopAll() {
      for (const process of processes) if (process.alive) process.exit({ exitCode: 0, signal: 'SIGTERM' });
    },
  };
  return driver;
}
