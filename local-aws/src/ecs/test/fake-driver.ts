/**
 * A task driver whose "processes" behave as a test wants.
 */
import {
  type Clock,
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
  behaviour: Behaviour;
  alive: boolean;
  frozen: boolean;
  exit(exit: Partial<TaskExit>): void;
}

export interface FakeDriver extends TaskDriver {
  readonly processes: FakeProcess[];
  readonly pulled: string[];
  /** Chooses how the next task behaves. */
  behave: (image: string) => Behaviour;
  alive(): readonly FakeProcess[];
  /** What a command in a task does; none, until a test says so. */
  execute: RunningTask['execute'];
  /** The process with this private address, while it lives. */
  at(privateIp: string): FakeProcess | undefined;
  /** How long the next task takes to start. */
  startsWithinMs: () => number;
}

export function createFakeDriver(clock: Clock): FakeDriver {
  const processes: FakeProcess[] = [];
  const living = new Map<string, FakeProcess>();
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
      frozen: false,
      exit(exit) {
        process.alive = false;
        living.delete(spec.privateIp);
        end({ exitCode: undefined, signal: undefined, reason: undefined, ...exit });
      },
    };
    processes.push(process);
    living.set(spec.privateIp, process);
    if (behaviour.kind === 'crash') process.exit({ exitCode: behaviour.exitCode });
    return {
      address: spec.environment.HOST ?? '127.0.0.1',
      port: spec.containerPort ?? 0,
      pid: 10_000 + processes.length,
      exited,
      async stop() {
        // SIGTERM does not reach what is frozen; SIGKILL does.
        if (process.alive && process.frozen) await clock.sleep(clock.scaled(spec.stopTimeoutSeconds * 1_000));
        if (process.alive)
          process.exit(
            process.frozen ? { exitCode: 137, signal: 'SIGKILL' } : { exitCode: 0, signal: 'SIGTERM' },
          );
        return exited;
      },
      freeze(frozen) {
        process.frozen = frozen;
      },
      usage: () => ({ cpuUnits: 1, memoryMb: 64 }),
      kill() {
        if (process.alive) process.exit({ exitCode: 137, signal: 'SIGKILL' });
      },
      fillMemory: () => ({ stop: () => undefined }),
      execute: (command, options) => driver.execute(command, options),
    };
  }

  const driver: FakeDriver = {
    name: 'process',
    processes,
    pulled,
    execute: () => {
      throw new Error('the fake driver executes no command');
    },
    behave: () => ({ kind: 'serve' }),
    alive: () => [...living.values()],
    at: (privateIp) => living.get(privateIp),
    startsWithinMs: () => 0,
    async pull(image) {
      pulled.push(image);
      if (driver.behave(image).kind === 'no-image')
        throw new TaskStartError('CannotPullContainerError', `pull image manifest: ${image}: not found`);
      const digest =
        image.split('@')[1] ?? `sha256:${Buffer.from(image).toString('hex').padEnd(64, '0').slice(0, 64)}`;
      return { digest };
    },
    async start(spec) {
      const ms = driver.startsWithinMs();
      if (ms > 0) await clock.sleep(ms);
      return start(spec, driver.behave(spec.image));
    },
    async stopAll() {
      for (const process of processes) if (process.alive) process.exit({ exitCode: 0, signal: 'SIGTERM' });
    },
  };
  return driver;
}
