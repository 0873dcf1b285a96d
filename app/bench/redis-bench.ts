/** `npm run bench -w app -- redis [--seconds N] [--rate N]`. Started by run.mjs beside the built service. */
import { dirname } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { loseRedisUnderLoad, type Outage } from './redis-outages.ts';
import { report } from './report.ts';

const { values } = parseArgs({
  options: {
    seconds: { type: 'string', default: '600' },
    rate: { type: 'string', default: '200' },
  },
});
const UP_MS = 10_000;
const DOWN_MS = 10_000;

console.log(
  `       reads and writes, ${values.rate} a second for ${values.seconds} s; Redis is killed and returns`,
);
const { load, outages } = await loseRedisUnderLoad({
  imageDir: dirname(fileURLToPath(import.meta.url)),
  ratePerSecond: Number(values.rate),
  durationMs: Number(values.seconds) * 1_000,
  upMs: UP_MS,
  downMs: DOWN_MS,
  onOutage: ({ seenAfterMs, recoveredAfterMs }) =>
    console.log(
      `       seen ${seenAfterMs.toFixed(0)} ms after its death, used again ${recoveredAfterMs.toFixed(0)} ms after its start`,
    ),
});
const failed = load.sent - load.succeeded;
const slowest = (read: (outage: Outage) => number): string => Math.max(...outages.map(read)).toFixed(0);
const { p50, p99, max } = load.latencyMs;
console.log(`       p50 ${p50.toFixed(1)}, p99 ${p99.toFixed(1)}, slowest ${max.toFixed(0)} ms`);
if (failed > 0) console.log(`       ${JSON.stringify({ ...load.statuses, ...load.errors })}`);
report('requests that failed', `${failed} of ${load.sent} (goal 0)`, failed === 0);
report(
  'deaths of Redis, seen and survived',
  `${outages.length}; seen within ${slowest((outage) => outage.seenAfterMs)} ms, used again within ${slowest((outage) => outage.recoveredAfterMs)} ms`,
  outages.length > 0,
);
