/**
 * What must hold whatever happens. Looked at from outside: from processes, targets and the status that people see,
 * with arithmetic of its own, so that a mistake in `decide/` can not hide itself.
 */
import { TARGET_GROUP } from '../test/fake-control.ts';
import { addToDigest, type Decide, type SimulatedDay } from './simulated-day.ts';

/** A broken day breaks at every turn; the first few tell enough. */
const MAX_VIOLATIONS = 5;

export function violate(day: SimulatedDay, what: string): void {
  if (day.violations.length < MAX_VIOLATIONS)
    day.violations.push(`${new Date(day.clock.now()).toISOString()} ${what}`);
}

const statusOf = (day: SimulatedDay) => day.world.ecs.status()[0];

/** Never more tasks RUNNING or PENDING than the maximum percent allows, rounded down, when it has started some. */
function watchMaximum(day: SimulatedDay): void {
  day.clock.onMoment = () => {
    if (!day.started) return;
    day.started = false;
    const status = statusOf(day);
    const { seen } = day;
    if (!status || !seen) return;
    const count = status.running + status.pending;
    const most = Math.max(seen.desiredCount, Math.floor((seen.desiredCount * seen.maximumPercent) / 100));
    if (count > most) violate(day, `above the maximum: ${count} tasks, ${most} allowed`);
  };
}

/** The scheduler leaves the minimum percent of healthy tasks, rounded up, when it takes a healthy one out. */
function watchMinimum(day: SimulatedDay): void {
  const { balancer, driver } = day.world;
  balancer.onDeregister = (id) => {
    const targets = balancer.health(TARGET_GROUP);
    const own = targets.find((entry) => entry.target.id === id);
    const alive = driver.alive().some((process) => process.spec.privateIp === id);
    // What is down or failing already was taken by a fault.
    if (day.byHand || own?.state !== 'healthy' || !alive || !day.seen) return;
    const { desiredCount, minimumHealthyPercent } = day.seen;
    const least = Math.ceil((desiredCount * minimumHealthyPercent) / 100);
    const left = targets.filter((entry) => entry.state === 'healthy').length - 1;
    if (left < least) violate(day, `below the minimum: ${left} healthy left, ${least} wanted`);
  };
}

/** Every process belongs to a task that has not ended, and every RUNNING task has its process. */
export function checkAccounts(day: SimulatedDay): void {
  const tasks = statusOf(day)?.tasks ?? [];
  const known = new Set(tasks.map((task) => task.id));
  const alive = new Set(day.world.driver.alive().map((process) => process.spec.taskId));
  for (const id of alive) if (!known.has(id)) violate(day, `a process without a task: ${id}`);
  for (const task of tasks)
    if (task.lastStatus === 'RUNNING' && !alive.has(task.id))
      violate(day, `a RUNNING task without a process: ${task.id}`);
}

/** At rest nothing is on its way, targets and processes are the same, and every ended task says why it ended. */
export async function checkRest(day: SimulatedDay): Promise<void> {
  const { world } = day;
  checkAccounts(day);
  const addresses = world.driver.alive().map((process) => process.spec.privateIp);
  const targets = world.balancer.health(TARGET_GROUP).map((entry) => entry.target.id);
  const balanced = day.seed % 7 !== 0;
  if (balanced && targets.sort().join() !== addresses.sort().join())
    violate(day, `targets ${targets.join()} and processes ${addresses.join()} differ`);
  for (const task of await world.tasks()) {
    if (task.lastStatus !== 'RUNNING' && task.lastStatus !== 'STOPPED')
      violate(day, `${task.taskArn} is still ${task.lastStatus}`);
    if (task.lastStatus === 'STOPPED' && !task.stoppedReason)
      violate(day, `${task.taskArn} ended without a reason`);
  }
}

/** @returns `decide` as the scheduler is to use it */
export function watchPromises(day: SimulatedDay, decide: Decide): Decide {
  watchMaximum(day);
  watchMinimum(day);
  return (service, tasks, now) => {
    day.seen = service;
    day.decisions += 1;
    const actions = decide(service, tasks, now);
    if (actions.length === 0) return actions;
    addToDigest(day, `${now}:${actions.map(({ kind }) => kind).join()}`);
    const shown = statusOf(day)?.desired;
    day.started ||= actions.some(({ kind }) => kind === 'start');
    if (service.status === 'ACTIVE' && shown !== service.desiredCount)
      violate(day, `decided for ${service.desiredCount} tasks while ${shown} are wanted`);
    return actions;
  };
}
