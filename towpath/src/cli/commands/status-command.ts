/** `status`: the ladder at a glance. */
import { type EnvironmentStatus, status } from '../../actions/index.ts';
import { firstSentence } from '../../domain/alarm.ts';
import { shortIdentity } from '../../domain/person.ts';
import type { CommandBody } from '../session.ts';
import { renderTasks } from '../views/render-rollout.ts';
import { type Paint, renderTable } from '../views/style.ts';

export function statusCommand(names: readonly string[]): CommandBody {
  return async ({ open, paint, context }) => {
    const environments = await status(await open(), names);
    const text =
      names.length === 0
        ? renderLadder(environments, paint, context.now(), firstSentence)
        : environments.map((one) => renderOne(one, paint, context.now())).join('\n');
    return { json: { environments }, text };
  };
}

/** @param advice as much of an alarm's description as there is room for */
function renderLadder(
  environments: readonly EnvironmentStatus[],
  paint: Paint,
  now: number,
  advice: (description: string) => string,
): string {
  const header = ['environment', 'release', 'tasks', 'zones', 'health', 'age', 'url'].map((cell) =>
    paint('dim', cell),
  );
  const rows = environments.map((one) => [
    paint('bold', one.environment),
    one.current?.release.id ?? paint('dim', one.bootstrapped ? 'none' : 'not bootstrapped'),
    one.service ? `${one.service.running}/${one.service.desired}` : '-',
    describeZones(one),
    describeHealth(one, paint),
    one.current?.endedAt === undefined ? '' : age(now - Date.parse(one.current.endedAt)),
    one.service?.url ?? '',
  ]);
  const work = environments.flatMap((one) => [
    ...describeAlarms(one, paint, now, advice),
    ...describeUnfinished(one, paint),
    ...describePending(one, paint, now),
  ]);
  return [renderTable([header, ...rows]), ...work].join('\n');
}

function renderOne(one: EnvironmentStatus, paint: Paint, now: number): string {
  const lines = [renderLadder([one], paint, now, (description) => description)];
  const last = one.lastDeployment;
  // What is unfinished and held by nobody tells of it already.
  if (last && last.state !== 'succeeded' && (one.lock || !one.unfinished))
    lines.push(
      `last deployment ${last.id} of ${last.release.id}: ${last.state}${last.cause === undefined ? '' : `: ${last.cause}`}`,
    );
  if (one.service) lines.push(renderTasks(one.service, paint));
  return lines.join('\n');
}

/** Running tasks in each zone, by the letter that tells a region's zones apart: `a:1 b:1 c:1`. */
function describeZones({ service }: EnvironmentStatus): string {
  const counts = new Map<string, number>();
  for (const { zone, status } of service?.tasks ?? []) {
    const letter = zone.slice(-1);
    if (status === 'RUNNING') counts.set(letter, (counts.get(letter) ?? 0) + 1);
  }
  const cells = [...counts].sort(([a], [b]) => a.localeCompare(b)).map(([zone, count]) => `${zone}:${count}`);
  return cells.join(' ') || '-';
}

function describeHealth(one: EnvironmentStatus, paint: Paint): string {
  if (!one.service) return '-';
  const healthy = one.service.targets.filter((target) => target.state === 'healthy').length;
  const all = one.service.targets.length;
  return paint(healthy === all && all > 0 ? 'green' : 'red', `${healthy}/${all} healthy`);
}

function describeAlarms(
  one: EnvironmentStatus,
  paint: Paint,
  now: number,
  advice: (description: string) => string,
): readonly string[] {
  const { environment, alarms, alarmsTrouble } = one;
  if (alarms === undefined)
    return one.bootstrapped
      ? [`${paint('yellow', '!')} ${environment}: alarms can't be shown: ${alarmsTrouble}`]
      : [];
  return alarms.flatMap(({ name, since, description }) => [
    `${paint('red', 'alarm')} ${environment}: ${paint('bold', name)}${since === undefined ? '' : ` (${age(now - Date.parse(since))})`}`,
    ...(description === '' ? [] : [`  ${advice(description)}`]),
  ]);
}

function describeUnfinished({ environment, unfinished }: EnvironmentStatus, paint: Paint): readonly string[] {
  if (!unfinished) return [];
  const line = `${paint('yellow', '!')} ${environment}: ${unfinished.text}`;
  return unfinished.next === undefined ? [line] : [line, `  ${paint('cyan', 'next:')} ${unfinished.next}`];
}

function describePending(
  { environment, pending }: EnvironmentStatus,
  paint: Paint,
  now: number,
): readonly string[] {
  if (!pending) return [];
  const { promotion, approved, approvalsNeeded } = pending;
  const what = promotion.kind === 'apply' ? 'changes the configuration of' : 'promotes';
  const approvals = approvalsNeeded === 0 ? '' : `, ${approved} of ${approvalsNeeded} approvals`;
  const requester = shortIdentity(promotion.requestedBy);
  const next =
    approved < approvalsNeeded
      ? `somebody other than ${requester} runs: towpath approve ${environment}`
      : `towpath ${promotion.kind} ${environment}`;
  return [
    `${paint('yellow', '…')} ${environment}: ${promotion.id} ${what} ${promotion.release.id}${approvals}, asked for by ${requester} (${age(now - Date.parse(promotion.openedAt))})`,
    `  ${paint('cyan', 'next:')} ${next}`,
  ];
}

/** The two largest units: `3 d 4 h`, `12 min`. */
export function age(ms: number): string {
  const units: readonly (readonly [string, number])[] = [
    ['d', 86_400_000],
    ['h', 3_600_000],
    ['min', 60_000],
    ['s', 1_000],
  ];
  const first = units.findIndex(([, size]) => ms >= size);
  if (first < 0) return 'just now';
  const parts: string[] = [];
  let rest = ms;
  for (const [unit, size] of units.slice(first, first + 2)) {
    const count = Math.floor(rest / size);
    rest -= count * size;
    if (count > 0 && !(unit === 's' && parts.length > 0)) parts.push(`${count} ${unit}`);
  }
  return parts.join(' ');
}
