/** Which release an environment ran before the one it runs: what a rollback goes back to. Pure. */
import type { DeploymentRecord } from './ledger.ts';

/**
 * The last success of the release before the current one. A rollback goes back along the line: what it left behind
 * is unwanted, and a second rollback must not bring it back.
 * @param deployments all of the environment, oldest first
 */
export function releaseBefore(deployments: readonly DeploymentRecord[]): DeploymentRecord | undefined {
  let line: readonly DeploymentRecord[] = [];
  for (const record of deployments) {
    if (record.state !== 'succeeded') continue;
    const place = line.findLastIndex(({ release }) => release.id === record.release.id);
    const isSame = place >= 0 && (record.kind === 'rollback' || place === line.length - 1);
    line = [...(isSame ? line.slice(0, place) : line), record];
  }
  return line.at(-2);
}
