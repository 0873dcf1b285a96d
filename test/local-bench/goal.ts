/** A figure with the goal that it is held against. */
export interface Goal {
  readonly what: string;
  /** The figure with its unit. */
  readonly text: string;
  readonly goal: string;
  readonly met: boolean;
}

export function renderGoal({ what, text, goal, met }: Goal): string {
  return `${met ? '✓' : '✗'} ${what}: ${text} (goal: ${goal})`;
}

/** Prints what is measured as it comes, then each goal; the exit code is 1 when one is missed. */
export async function runBench(
  bench: (say: (line: string) => void) => Promise<readonly Goal[]>,
): Promise<void> {
  const goals = await bench((line) => void process.stdout.write(`${line}\n`));
  for (const goal of goals) process.stdout.write(`${renderGoal(goal)}\n`);
  process.exitCode = goals.every(({ met }) => met) ? 0 : 1;
}
