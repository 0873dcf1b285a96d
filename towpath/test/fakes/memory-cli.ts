/** The command line in process: arguments in, exit code and text out, on a world in memory. */
import type { CliContext, GlobalOptions } from '../../src/cli/context.ts';
import { runCli } from '../../src/cli/main.ts';
import type { ExitCode } from '../../src/domain/errors.ts';
import { portsAs, userArn } from './ladder-world.ts';
import { createMemoryLocalAws, type MemoryLocalAws } from './memory-local-aws.ts';
import { createMemoryWorld, type MemoryWorld } from './memory-world.ts';

export interface MemoryCli {
  readonly world: MemoryWorld;
  readonly localAws: MemoryLocalAws;
  /** Global options of each project that was opened. */
  readonly opened: GlobalOptions[];
  run(...args: readonly string[]): Promise<CliRun>;
}

export interface CliRun {
  readonly exitCode: ExitCode;
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
  /** Thrown when a command opens the project. */
  readonly failOpen?: unknown;
}

export function createMemoryCli(options: MemoryCliOptions = {}): MemoryCli {
  const world = options.world ?? createMemoryWorld();
  const localAws = createMemoryLocalAws();
  const opened: GlobalOptions[] = [];
  return {
    world,
    localAws,
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
        version: '9.8.7',
        env: options.env ?? {},
        interactive: { input: false, output: options.terminal ?? false },
        columns: () => options.columns,
        write(stream, written) {
          text[stream] += written;
        },
        readStdin: async () => options.stdin ?? '',
        signal: options.signal ?? new AbortController().signal,
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
