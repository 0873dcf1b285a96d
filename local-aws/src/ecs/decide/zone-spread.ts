/**
 * Availability-zone spread: start where the fewest tasks are, stop where the most are. Pure.
 */

/** Tasks in each zone; zones without a task count 0. */
export function countByZone(zones: readonly string[], taskZones: readonly string[]): Map<string, number> {
  const counts = new Map(zones.map((zone) => [zone, 0]));
  for (const zone of taskZones) counts.set(zone, (counts.get(zone) ?? 0) + 1);
  return counts;
}

/** The zones of `count` new tasks; ties go to the zone listed first. Empty when there is no zone. */
export function zonesToStartIn(
  zones: readonly string[],
  taskZones: readonly string[],
  count: number,
): readonly string[] {
  if (zones.length === 0) return [];
  const counts = countByZone(zones, taskZones);
  const chosen: string[] = [];
  for (let i = 0; i < count; i++) {
    let best = zones[0] ?? '';
    for (const zone of zones) if ((counts.get(zone) ?? 0) < (counts.get(best) ?? 0)) best = zone;
    counts.set(best, (counts.get(best) ?? 0) + 1);
    chosen.push(best);
  }
  return chosen;
}

/**
 * The first task to stop: in the zone with the most tasks, and there the one that `rank` puts lowest
 * (ties: the newest, since an older task has proven itself).
 */
export function taskToStop<T extends { readonly zone: string; readonly createdAt: number }>(
  tasks: readonly T[],
  rank: (task: T) => number,
): T | undefined {
  const counts = countByZone(
    [],
    tasks.map((task) => task.zone),
  );
  const most = Math.max(0, ...counts.values());
  let best: T | undefined;
  for (const task of tasks) {
    if (counts.get(task.zone) !== most) continue;
    if (
      best === undefined ||
      rank(task) < rank(best) ||
      (rank(task) === rank(best) && task.createdAt > best.createdAt)
    )
      best = task;
  }
  return best;
}

/** Largest difference between two zones that needs no rebalancing. */
const BALANCED_DIFFERENCE = 1;

/** The zone that rebalancing starts a task in, or undefined when the spread is even enough. */
export function zoneToRebalanceInto(
  zones: readonly string[],
  taskZones: readonly string[],
): string | undefined {
  if (zones.length < 2) return undefined;
  const counts = countByZone(zones, taskZones);
  const most = Math.max(...counts.values());
  const [zone] = zonesToStartIn(zones, taskZones, 1);
  if (zone === undefined) return undefined;
  return most - (counts.get(zone) ?? 0) > BALANCED_DIFFERENCE ? zone : undefined;
}
