/** A service snapshot in words: tasks by zone, targets, deployments. Pure. */
import { digestOf, shortDigest } from '../../domain/release.ts';
import { type ServiceSnapshot, type TaskView, tasksByZone } from '../../domain/rollout.ts';
import { type Paint, plural, renderTable } from './style.ts';

export function summariseTasks(snapshot: ServiceSnapshot): string {
  const zones = [...tasksByZone(snapshot.tasks)].map(
    ([zone, tasks]) => `${zone} ${countBy(tasks.map((task) => task.status.toLowerCase()))}`,
  );
  const targets = countBy(snapshot.targets.map((target) => target.state));
  return [
    `tasks ${snapshot.running}/${snapshot.desired} running`,
    ...zones,
    `targets ${targets || 'none'}`,
  ].join(' · ');
}

function countBy(words: readonly string[]): string {
  const counts = new Map<string, number>();
  for (const word of words) counts.set(word, (counts.get(word) ?? 0) + 1);
  return [...counts].map(([word, count]) => `${count} ${word}`).join(', ');
}

/** A row for each task: zone, id, state, health, image. */
export function renderTasks(snapshot: ServiceSnapshot, paint: Paint, requestedDigest?: string): string {
  const rows = [...tasksByZone(snapshot.tasks)].flatMap(([zone, tasks]) =>
    tasks.map((task, index) => [
      index === 0 ? zone : '',
      task.id.slice(0, 12),
      paintStatus(task.status, paint),
      paintHealth(healthOf(task, snapshot), paint),
      describeImage(task, requestedDigest, paint),
    ]),
  );
  return rows.length === 0 ? `  ${paint('dim', 'no tasks')}` : renderTable(rows, '  ');
}

function healthOf(task: TaskView, snapshot: ServiceSnapshot): string {
  const target = snapshot.targets.find((candidate) => candidate.id === task.privateIp);
  if (!target) return '-';
  return target.state === 'unhealthy' && target.description
    ? `unhealthy: ${target.description}`
    : target.state;
}

function describeImage(task: TaskView, requestedDigest: string | undefined, paint: Paint): string {
  if (task.imageDigest === undefined) return '';
  const short = shortDigest(task.imageDigest);
  if (requestedDigest === undefined) return paint('dim', short);
  return task.imageDigest === requestedDigest ? paint('green', `${short} new`) : paint('dim', short);
}

function paintStatus(status: string, paint: Paint): string {
  return status === 'RUNNING' ? paint('green', status) : paint('yellow', status);
}

function paintHealth(health: string, paint: Paint): string {
  if (health === 'healthy') return paint('green', health);
  return health.startsWith('unhealthy') ? paint('red', health) : paint('dim', health);
}

/** One line about the state of the rollout itself. */
export function describeRollout(snapshot: ServiceSnapshot): string {
  const [primary] = snapshot.deployments.filter((deployment) => deployment.status === 'PRIMARY');
  if (!primary) return 'no deployment';
  const failed = primary.failed > 0 ? `, ${plural(primary.failed, 'failed task')}` : '';
  const image = digestOf(primary.taskDefinition) ?? primary.taskDefinition.split('/').at(-1) ?? '';
  return `${image} ${(primary.rolloutState ?? '').toLowerCase().replace('_', ' ')}: ${primary.running}/${primary.desired} running${failed}`;
}
