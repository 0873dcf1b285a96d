/**
 * `npm run bench -- several`: four environments from nothing side by side, against one from nothing, in one run.
 * Goal: at most twice the time; one after the other it would be four times.
 */
import { Journey } from '../journeys/environment.ts';

const GOAL = 2;

const journey = new Journey();
try {
  await journey.up();
  const one = await timed(['deploy', 'test', '--generate-secrets']);
  await timed(['destroy', 'test', '--yes']);
  const four = await timed(['deploy', '--all', '--generate-secrets', '--break-glass', 'the benchmark']);
  const ratio = four / one;
  process.stdout.write(
    `${ratio <= GOAL ? '✓' : '✗'} four environments / one, both from nothing: ${four.toFixed(1)} s / ${one.toFixed(1)} s = ${ratio.toFixed(2)} (goal at most ${GOAL})\n`,
  );
  process.exitCode = ratio <= GOAL ? 0 : 1;
} finally {
  await journey.down();
}

/** Wall time of a verb, seconds. */
async function timed(args: readonly string[]): Promise<number> {
  process.stdout.write(`towpath ${args.join(' ')} ...\n`);
  const started = performance.now();
  const result = await journey.run(args);
  if (result.exitCode !== 0) throw new Error(`${result.stdout}${result.stderr}`);
  return (performance.now() - started) / 1_000;
}
