/**
 * One deployment, whatever asked for it: plan, intent, apply of exactly that plan, verification, outcome.
 * Every step can be repeated: after a kill at any point the same command goes on or cleans up.
 */
import { TowpathError } from '../domain/errors.ts';
import {
  type DeploymentKind,
  type DeploymentRecord,
  foldLedger,
  type LedgerEvent,
  type LedgerPayload,
  wasCutShort,
} from '../domain/ledger.ts';
import { commandToRenew } from '../domain/next-command.ts';
import type { PlanSummary } from '../domain/plan.ts';
import type { Environment } from '../domain/project.ts';
import type { Release } from '../domain/release.ts';
import { judgeRollout } from '../domain/rollout.ts';
import type { Secret } from '../domain/secret.ts';
import type { AppliedPlan, Cloud, Ports, SavedPlan } from '../ports.ts';
import { appendOnce } from './append-decided.ts';
import { applyPlan } from './apply-plan.ts';
import type { BuiltRelease } from './build.ts';
import { explainFailure, type FailureExplanation } from './explain-failure.ts';
import { planInPlace, renewTasks, startAnew, unreadSecrets } from './resume-service.ts';
import { stage } from './stage.ts';
import { awaitRollout, startRolloutWatch } from './watch-rollout.ts';

/** After Terraform has returned, the service is stable already or nearly so. */
const VERIFY_TIMEOUT_MS = 300_000;
/** Nobody has waited yet for tasks that only take a new secret: each starts, is found healthy, and one before it drains. */
const RENEWAL_TIMEOUT_MS = 900_000;
const PROBE_TIMEOUT_MS = 10_000;

export interface DeployResult {
  readonly environment: string;
  readonly release: Release;
  readonly image: string;
  readonly url: string | undefined;
  /** False when the environment already ran this release and nothing had to change. */
  readonly changed: boolean;
}

/** Who holds the environment's lock asks for this, and has settled its ledger. */
export interface DeploymentRequest {
  readonly ports: Ports;
  readonly cloud: Cloud;
  readonly environment: Environment;
  readonly secrets: ReadonlyMap<string, Secret>;
  readonly built: BuiltRelease;
  readonly kind: DeploymentKind;
  /** Why the ladder was left, for a break-glass deployment. */
  readonly reason?: string | undefined;
  readonly promotion?: string | undefined;
  /** What runs now, if anything. */
  readonly current: DeploymentRecord | undefined;
  /** The ledger so far. */
  readonly events: readonly LedgerEvent[];
  readonly signal: AbortSignal;
  /** Looks at the plan before anything is written; throws when it must not be applied. */
  judgePlan(plan: PlanSummary): void;
  /** Looks at the ledger that the intent will follow; throws when nobody wants the deployment any more. */
  assertWanted?(events: readonly LedgerEvent[]): void;
}

/** A request under way: its ledger grows. */
interface Deployment extends Omit<DeploymentRequest, 'events'> {
  events: readonly LedgerEvent[];
  /** Deployments of the service that ECS gave up before this one, by id. */
  earlier: ReadonlySet<string>;
  /** Whether the deployment before this one was cut short. */
  readonly afterCut: boolean;
}

/** @throws what went wrong, after the release before was put back and the outcome recorded */
export async function runDeployment(request: DeploymentRequest): Promise<DeployResult> {
  const before = foldLedger(request.events).deployments.at(-1);
  const deployment: Deployment = {
    ...request,
    earlier: new Set(),
    afterCut: before !== undefined && wasCutShort(before),
  };
  const { ports, cloud, environment, signal, secrets, built, current } = deployment;
  const plan = await stage(ports, 'plan', () =>
    planInPlace(ports, cloud, { image: built.image, secrets }, signal),
  );
  deployment.judgePlan(plan.summary);
  const unchanged =
    plan.summary.empty &&
    current?.release.id === built.release.id &&
    (await unreadSecrets(cloud, environment.service.secrets)).length === 0;
  // What a promotion asked for is recorded even when there is nothing to do: it has to end.
  if (unchanged && deployment.promotion === undefined) {
    const { url } = await verify(deployment);
    return { environment: environment.name, ...built, url, changed: false };
  }
  const id = `d-${ports.random.id()}`;
  await recordIntent(deployment, id);
  try {
    // With a release to go back to, ECS has gone back to it.
    if (!current) deployment.earlier = await startAnew(cloud, plan.summary);
    // Another commit or Terraform tree with the same image: nothing to apply, and still a deployment to verify.
    const applied = plan.summary.empty ? undefined : await apply(deployment, plan);
    const renewed = current && (await renewTasks(ports, cloud, environment.service.secrets));
    const timeoutMs = renewed ? RENEWAL_TIMEOUT_MS : VERIFY_TIMEOUT_MS;
    const { url } = await verify(deployment, applied, timeoutMs);
    await record(deployment, { type: 'deployment.succeeded', deployment: id });
    return { environment: environment.name, ...built, url, changed: !unchanged };
  } catch (error) {
    await settleFailure(deployment, id, error).catch((unsettled: unknown) => {
      // What went wrong first is what has to be mended; the next deployment settles the ledger.
      const reason = unsettled instanceof Error ? unsettled.message : String(unsettled);
      ports.notifier.notify({ type: 'warning', text: `the outcome could not be recorded: ${reason}` });
    });
    throw error;
  }
}

/** Planning takes long enough for people to reject or supersede what is prepared: the intent is decided on the latest. */
async function recordIntent(deployment: Deployment, id: string): Promise<void> {
  const { built, kind, reason, promotion } = deployment;
  const intent: LedgerPayload = {
    type: 'deployment.started',
    deployment: id,
    release: built.release,
    image: built.image,
    kind,
    ...(reason === undefined ? {} : { reason }),
    ...(promotion === undefined ? {} : { promotion }),
  };
  const decide = (soFar: readonly LedgerEvent[]) => {
    deployment.assertWanted?.(soFar);
    return intent;
  };
  deployment.events = await appendOnce(deployment.cloud, decide, deployment.events);
}

/** Applies the plan while the rollout is watched; a rollout that can't succeed any more ends the apply. */
async function apply(deployment: Deployment, plan: SavedPlan): Promise<AppliedPlan | undefined> {
  const { ports, cloud, built, secrets, signal, current, earlier, afterCut } = deployment;
  const giveUp = new AbortController();
  const requestedDigest = built.release.imageDigest;
  let failure: { readonly reason: string } | undefined;
  let applied: AppliedPlan | undefined;
  const watch = startRolloutWatch(ports, cloud, {
    requestedDigest,
    earlier,
    onFailure: (reason) => {
      failure = { reason };
      // With a release to go back to, ECS rolls back and Terraform returns by itself; without one it would wait.
      if (!current) giveUp.abort();
    },
  });
  try {
    applied = await stage(ports, 'apply', () =>
      applyPlan(ports, cloud, {
        plan,
        variables: { image: built.image, secrets },
        signal: AbortSignal.any([signal, giveUp.signal]),
        afterCut,
        judgePlan: (summary) => deployment.judgePlan(summary),
      }),
    );
  } catch (error) {
    // The rollout may have failed between two looks: the last word is the service's, not Terraform's.
    failure ??= (await lastLook(deployment)) ?? stuckRollout(error, watch.latest().explanation);
    if (failure === undefined) throw error;
  } finally {
    await watch.stop();
  }
  const { verdict, snapshot } = watch.latest();
  const reason = failure?.reason ?? (verdict.state === 'failed' ? verdict.reason : undefined);
  if (failure && snapshot && reason !== undefined) throw await deploymentFailed(deployment, snapshot, reason);
  return applied;
}

/** Terraform gave up waiting for a rollout that the evidence says can't go on: that is no trouble of the machinery. */
function stuckRollout(
  error: unknown,
  explanation: FailureExplanation | undefined,
): { readonly reason: string } | undefined {
  const gaveUp = error instanceof TowpathError && error.code === 'TERRAFORM_FAILED';
  return gaveUp && explanation ? { reason: explanation.cause } : undefined;
}

async function lastLook({
  cloud,
  built,
  signal,
  earlier,
}: Deployment): Promise<{ readonly reason: string } | undefined> {
  if (signal.aborted) return undefined;
  const snapshot = await cloud.service.snapshot().catch(() => undefined);
  const verdict = snapshot && judgeRollout(snapshot, built.release.imageDigest, earlier);
  return verdict?.state === 'failed' && verdict.by === 'deployment' ? { reason: verdict.reason } : undefined;
}

/**
 * Success only when every task runs the requested digest as Terraform configured it, the service is stable and answers
 * through the balancer.
 */
async function verify(
  deployment: Deployment,
  applied?: AppliedPlan,
  timeoutMs = VERIFY_TIMEOUT_MS,
): Promise<{ readonly url: string | undefined }> {
  const { ports, cloud, built, environment, signal, earlier } = deployment;
  const requestedDigest = built.release.imageDigest;
  return stage(
    ports,
    'verify',
    async () => {
      const { verdict, snapshot } = await awaitRollout(ports, cloud, {
        requestedDigest,
        earlier,
        taskDefinition: applied?.taskDefinition,
        timeoutMs,
        signal,
      });
      if (verdict.state === 'failed') throw await deploymentFailed(deployment, snapshot, verdict.reason);
      const { url } = snapshot;
      if (url !== undefined) {
        const probeUrl = `${url}${environment.service.healthCheck.path}`;
        const answer = await cloud.service.probe(probeUrl, PROBE_TIMEOUT_MS);
        if (answer.status === undefined || answer.status >= 400) {
          throw new TowpathError('DEPLOYMENT_FAILED', `${probeUrl} does not answer: ${answer.detail}.`, {
            hint: `towpath status ${environment.name}`,
          });
        }
      }
      return { url };
    },
    () => `${requestedDigest.slice(0, 19)} in every task`,
  );
}

async function deploymentFailed(
  deployment: Deployment,
  snapshot: Parameters<typeof explainFailure>[1],
  reason: string,
): Promise<TowpathError> {
  const { cloud, built, environment, current } = deployment;
  const { cause, hint, log, confidence } = await explainFailure(
    cloud,
    snapshot,
    built.release.imageDigest,
    reason,
  );
  const serving = current
    ? `${current.release.id} serves on.`
    : 'No earlier release was there to go back to.';
  return new TowpathError(
    'DEPLOYMENT_FAILED',
    `${built.release.id} does not run in ${environment.name}: ${cause}. ${serving}`,
    {
      context: log,
      // A cause that is only possible is no ground for more than the general advice.
      hint: confidence === 'possible' ? hintAfterFailure(deployment) : withCommand(hint, deployment),
    },
  );
}

/** Advice that ends with deploying again names the command, where it is that one. */
function withCommand(hint: string, { kind, environment }: Deployment): string {
  if (!hint.endsWith('deploy again')) return hint;
  if (kind === 'deploy' || kind === 'break-glass') return `${hint}: towpath deploy ${environment.name}`;
  const again =
    kind === 'promote' ? 'take a new release up the ladder' : `towpath ${kind} ${environment.name}`;
  return hint.replace(/deploy again$/, again);
}

function hintAfterFailure({ kind, environment }: Deployment): string {
  if (kind === 'deploy' || kind === 'break-glass')
    return `mend the service and run towpath deploy ${environment.name} again`;
  if (kind === 'promote') return 'mend the service and take a new release up the ladder';
  return `mend what differs in ${environment.name}, or name another release`;
}

/** Puts Terraform's state and the service back on the release before, and records how the deployment ended. */
async function settleFailure(deployment: Deployment, id: string, error: unknown): Promise<void> {
  const { ports, current } = deployment;
  const cause = error instanceof Error ? error.message : String(error);
  const code = error instanceof TowpathError ? error.code : undefined;
  if (code !== 'DEPLOYMENT_FAILED') {
    const type =
      code === 'ABORTED' || deployment.signal.aborted ? 'deployment.aborted' : 'deployment.errored';
    await record(deployment, { type, deployment: id, cause });
    return;
  }
  let restored = false;
  if (current) {
    try {
      await stage(ports, `restore ${current.release.id}`, () => restore(deployment, current));
      restored = true;
    } catch (restoreError) {
      ports.notifier.notify({
        type: 'warning',
        text: `the state could not be put back on ${current.release.id}: ${(restoreError as Error).message}`,
        hint: `${commandToRenew(deployment.environment)} tries again`,
      });
    }
  }
  await record(deployment, { type: 'deployment.failed', deployment: id, cause, restored });
}

async function restore(deployment: Deployment, current: DeploymentRecord): Promise<void> {
  const { ports, cloud, secrets, signal } = deployment;
  const variables = { image: current.image, secrets };
  const plan = await cloud.terraform.plan(variables, { signal });
  const applied = plan.summary.empty ? undefined : await cloud.terraform.apply(plan, variables, signal);
  const { verdict } = await awaitRollout(ports, cloud, {
    requestedDigest: current.release.imageDigest,
    taskDefinition: applied?.taskDefinition,
    timeoutMs: VERIFY_TIMEOUT_MS,
    signal,
  });
  if (verdict.state === 'failed') throw new Error(verdict.reason);
}

/** The lock keeps other deployments out of the ledger, and not the promotions that people open meanwhile. */
async function record(deployment: Deployment, payload: LedgerPayload): Promise<void> {
  const decide = (events: readonly LedgerEvent[]) => {
    assertStillOurs(events, payload, deployment.environment.name);
    return payload;
  };
  deployment.events = await appendOnce(deployment.cloud, decide, deployment.events);
}

/** Whoever takes the lock from a command that seems dead settles its deployment: there is one outcome, the first. */
function assertStillOurs(events: readonly LedgerEvent[], payload: LedgerPayload, environment: string): void {
  if (payload.type === 'deployment.started' || !('deployment' in payload)) return;
  const record = foldLedger(events).deployments.find(({ id }) => id === payload.deployment);
  if (!record || record.state === 'running') return;
  throw new TowpathError(
    'LOCK_LOST',
    `Somebody else took over ${environment} and recorded ${record.id} as ${record.state} at ${record.endedAt}, while this command was at work.`,
    { hint: `towpath status ${environment} tells what runs` },
  );
}
