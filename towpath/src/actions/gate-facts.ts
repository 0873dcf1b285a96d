/** Gathers what the gates decide on. */

import type { GateFacts, RestorableFact } from '../domain/gates.ts';
import { type DeploymentRecord, foldLedger } from '../domain/ledger.ts';
import type { Environment } from '../domain/project.ts';
import { hashTree, type Release } from '../domain/release.ts';
import { healthySince, type ServiceSnapshot } from '../domain/rollout.ts';
import type { Cloud, Ports } from '../ports.ts';

export interface GateSubject {
  readonly kind: GateFacts['kind'];
  readonly release: Release;
  readonly requestedBy: string;
  readonly approvals: GateFacts['approvals'];
  /** Missing secrets get a value before anything runs, so that they keep nothing from coming back. */
  readonly generateSecrets: boolean;
}

export async function loadGateFacts(
  ports: Ports,
  environment: Environment,
  cloud: Cloud,
  current: DeploymentRecord | undefined,
  subject: GateSubject,
): Promise<GateFacts> {
  const [upstream, restorable, tree] = await Promise.all([
    subject.kind === 'promote' ? loadUpstream(ports, environment) : undefined,
    loadRestorable(environment, cloud, current, subject),
    ports.workspace.terraformTree(),
  ]);
  const { kind, release, requestedBy, approvals } = subject;
  const given = { kind, release, requestedBy, approvals };
  return { ...given, upstream, restorable, terraformHash: hashTree(tree) };
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
  const health = healthOf(current, snapshot);
  return {
    ...name,
    release: current.release.id,
    healthySince: 'since' in health ? health.since : undefined,
    trouble: 'trouble' in health ? health.trouble : undefined,
  };
}

/** Healthy with the release that is verified there: tasks of another one say nothing about it. */
function healthOf(
  { release, endedAt = '' }: DeploymentRecord,
  snapshot: ServiceSnapshot | undefined,
): ReturnType<typeof healthySince> {
  const running = snapshot?.tasks.filter(({ status }) => status === 'RUNNING') ?? [];
  const others = running.filter(({ imageDigest }) => imageDigest !== release.imageDigest);
  if (others.length === 0) return healthySince(snapshot, endedAt);
  return {
    trouble: `${others.length} of ${running.length} tasks run another image than that of ${release.id}`,
  };
}

async function loadRestorable(
  environment: Environment,
  cloud: Cloud,
  current: DeploymentRecord | undefined,
  { generateSecrets }: GateSubject,
): Promise<RestorableFact> {
  if (!current) return { release: undefined, imageExists: true, missingSecrets: [] };
  const { imageExists, missingSecrets } = await loadNeeds(environment, cloud, current.release);
  return { release: current.release.id, imageExists, missingSecrets: generateSecrets ? [] : missingSecrets };
}

/** Whether what a release needs to run here is there: its image, and a value for each secret. */
export async function loadNeeds(
  environment: Environment,
  cloud: Cloud,
  release: Release,
): Promise<{ readonly imageExists: boolean; readonly missingSecrets: readonly string[] }> {
  const [imageExists, secrets] = await Promise.all([
    cloud.images.exists(release.imageDigest),
    cloud.secrets.list(environment.service.secrets),
  ]);
  return { imageExists, missingSecrets: secrets.filter(({ present }) => !present).map(({ name }) => name) };
}
