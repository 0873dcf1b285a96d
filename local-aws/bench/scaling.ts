/**
 * Runs the demonstration of target tracking by itself: `SCALING_SPEED=60` unless told otherwise. Exits 1 when capacity
 * does not follow the load, or not within the minutes that the alarms' datapoints take.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { startDaemon } from '../src/daemon.ts';
import { startLoadServer } from './burning-service.ts';
import { demonstrateScaling, goals, wantedTasks } from './scaling-demonstration.ts';

// The SDK would print a notice about Node versions of 2027 into the timeline.
process.env.AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED ??= 'true';
const speed = Number(process.env.SCALING_SPEED ?? 60);
const stateDir = mkdtempSync(join(tmpdir(), 'local-aws-scaling-'));
const load = await startLoadServer();
const daemon = await startDaemon({
  stateDir,
  port: undefined,
  speed,
  region: 'us-east-1',
  requirements: fileURLToPath(new URL('../requirements.txt', import.meta.url)),
  environment: process.env,
});
let stopping: Promise<void> | undefined;
const stop = () => {
  stopping ??= daemon
    .stop()
    .then(() => load.close())
    .then(() => rmSync(stateDir, { recursive: true, force: true }));
  return stopping;
};
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const)
  process.once(signal, () => void stop().then(() => process.exit(1)));

try {
  console.log(`speed ${speed}: an AWS-side minute takes ${(60 / speed).toFixed(1)} s`);
  const result = await demonstrateScaling({
    client: {
      endpoint: daemon.info.endpoint,
      region: 'us-east-1',
      credentials: { accessKeyId: 'test', secretAccessKey: 'test' },
    },
    speed,
    load,
    say: console.log,
  });
  const judge = (name: string, minutes: number | undefined, goal: { from: number; to: number }) => {
    const met = minutes !== undefined && minutes >= goal.from && minutes <= goal.to;
    const took = minutes === undefined ? 'never' : `${minutes.toFixed(1)} min`;
    console.log(
      `${met ? '✓' : '✗'} ${name}: ${took} after the load changed (goal ${goal.from} to ${goal.to})`,
    );
    return met;
  };
  const out = judge('first scale-out', result.scaleOutMinutes, goals.scaleOut);
  const into = judge('first scale-in', result.scaleInMinutes, goals.scaleIn);
  const counts = result.mostTasks >= wantedTasks && result.tasksAtEnd === 1;
  console.log(
    `${counts ? '✓' : '✗'} tasks: ${result.mostTasks} at most, ${result.tasksAtEnd} at the end (goal at least ${wantedTasks}, and 1)`,
  );
  process.exitCode = out && into && counts ? 0 : 1;
} finally {
  await stop();
}
