/** What the composition root gives the command line. */
import type { LentTerminal, LocalAwsPort, Notifier, Ports, Prompter, StackPort } from '../actions/index.ts';

export interface GlobalOptions {
  readonly json: boolean;
  readonly verbose: boolean;
  /** Commands go to the embedded AWS. */
  readonly local: boolean;
  /** Identity on the embedded AWS. */
  readonly as: string | undefined;
  readonly config: string | undefined;
}

/** Who acts on the embedded AWS when `--as` is not given. */
export const DEFAULT_IDENTITY = 'developer';

export interface CliContext {
  /** Loads the configuration and wires the ports. */
  openProject(
    globals: GlobalOptions,
    talk: { readonly notifier: Notifier; readonly prompter: Prompter },
  ): Promise<Ports>;
  /** The embedded AWS of the project around the current folder. */
  openLocalAws(globals: GlobalOptions): Promise<LocalAwsPort>;
  /** The local development stack of that project. */
  openStack(globals: GlobalOptions): Promise<StackPort>;
  readonly version: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Whether questions can be asked and the screen redrawn. */
  readonly interactive: { readonly input: boolean; readonly output: boolean };
  readonly columns: () => number | undefined;
  write(stream: 'out' | 'err', text: string): void;
  readStdin(): Promise<string>;
  /** Lends this process's terminal to a remote command. @param interactive also takes keys */
  lendTerminal(interactive: boolean): LentTerminal;
  /** Aborted on the first INT, TERM or HUP. */
  readonly signal: AbortSignal;
  /** Aborted when nobody reads standard output any more. */
  readonly outputGone: AbortSignal;
  now(): number;
}
