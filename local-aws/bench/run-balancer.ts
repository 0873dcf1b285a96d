/** Runs the benchmark of the load balancer by itself and prints the figures; exits 1 when a goal is missed. */
import { availableParallelism, loadavg } from 'node:os';
import { benchBalancer, GOALS } from './balancer.ts';

const nodeOptions = process.env.BALANCER_NODE_OPTIONS?.split(' ') ?? [];
const rounds = Number(process.env.BENCH_ROUNDS ?? '5');
const [load = 0] = loadavg();
const processors = availableParallelism();
console.log('the same two targets for all; none of the three writes an access log');
const disturbed = load > processors / 2 ? ': others disturb the figures, CPU each the least' : '';
console.log(`load before the start ${load.toFixed(1)}, on ${processors} processors${disturbed}`);
const result = await benchBalancer({
  say: console.log,
  nodeOptions,
  rounds,
  secondsEach: Number(process.env.BENCH_SECONDS ?? '3'),
});
for (const { name, requestsPerSecond, p99Ms, cpuMicroseconds, failures } of result.figures) {
  console.log(
    `${name.padEnd(8)} ${requestsPerSecond.toFixed(0).padStart(7)} requests/s   p99 ${p99Ms.toFixed(2)} ms   ${cpuMicroseconds.toFixed(0)} µs of CPU each   failures ${failures}`,
  );
}
const { throughputOfHaproxy, p99OfHaproxy } = result;
const throughputReached = throughputOfHaproxy >= GOALS.throughputOfHaproxy;
const p99Reached = p99OfHaproxy <= GOALS.p99OfHaproxy;
console.log(
  `${throughputReached ? '✓' : '✗'} requests/s: ${throughputOfHaproxy.toFixed(2)} of haproxy (goal at least ${GOALS.throughputOfHaproxy})`,
);
console.log(
  `${p99Reached ? '✓' : '✗'} p99: ${p99OfHaproxy.toFixed(2)} of haproxy (goal at most ${GOALS.p99OfHaproxy})`,
);
process.exitCode = throughputReached && p99Reached ? 0 : 1;
