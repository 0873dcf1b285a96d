/** Back to an earlier release that succeeded here, with the image and the secrets that it needs proven to be there. */
import { TowpathError } from '../domain/errors.ts';
import { decideGates, overall } from '../domain/gates.ts';
import { type DeploymentRecord, foldLedger } from '../domain/ledger.ts';
import type { Environment } from '../domain/project.ts';
import type { Cloud, Ports } from '../ports.ts';
import { carryOut, type RunOptions } from './carry-out.ts';
import { loadGateFacts } from './gate-facts.ts';
import type { DeployResult } from './run-deployment.ts';
import { enter } from './select-environment.ts';

/** @param to release id, or the start of one; the release before the current one when undefined */
export async function rollback(
  ports: Ports,
  environmentName: string,
  to: string | undefined,
  options: RunOptions,
): Promise<DeployResult> {
  const { environment, cloud, target: caller } = await enter(ports, environmentName);
  const ledger = (await cloud.bootstrap.exists()) ? foldLedger(await cloud.ledger.load()) : undefined;
  const target = chooseTarget(environment, ledger?.deployments ?? [], ledger?.current, to);
  await assertRestorable(environment, cloud, target);
  const subject = {
    kind: 'rollback' as const,
    release: target.release,
    requestedBy: caller.identity,
    approvals: [],
    allowDestroy: options.allowDestroy,
  };
  const facts = await loadGateFacts(ports, environment, cloud, ledger?.current, subject);
  const policy = { ...environment.promotion, protected: environment.protected };
  const gates = decideGates(facts, policy, ports.clock.now());
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
        hint: `git checkout ${target.release.sourceCommit.replace('-dirty', '')}, then the same command`,
      },
    );
  }
  return carryOut(ports, environment, cloud, {
    built: { release: target.release, image: target.image },
    kind: 'rollback',
    facts,
    options,
    stillValid: () => true,
  });
}

function chooseTarget(
  environment: Environment,
  deployments: readonly DeploymentRecord[],
  current: DeploymentRecord | undefined,
  to: string | undefined,
): DeploymentRecord {
  const succeeded = deployments.filter(({ state }) => state === 'succeeded');
  const known = [...new Set(succeeded.map(({ release }) => release.id))].join(', ') || 'none';
  if (to === undefined) {
    const target = succeeded.findLast(({ release }) => release.id !== current?.release.id);
    if (target) return target;
    throw new TowpathError(
      'NO_ROLLBACK_TARGET',
      `${environment.name} has no earlier release that succeeded.`,
      {
        hint: `towpath history ${environment.name}`,
      },
    );
  }
  const target = succeeded.findLast(({ release }) => release.id === to || release.id.startsWith(to));
  if (!target) {
    throw new TowpathError(
      'UNKNOWN_RELEASE',
      `No release ${to} has succeeded in ${environment.name}. Those that have: ${known}.`,
      {
        hint: `towpath history ${environment.name}`,
      },
    );
  }
  if (target.release.id !== current?.release.id) return target;
  throw new TowpathError('NO_ROLLBACK_TARGET', `${environment.name} runs ${target.release.id} already.`, {
    hint: `name another one: ${known}`,
  });
}

async function assertRestorable(
  environment: Environment,
  cloud: Cloud,
  target: DeploymentRecord,
): Promise<void> {
  const [imageExists, secrets] = await Promise.all([
    cloud.images.exists(target.release.imageDigest),
    cloud.secrets.list(environment.service.secrets),
  ]);
  const missing = secrets.filter(({ present }) => !present).map(({ name }) => name);
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
