/** Gathers what the gates decide on. */

import type { GateFacts, RestorableFact } from '../domain/gates.ts';
import { type DeploymentRecord, foldLedger } from '../domain/ledger.ts';
import type { Environment } from '../domain/project.ts';
import { hashTree, type Release } from '../domain/release.ts';
import { healthySince } from '../domain/rollout.ts';
import type { Cloud, Ports } from '../ports.ts';

export interface GateSubject {
  readonly kind: GateFacts['kind'];
  readonly release: Release;
  readonly requestedBy: string;
  readonly approvals: GateFacts['approvals'];
  readonly allowDestroy: boolean;
}

/** All facts but the plan, which costs half a minute and is made when the other gates are open. */
export async function loadGateFacts(
  ports: Ports,
  environment: Environment,
  cloud: Cloud,
  current: DeploymentRecord | undefined,
  subject: GateSubject,
): Promise<GateFacts> {
  const [upstream, restorable, tree] = await Promise.all([
    subject.kind === 'promote' ? loadUpstream(ports, environment) : undefined,
    loadRestorable(environment, cloud, current),
    ports.workspace.terraformTree(),
  ]);
  return { ...subject, upstream, restorable, terraformHash: hashTree(tree), plan: undefined };
}

async function loadUpstream(ports: Ports, environment: Environment): Promise<GateFacts['upstream']> {
  const before = ports.project.environments[environment.position - 1];
  if (!before) return undefined;
  const cloud = ports.cloud(before);
  const name = { environment: before.name };
  const nothing = { ...name, release: undefined, healthySince: undefined };
  if (!(await cloud.bootstrap.exists())) return { ...nothing, trouble: 'it is not bootstrapped' };
  const [events, snapshot] = await Promise.all([cloud.ledger.load(), cloud.service.snapshot()]);
  const { current } = foldLedger(events);
  if (current?.endedAt === undefined) return { ...nothing, trouble: 'nothing was deployed there' };
  const health = healthySince(snapshot, current.endedAt);
  return {
    ...name,
    release: current.release.id,
    healthySince: 'since' in health ? health.since : undefined,
    trouble: 'trouble' in health ? health.trouble : undefined,
  };
}

async function loadRestorable(
  environment: Environment,
  cloud: Cloud,
  current: DeploymentRecord | undefined,
): Promise<RestorableFact> {
  if (!current) return { release: undefined, imageExists: true, missingSecrets: [] };
  const [imageExists, secrets] = await Promise.all([
    cloud.images.exists(current.release.imageDigest),
    cloud.secrets.list(environment.service.secrets),
  ]);
  const missingSecrets = secrets.filter(({ present }) => !present).map(({ name }) => name);
  return { release: current.release.id, imageExists, missingSecrets };
}
