/**
 * Which tasks ran a release. ECS forgets a task about an hour after its end, its log stays for months: a task that is
 * forgotten belongs to the release that was being deployed, or ran, when the task was started.
 */
import { TowpathError } from './errors.ts';
import type { DeploymentRecord, LedgerState } from './ledger.ts';
import type { LogStreamView } from './log-event.ts';
import { commandToFill } from './next-command.ts';
import type { Environment } from './project.ts';
import type { Release } from './release.ts';
import { releaseBefore } from './release-line.ts';

/** Milliseconds since the epoch; `to` itself excluded, undefined: until now. */
export interface ReleaseWindow {
  readonly from: number;
  readonly to: number | undefined;
}

/**
 * @param wanted `current`, `previous`, or the beginning of a release's id; one that never succeeded, too
 * @throws TowpathError `NOT_DEPLOYED`, `UNKNOWN_RELEASE`
 */
export function decideRelease(
  environment: Pick<Environment, 'name' | 'position'>,
  ledger: LedgerState,
  wanted: string,
): Release {
  const { name } = environment;
  const { deployments } = ledger;
  if (deployments.length === 0)
    throw new TowpathError('NOT_DEPLOYED', `${name} has run no release yet.`, {
      hint: commandToFill(environment),
    });
  if (wanted === 'current' || wanted === 'previous') {
    const record = wanted === 'current' ? ledger.current : releaseBefore(deployments);
    if (record) return record.release;
    throw new TowpathError('UNKNOWN_RELEASE', `${name} has no ${wanted} release.`, {
      hint: `towpath history ${name}`,
    });
  }
  const known = [...new Set(deployments.map(({ release }) => release.id))];
  const matches = known.filter((id) => id.startsWith(wanted));
  const found = deployments.findLast(({ release }) => release.id === matches[0]);
  if (found && matches.length === 1) return found.release;
  throw new TowpathError(
    'UNKNOWN_RELEASE',
    matches.length > 1
      ? `${wanted} is the start of several releases of ${name}: ${matches.join(', ')}.`
      : `No release ${wanted} was deployed to ${name}. Those that were: ${known.join(', ')}.`,
    { hint: matches.length > 1 ? 'name one of them in full' : `towpath history ${name}` },
  );
}

/** When tasks that were started ran this release. @param deployments oldest first */
export function decideReleaseWindows(
  deployments: readonly DeploymentRecord[],
  release: string,
): readonly ReleaseWindow[] {
  const changes: { readonly at: number; readonly release: string | undefined }[] = [];
  let current: string | undefined;
  for (const record of deployments) {
    changes.push({ at: Date.parse(record.startedAt), release: record.release.id });
    if (record.state === 'succeeded') current = record.release.id;
    else if (record.endedAt !== undefined) changes.push({ at: Date.parse(record.endedAt), release: current });
  }
  const windows: ReleaseWindow[] = [];
  let from: number | undefined;
  for (const change of changes) {
    if (change.release === release) from ??= change.at;
    else if (from !== undefined) {
      windows.push({ from, to: change.at });
      from = undefined;
    }
  }
  if (from !== undefined) windows.push({ from, to: undefined });
  return windows;
}

/** @param digests of the images of the tasks that ECS still knows */
export function ranRelease(
  stream: LogStreamView,
  release: Release,
  windows: readonly ReleaseWindow[],
  digests: ReadonlyMap<string, string>,
): boolean {
  const digest = digests.get(stream.task);
  if (digest !== undefined) return digest === release.imageDigest;
  return windows.some(
    ({ from, to }) => stream.createdAt >= from && (to === undefined || stream.createdAt < to),
  );
}
