/** The local development stack in memory. */
import type { StackEvent, StackPort, StackStartOptions, StackStatus } from '../../src/ports.ts';

export interface MemoryStack extends StackPort {
  running: boolean;
  /** Something of an earlier one is left. */
  killed: boolean;
  readonly starts: Pick<StackStartOptions, 'runner' | 'attached'>[];
  /** What `status` and `start` answer. */
  state: StackStatus;
  /** Thrown by the next start. */
  failStart: unknown;
  tell(event: StackEvent): void;
  die(reason: string): void;
  /** As another process's `down` does. */
  endElsewhere(): void;
}

export function createMemoryStack(): MemoryStack {
  let listener: (event: StackEvent) => void = () => undefined;
  let end: (reason: string | undefined) => void = () => undefined;
  const ended = new Promise<string | undefined>((resolve) => {
    end = resolve;
  });
  const stack: MemoryStack = {
    running: false,
    killed: false,
    starts: [],
    state: {
      pid: 4711,
      startedAt: '2026-01-01T00:00:00.000Z',
      components: [
        { name: 'app', title: 'app', state: 'running', runner: 'source', url: 'http://127.0.0.1:5000' },
      ],
    },
    failStart: undefined,
    tell: (event) => listener(event),
    die: (reason) => end(reason),
    endElsewhere() {
      stack.running = false;
      end(undefined);
    },
    async start({ onEvent, runner, attached }) {
      if (stack.failStart !== undefined) throw stack.failStart;
      if (stack.running) return { ...stack.state, started: false };
      stack.starts.push({ runner, attached });
      stack.running = true;
      listener = onEvent;
      return { ...stack.state, started: true };
    },
    async stop() {
      const outcome = stack.running ? 'stopped' : stack.killed ? 'leftovers ended' : 'not running';
      stack.running = false;
      stack.killed = false;
      return outcome;
    },
    status: async () => (stack.running ? stack.state : undefined),
    ended: () => ended,
  };
  return stack;
}
