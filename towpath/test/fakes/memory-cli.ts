/** The command line in process: arguments in, exit code and text out, on a world in memory. */
import type { CliContext, GlobalOptions } from '../../src/cli/context.ts';
import { runCli } from '../../src/cli/main.ts';
import { portsAs, userArn } from './ladder-world.ts';
import { createMemoryTerminal } from './memory-exec.ts';
import { createMemoryLocalAws, type MemoryLocalAws } from './memory-local-aws.ts';
import { createMemoryStack, type MemoryStack } from './memory-stack.ts';
import { createMemoryWorld, type MemoryWorld } from './memory-world.ts';

export interface MemoryCli {
  readonly world: MemoryWorld;
  readonly localAws: MemoryLocalAws;
  readonly stack: MemoryStack;
  /** Global options of each project that was opened. */
  readonly opened: GlobalOptions[];
  run(...args: readonly string[]): Promise<CliRun>;
}

export interface CliRun {
  readonly exitCode: number;
  readonly out: string;
  readonly err: string;
  /** Standard output as one JSON value a line. */
  json(): readonly Readonly<Record<string, unknown>>[];
}

export interface MemoryCliOptions {
  readonly world?: MemoryWorld;
  readonly env?: Readonly<Record<string, string | undefined>>;
  /** Output goes to a terminal. */
  readonly terminal?: boolean;
  readonly columns?: number;
  readonly stdin?: string;
  readonly signal?: AbortSignal;
  readonly outputGone?: AbortSignal;
  /** Thrown when a command opens the project. */
  readonly failOpen?: unknown;
}

export function createMemoryCli(options: MemoryCliOptions = {}): MemoryCli {
  const world = options.world ?? createMemoryWorld();
  const localAws = createMemoryLocalAws();
  const stack = createMemoryStack();
  const opened: GlobalOptions[] = [];
  return {
    world,
    localAws,
    stack,
    opened,
    async run(...args) {
      const text = { out: '', err: '' };
      const context: CliContext = {
        async openProject(globals, { notifier, prompter }) {
          opened.push(globals);
          if (options.failOpen !== undefined) throw options.failOpen;
          world.listen(notifier);
          const ports = globals.as === undefined ? world.ports : portsAs(world, userArn(globals.as));
          return { ...ports, prompter };
        },
        openLocalAws: async () => localAws,
        openStack: async () => stack,
        version: '9.8.7',
        env: options.env ?? {},
        interactive: { input: false, output: options.terminal ?? false },
        columns: () => options.columns,
        write(stream, written) {
          text[stream] += written;
        },
        readStdin: async () => options.stdin ?? '',
        lendTerminal: () => createMemoryTerminal((text) => context.write('out', text)),
        signal: options.signal ?? new AbortController().signal,
        outputGone: options.outputGone ?? new AbortController().signal,
        now: () => world.clock.now().getTime(),
      };
      const exitCode = await runCli(args, context);
      return {
        exitCode,
        ...text,
        json: () =>
          text.out
            .split('\n')
            .filter((line) => line !== '')
            .map((line) => JSON.parse(line) as Record<string, unknown>),
      };
    },
  };
}
