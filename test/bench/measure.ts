/** Times of commands, taken side by side: alternating, so that a noisy machine is noisy for all of them. */
import { spawnSync } from 'node:child_process';

export interface Timed {
  readonly name: string;
  /** Milliseconds of each run, in order. */
  readonly runs: readonly number[];
}

export interface Candidate {
  readonly name: string;
  /** One run; what it prepares for itself does not count when it returns its own time. */
  run(): Promise<number> | number;
}

/** Every candidate once a round, in an order that turns from round to round. */
export async function alternate(candidates: readonly Candidate[], rounds: number): Promise<readonly Timed[]> {
  const runs = new Map<string, number[]>(candidates.map(({ name }) => [name, []]));
  for (let round = 0; round < rounds; round += 1) {
    const order = round % 2 === 0 ? candidates : [...candidates].reverse();
    for (const candidate of order) runs.get(candidate.name)?.push(await candidate.run());
  }
  return [...runs].map(([name, times]) => ({ name, runs: times }));
}

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = Math.floor(sorted.length / 2);
  const upper = sorted[middle] ?? 0;
  return sorted.length % 2 === 1 ? upper : ((sorted[middle - 1] ?? 0) + upper) / 2;
}

/** Wall time of a command that must succeed, milliseconds. */
export function timeCommand(
  command: string,
  args: readonly string[],
  options: { readonly cwd: string; readonly env: NodeJS.ProcessEnv; readonly limitMs: number },
): number {
  const started = performance.now();
  const result = spawnSync(command, args, {
    cwd: options.cwd,
    env: options.env,
    timeout: options.limitMs,
    encoding: 'utf8',
    maxBuffer: 64 * 1024 * 1024,
  });
  const elapsed = performance.now() - started;
  if (result.status !== 0) {
    throw new Error(
      `${command} ${args.join(' ')} ended with ${result.status ?? result.signal}:\n${result.stdout}\n${result.stderr}`,
    );
  }
  return elapsed;
}
