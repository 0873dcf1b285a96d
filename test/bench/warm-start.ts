/**
 * `npm run bench -- warm-start`: a `local up` that brings four deployed environments back, from the command until
 * every task is healthy again, after `local down` and after the kill of the daemon. Exits 1 when the goal is missed.
 */
import { loadavg } from 'node:os';
import { Journey, lastJson } from '../journeys/environment.ts';

const GOAL_SECONDS = 10;
const ENVIRONMENTS = 4;
const KILL_SETTLES_MS = 1_000;

interface Up {
  readonly pid: number;
  readonly restored: { readonly calls: number; readonly failedCalls: number };
  readonly back?: { readonly environments: number; readonly desired: number; readonly running: number };
}

const journey = new Journey();
try {
  await journey.up();
  await timed(['deploy', '--all', '--generate-secrets', '--break-glass', 'the benchmark']);
  const down = await timed(['local', 'down']);
  say(`  stopped in ${down.seconds.toFixed(1)} s`);
  const first = await report('local down');
  process.kill(first.pid, 'SIGKILL');
  await new Promise((resolve) => setTimeout(resolve, KILL_SETTLES_MS));
  await report('kill -9');
} finally {
  await journey.down();
}

async function report(after: string): Promise<Up> {
  const { seconds, output } = await timed(['local', 'up', '--json']);
  const up = output as unknown as Up;
  const { environments = 0, desired = 0, running = 0 } = up.back ?? {};
  const whole = environments === ENVIRONMENTS && running >= desired && up.restored.failedCalls === 0;
  if (!whole || seconds > GOAL_SECONDS) process.exitCode = 1;
  say(
    `${whole && seconds <= GOAL_SECONDS ? '✓' : '✗'} warm start after ${after}: ${environments} environments, ${running} of ${desired} tasks healthy, ` +
      `${up.restored.calls} calls (${up.restored.failedCalls} failed) in ${seconds.toFixed(1)} s (goal ${GOAL_SECONDS} s; load ${loadavg()[0]?.toFixed(1)})`,
  );
  return up;
}

async function timed(
  args: readonly string[],
): Promise<{ readonly seconds: number; readonly output: Record<string, unknown> }> {
  say(`towpath ${args.join(' ')} ...`);
  const started = performance.now();
  const result = await journey.run(args);
  if (result.exitCode !== 0) throw new Error(`${result.stdout}${result.stderr}`);
  return {
    seconds: (performance.now() - started) / 1_000,
    output: args.includes('--json') ? lastJson(result) : {},
  };
}

function say(text: string): void {
  process.stdout.write(`${text}\n`);
}
