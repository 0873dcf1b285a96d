/** `npm run bench -w app -- restarts [--seconds N] [--rate N]`. Started by run.mjs beside the built service. */
import { dirname } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { report } from './report.ts';
import { restartUnderLoad } from './restarts.ts';

const { values } = parseArgs({
  options: {
    seconds: { type: 'string', default: '600' },
    rate: { type: 'string', default: '200' },
  },
});
/** As tasks have it by default, before a load balancer that asks as often as that allows. */
const SHUTDOWN_DELAY_MS = 5_000;
const PROBE_INTERVAL_MS = 1_000;
const PAUSE_MS = 2_000;
const RESTARTS_A_LINE = 10;

console.log(`       ${values.rate} requests a second through haproxy to two tasks, for ${values.seconds} s`);

const { load, restarts, badEnds } = await restartUnderLoad({
  imageDir: dirname(fileURLToPath(import.meta.url)),
  ratePerSecond: Number(values.rate),
  durationMs: Number(values.seconds) * 1_000,
  pauseMs: PAUSE_MS,
  probeIntervalMs: PROBE_INTERVAL_MS,
  shutdownDelayMs: SHUTDOWN_DELAY_MS,
  onRestart: (restarts) => {
    if (restarts % RESTARTS_A_LINE === 0) console.log(`       ${restarts} tasks replaced so far`);
  },
});
const failed = load.sent - load.succeeded;
const { p50, p99, max } = load.latencyMs;
console.log(`       p50 ${p50.toFixed(1)}, p99 ${p99.toFixed(1)}, slowest ${max.toFixed(0)} ms`);
if (failed > 0) console.log(`       ${JSON.stringify({ ...load.statuses, ...load.errors })}`);
report('requests that failed', `${failed} of ${load.sent} (goal 0)`, failed === 0);
report('tasks stopped with SIGTERM', `${restarts} (goal: one or more)`, restarts > 0);
report('of those not ended with exit code 0', `${badEnds.length} ${badEnds.join(' ')}`, badEnds.length === 0);
