/**
 * Target tracking on the embedded AWS, start to end: load for four tasks comes and goes, and a timeline in AWS-side
 * minutes shows metric, alarms, desired and running count, and what Application Auto Scaling says it did.
 */
import { setTimeout as wait } from 'node:timers/promises';
import { createBurningService, type LoadServer, taskUnits } from './burning-service.ts';
import { createObserver, type Observed } from './observe-scaling.ts';
import type { ClientOptions } from './program-service.ts';

const minuteMs = 60_000;
/** Four tasks of 256 units below 70 %, also while the fourth is new: 660 of 1024. */
const highUnits = 660;
/** Of what the tasks have reserved: between the thresholds of the two alarms, 63 and 70 %. */
const steadyPercent = 66;
const lowUnits = 20;
export const wantedTasks = 4;
/** AWS-side; each phase ends earlier when what it waits for is there. */
const maxMinutesOfPhase = 45;
const settledMinutes = 3;

/** AWS-side minutes in which the first change must come: the alarm's datapoints, and as much again as it may be late. */
export const goals = {
  scaleOut: { from: 3, to: 6 },
  scaleIn: { from: 15, to: 18 },
} as const;

export interface ScalingResult {
  /** From the change of the load to the first change of the desired count, AWS-side minutes. */
  readonly scaleOutMinutes: number | undefined;
  readonly scaleInMinutes: number | undefined;
  readonly mostTasks: number;
  readonly tasksAtEnd: number;
}

export async function demonstrateScaling(options: {
  readonly client: ClientOptions;
  readonly speed: number;
  readonly load: LoadServer;
  readonly say: (line: string) => void;
}): Promise<ScalingResult> {
  const { client, speed, load, say } = options;
  await createBurningService(client, load.url);
  const observe = createObserver(client);
  const startedAt = Date.now();
  const minutes = () => ((Date.now() - startedAt) * speed) / minuteMs;
  let mostTasks = 1;
  let told = 0;

  function sayRow(seen: Observed): void {
    mostTasks = Math.max(mostTasks, seen.desired);
    const cells = [
      minutes().toFixed(1).padStart(6),
      (seen.cpuPercent === undefined ? '-' : seen.cpuPercent.toFixed(1)).padStart(6),
      seen.high.padEnd(17),
      seen.low.padEnd(17),
      String(seen.desired).padStart(7),
      String(seen.running).padStart(7),
    ];
    const fresh = seen.activities.slice(0, seen.activities.length - told).reverse();
    told = seen.activities.length;
    const [first, ...more] = fresh.map(({ Description, Cause }) => `${Description} (${Cause})`);
    say([...cells, first ?? ''].join('  ').trimEnd());
    for (const line of more) say(`${' '.repeat(74)}${line}`);
  }

  /** One row a minute until it is done. @returns minutes from the start of the phase, undefined when it never was */
  async function phase(done: (seen: Observed) => boolean): Promise<number | undefined> {
    const began = minutes();
    for (let row = 0; row < maxMinutesOfPhase; row += 1) {
      const seen = await observe();
      sayRow(seen);
      if (done(seen)) return minutes() - began;
      await wait(minuteMs / speed);
    }
    return undefined;
  }

  /** Until there are as many tasks as wanted, and have been for a while. */
  function settled(enough: (count: number) => boolean): (seen: Observed) => boolean {
    let [since, before] = [0, 0];
    return ({ desired, running }) => {
      since = enough(desired) && desired === running && desired === before ? since + 1 : 0;
      before = desired;
      return since >= settledMinutes;
    };
  }

  say('minute   CPU %  AlarmHigh          AlarmLow           desired  running  activity');
  await phase(({ deployed, cpuPercent }) => deployed && cpuPercent !== undefined);
  say(`  load: ${highUnits} CPU units, enough for ${wantedTasks} tasks`);
  load.units = highUnits;
  const scaleOutMinutes = await phase(({ desired }) => desired > 1);
  await phase(settled((count) => count >= wantedTasks));
  // A task that starts late leaves the others too busy for a minute, and one more is added, as on AWS. So that the low
  // alarm counts from the drop of the load and not from there, what the tasks have is held between the thresholds.
  load.units = Math.round((mostTasks * taskUnits * steadyPercent) / 100);
  say(`  load: ${load.units} CPU units, ${steadyPercent} % of ${mostTasks} tasks`);
  await phase(settled((count) => count === mostTasks));
  say(`  load: ${lowUnits} CPU units`);
  load.units = lowUnits;
  const before = mostTasks;
  const scaleInMinutes = await phase(({ desired }) => desired < before);
  await phase(settled((count) => count === 1));
  const { desired: tasksAtEnd } = await observe();
  return { scaleOutMinutes, scaleInMinutes, mostTasks, tasksAtEnd };
}
