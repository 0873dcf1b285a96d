/** Back to an earlier release that succeeded here, with the image and the secrets that it needs proven to be there. */
import { TowpathError } from '../domain/errors.ts';
import { decideGates, gatePolicyOf, overall } from '../domain/gates.ts';
import { type DeploymentRecord, foldLedger, type LedgerState } from '../domain/ledger.ts';
import type { Environment } from '../domain/project.ts';
import type { Release } from '../domain/release.ts';
import { releaseBefore } from '../domain/release-line.ts';
import type { Cloud, Ports } from '../ports.ts';
import { carryOut, type RunOptions } from './carry-out.ts';
import { loadGateFacts, loadNeeds } from './gate-facts.ts';
import type { DeployResult } from './run-deployment.ts';
import { enter } from './select-environment.ts';

/**
 * @param to release id, or the start of one. When undefined: the release before the current one; after a deployment that
 * was killed or broke, the current one, which that deployment may have taken down; after such a rollback, its target.
 */
export async function rollback(
  ports: Ports,
  environmentName: string,
  to: string | undefined,
  options: RunOptions,
): Promise<DeployResult> {
  const { environment, cloud, target: caller } = await enter(ports, environmentName);
  const ledger = (await cloud.bootstrap.exists()) ? foldLedger(await cloud.ledger.load()) : undefined;
  const target = chooseTarget(environment, ledger ?? foldLedger([]), to);
  await assertRestorable(environment, cloud, target);
  const subject = {
    kind: 'rollback' as const,
    release: target.release,
    requestedBy: caller.identity,
    approvals: [],
    generateSecrets: options.generateSecrets,
  };
  const facts = await loadGateFacts(ports, environment, cloud, ledger?.current, subject);
  const gates = decideGates(facts, gatePolicyOf(environment), ports.clock.now());
  ports.notifier.notify({
    type: 'gates',
    environment: environment.name,
    promotion: undefined,
    release: target.release.id,
    gates,
  });
  const closed = gates.find(({ state }) => state === 'closed');
  if (overall(gates) === 'closed' && closed) {
    throw new TowpathError(
      'GATE_CLOSED',
      `The way back to ${target.release.id} is closed: ${closed.reason}.`,
      {
        hint: hintToTree(target.release),
      },
    );
  }
  return carryOut(ports, environment, cloud, {
    built: { release: target.release, image: target.image },
    kind: 'rollback',
    options,
    stillValid: (events) => foldLedger(events).current?.id === ledger?.current?.id,
  });
}

function hintToTree({ id, sourceCommit }: Release): string {
  if (sourceCommit === 'none')
    return `bring infra/ back to what it was when ${id} was built, then the same command`;
  const [commit = '', dirty] = sourceCommit.split('-');
  const more = dirty === undefined ? '' : ' with the changes that were not committed then';
  return `git checkout ${commit}${more}, then the same command`;
}

function chooseTarget(
  environment: Environment,
  ledger: LedgerState,
  to: string | undefined,
): DeploymentRecord {
  const { current } = ledger;
  const succeeded = ledger.deployments.filter(({ state }) => state === 'succeeded');
  const between = findBetween(ledger);
  if (to === undefined) {
    const target = between ? wayOut(ledger, between) : current && releaseBefore(ledger.deployments);
    if (target) return target;
    throw noTarget(environment, current, succeeded.at(-1));
  }
  const target = findNamed(environment, succeeded, to);
  if (between || target.release.id !== current?.release.id) return target;
  const others = idsOf(succeeded).filter((id) => id !== target.release.id);
  throw new TowpathError('NO_ROLLBACK_TARGET', `${environment.name} runs ${target.release.id} already.`, {
    hint: others.length > 0 ? `name another one: ${others.join(', ')}` : `towpath status ${environment.name}`,
  });
}

/** A deployment that may have left the environment half with its release: the current one is one to go back to then. */
function findBetween({ current, unsettled }: LedgerState): DeploymentRecord | undefined {
  return unsettled && unsettled.release.id !== current?.release.id ? unsettled : undefined;
}

function wayOut(
  { deployments, current }: LedgerState,
  between: DeploymentRecord,
): DeploymentRecord | undefined {
  if (between.kind !== 'rollback') return current;
  return deployments.findLast(
    ({ state, release }) => state === 'succeeded' && release.id === between.release.id,
  );
}

function noTarget(
  environment: Environment,
  current: DeploymentRecord | undefined,
  last: DeploymentRecord | undefined,
): TowpathError {
  if (!current && last) {
    return new TowpathError('NOT_DEPLOYED', `${environment.name} runs nothing that could be rolled back.`, {
      hint: `towpath rollback ${environment.name} --to ${last.release.id} brings up what ran there last`,
    });
  }
  return new TowpathError(
    'NO_ROLLBACK_TARGET',
    `${environment.name} has no earlier release that succeeded${current ? ` before ${current.release.id}` : ''}.`,
    { hint: `towpath history ${environment.name}` },
  );
}

function findNamed(
  environment: Environment,
  succeeded: readonly DeploymentRecord[],
  to: string,
): DeploymentRecord {
  const known = idsOf(succeeded);
  const matches = known.filter((id) => id.startsWith(to));
  const target = succeeded.findLast(({ release }) => release.id === matches[0]);
  if (target && matches.length === 1) return target;
  throw new TowpathError(
    'UNKNOWN_RELEASE',
    matches.length > 1
      ? `${to} is the start of several releases that have succeeded in ${environment.name}: ${matches.join(', ')}.`
      : `No release ${to} has succeeded in ${environment.name}. Those that have: ${known.join(', ') || 'none'}.`,
    { hint: matches.length > 1 ? 'name one of them in full' : `towpath history ${environment.name}` },
  );
}

/** Each once, oldest first. */
function idsOf(records: readonly DeploymentRecord[]): readonly string[] {
  return [...new Set(records.map(({ release }) => release.id))];
}

async function assertRestorable(
  environment: Environment,
  cloud: Cloud,
  target: DeploymentRecord,
): Promise<void> {
  const { imageExists, missingSecrets: missing } = await loadNeeds(environment, cloud, target.release);
  const problem = imageExists
    ? missing.length > 0
      ? `these secrets have no value: ${missing.join(', ')}`
      : undefined
    : `its image ${target.release.imageDigest.slice(0, 19)} is gone from the registry`;
  if (problem === undefined) return;
  throw new TowpathError(
    'NO_ROLLBACK_TARGET',
    `${target.release.id} can't run in ${environment.name} again: ${problem}.`,
    {
      hint:
        missing.length > 0
          ? `towpath secret set ${environment.name} ${missing[0]}`
          : `towpath rollback ${environment.name} --to another release`,
    },
  );
}
