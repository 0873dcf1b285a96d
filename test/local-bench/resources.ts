/**
 * What forty tasks of the reference service in four environments cost: memory of the whole process tree, and CPU while
 * nobody asks for anything but the load balancer, every five seconds.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { openAccount } from '../fixtures/account.ts';
import { startEmbeddedAws } from '../fixtures/embedded-aws.ts';
import { WORKING } from '../fixtures/fixture-list.ts';
import { createFixtureService, fixtureNames } from '../fixtures/fixture-service.ts';
import { processTree } from '../support/process-tree.ts';
import { ROOT } from '../support/run-cli.ts';
import type { Goal } from './goal.ts';
import { untilLocal } from './local-status.ts';

const ENVIRONMENTS = ['one', 'two', 'three', 'four'];
const TASKS_EACH = 10;
const NETWORK = 191;
const LIMIT_MS = 240_000;
/** Forty programs that start at once on a small machine are no failure. */
const GRACE_SECONDS = 300;
/** V8 tidies up for most of a minute after the start of a program: its garbage collections are no idling. */
const SETTLE_MS = 60_000;
/** A whole minute, so that what happens once in a minute is in it. */
const IDLE_MS = 60_000;
/** Linux' USER_HZ, the unit of /proc/PID/stat, is 100 everywhere that Node runs. */
const TICKS_PER_SECOND = 100;
const MEMORY_GOAL_MB = 4_096;
const IDLE_GOAL_PERCENT = 5;

export async function benchResources(say: (line: string) => void): Promise<readonly Goal[]> {
  const aws = await startEmbeddedAws(1);
  try {
    const account = await openAccount(aws.endpoint, NETWORK);
    try {
      const source = readFileSync(join(ROOT, 'app', 'dist', 'server.js'), 'utf8');
      const plan = { ...WORKING, source, desiredCount: TASKS_EACH, graceSeconds: GRACE_SECONDS };
      for (const environment of ENVIRONMENTS) await createFixtureService(account, environment, plan);
      for (const environment of ENVIRONMENTS) {
        const { cluster } = fixtureNames(environment);
        await untilLocal(aws, cluster, ({ running }) => running === TASKS_EACH, LIMIT_MS);
      }
      await new Promise((resolve) => setTimeout(resolve, SETTLE_MS));
      return await measure(say, aws.pid);
    } finally {
      account.close();
    }
  } finally {
    await aws.stop();
  }
}

async function measure(say: (line: string) => void, pid: number): Promise<readonly Goal[]> {
  const tree = processTree(pid);
  const pids = tree.map((one) => one.pid);
  const memory = pids.reduce((sum, each) => sum + proportionalMb(each), 0);
  const before = pids.map(cpuSeconds);
  await new Promise((resolve) => setTimeout(resolve, IDLE_MS));
  const used = pids.map((each, index) => cpuSeconds(each) - (before[index] ?? 0));
  const percent = (100 * used.reduce((sum, one) => sum + one, 0)) / (IDLE_MS / 1_000);
  const shareOf = (which: (command: string) => boolean) =>
    (100 * tree.reduce((sum, { command }, at) => sum + (which(command) ? (used[at] ?? 0) : 0), 0)) /
    (IDLE_MS / 1_000);
  const isDaemon = (command: string) => command.includes('local-aws/dist/main.js');
  const isMoto = (command: string) => command.includes('moto_server');
  say(
    `${pids.length} processes; idle CPU: daemon ${shareOf(isDaemon).toFixed(1)} %, control plane ${shareOf(isMoto).toFixed(1)} %, tasks ${shareOf((command) => !isDaemon(command) && !isMoto(command)).toFixed(1)} %`,
  );
  return [
    {
      what: `${ENVIRONMENTS.length * TASKS_EACH} tasks in ${ENVIRONMENTS.length} environments: memory`,
      text: `${Math.round(memory)} MB`,
      goal: `within ${MEMORY_GOAL_MB} MB`,
      met: memory <= MEMORY_GOAL_MB,
    },
    {
      what: 'idle CPU of all of it, tasks and their health checks included',
      text: `${percent.toFixed(1)} % of a core`,
      goal: `under ${IDLE_GOAL_PERCENT} %`,
      met: percent < IDLE_GOAL_PERCENT,
    },
  ];
}

/** Shared pages are shared out among those who share them. */
function proportionalMb(pid: number): number {
  const text = readFileSync(`/proc/${pid}/smaps_rollup`, 'utf8');
  return Number(/^Pss:\s+(\d+) kB/m.exec(text)?.[1] ?? 0) / 1_024;
}

function cpuSeconds(pid: number): number {
  const text = readFileSync(`/proc/${pid}/stat`, 'utf8');
  const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
  return (Number(fields[11]) + Number(fields[12])) / TICKS_PER_SECOND;
}
