/**
 * A thousand simulated days of the scheduler under random faults. By itself:
 * `npx esbuild local-aws/bench/simulation.ts --bundle --platform=node --format=esm --outfile=local-aws/dist/simulation.mjs
 * && node local-aws/dist/simulation.mjs` (SIMULATION_SEEDS for another number). Exits 1 when an invariant did not hold.
 */
import { fileURLToPath } from 'node:url';
import { describeFailure, type SimulationSummary, simulateDays } from '../src/ecs/simulation/simulate.ts';

const DEFAULT_SEEDS = 1_000;
/** What a run may take on one core. */
export const goalSeconds = 120;

export interface SimulationResult extends SimulationSummary {
  readonly seconds: number;
}

/** @param print gets each failing seed with the command that replays it, as it happens */
export async function runSimulation(
  seeds = DEFAULT_SEEDS,
  print: (line: string) => void = console.log,
): Promise<SimulationResult> {
  const begun = performance.now();
  const summary = await simulateDays({ seeds }, (failure) => print(describeFailure(failure)));
  return { ...summary, seconds: (performance.now() - begun) / 1_000 };
}

export const describeSimulation = (result: SimulationResult): string =>
  `${result.seeds} seeds x ${result.hours} simulated hours in ${result.seconds.toFixed(1)} s: ${result.faults} faults, ${result.tasks} tasks, ${result.decisions} decisions, ${result.failures.length} seeds with violations`;

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const result = await runSimulation(Number(process.env.SIMULATION_SEEDS ?? DEFAULT_SEEDS));
  console.log(describeSimulation(result));
  process.exitCode = result.failures.length > 0 || result.seconds > goalSeconds ? 1 : 0;
}
