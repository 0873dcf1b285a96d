/** An embedded AWS with a project of its own, for one journey: started once, changed as a user would, taken down. */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { cleanUpAfterDeath } from '../support/after-death.ts';
import { type CliOptions, runCli, startCli } from '../support/run-cli.ts';
import type { CommandResult, RunningCommand } from '../support/run-command.ts';
import { type TempProject, tempProject } from '../support/temp-project.ts';

export interface JourneyStatus {
  readonly environments: readonly {
    readonly environment: string;
    readonly bootstrapped: boolean;
    readonly current?: {
      readonly id: string;
      readonly image: string;
      readonly release: { readonly id: string; readonly imageDigest: string };
    };
    readonly lastDeployment?: { readonly id: string; readonly state: string; readonly cause?: string };
    readonly service?: {
      readonly url: string;
      readonly desired: number;
      readonly running: number;
      readonly tasks: readonly {
        readonly zone: string;
        readonly status: string;
        readonly imageDigest: string;
      }[];
    };
    readonly alarms?: readonly { readonly name: string; readonly description: string }[];
    readonly lock?: { readonly pid: number; readonly liveness: string };
    readonly unfinished?: { readonly text: string; readonly next?: string };
  }[];
}

export class Journey {
  readonly project: TempProject;
  /** Where its commands run: the folder of its configuration. */
  readonly cwd: string;
  endpoint = '';
  #forget: () => void = () => undefined;

  /** @param folder of the repository, in which the configuration lies */
  constructor(folder = '.') {
    this.project = tempProject();
    this.cwd = join(this.project.path, folder);
  }

  /** Runs a verb on the embedded AWS. */
  run(args: readonly string[], options: CliOptions = {}): Promise<CommandResult> {
    return runCli(args, this.#options(options));
  }

  start(args: readonly string[], options: CliOptions = {}): RunningCommand {
    return startCli(args, this.#options(options));
  }

  async up(): Promise<void> {
    this.#forget = cleanUpAfterDeath(this.project.path);
    const result = await this.run(['local', 'up', '--json']);
    if (result.exitCode !== 0) throw new Error(`local up failed: ${result.stdout}${result.stderr}`);
    this.endpoint = String(lastJson(result).endpoint);
  }

  async down(): Promise<void> {
    try {
      await this.run(['local', 'down']);
    } finally {
      this.project.remove();
      this.#forget();
    }
  }

  async status(environment: string): Promise<JourneyStatus['environments'][number]> {
    const result = await this.run(['status', environment, '--json']);
    const { environments } = JSON.parse(result.stdout) as Partial<JourneyStatus>;
    const [status] = environments ?? [];
    if (!status) throw new Error(`no status of ${environment}: ${result.stdout}${result.stderr}`);
    return status;
  }

  /** Changes a source file of the copied project. */
  edit(file: string, change: (text: string) => string): void {
    const path = join(this.project.path, file);
    const before = readFileSync(path, 'utf8');
    const after = change(before);
    if (after === before) throw new Error(`the edit of ${file} changes nothing`);
    writeFileSync(path, after);
  }

  /** Another greeting: the smallest change that a user can see. */
  changeGreeting(greeting: string): void {
    this.edit('app/src/config.ts', (text) => text.replace(/'Hello [^']*'/, `'Hello ${greeting}'`));
  }

  #options(options: CliOptions): CliOptions {
    return { ...options, cwd: this.cwd, env: { TOWPATH_TARGET: 'local', ...options.env } };
  }
}

/** The last line of a `--json` run: its result or its error. */
export function lastJson(result: CommandResult): Record<string, unknown> {
  return JSON.parse(result.stdout.trimEnd().split('\n').at(-1) ?? '{}') as Record<string, unknown>;
}

/** Waits until a running command's output holds a text. */
export async function untilOutput(command: RunningCommand, text: string, timeoutMs: number): Promise<void> {
  const deadline = Date.now() + timeoutMs;
  while (!command.stdout().includes(text)) {
    if (Date.now() > deadline)
      throw new Error(
        `"${text}" did not appear within ${timeoutMs} ms in:\n${command.stdout()}${command.stderr()}`,
      );
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}
