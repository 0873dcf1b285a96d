/**
 * Makes an environment run a release: intent, plan, apply of exactly that plan, verification, outcome.
 * Every step can be repeated: after a kill at any point the same command goes on or cleans up.
 */
import { TowpathError } from '../domain/errors.ts';
import { type DeploymentRecord, foldLedger, type LedgerEvent, type LedgerPayload } from '../domain/ledger.ts';
import { lossesOf } from '../domain/plan.ts';
import type { Environment } from '../domain/project.ts';
import type { Release } from '../domain/release.ts';
import type { Secret } from '../domain/secret.ts';
import type { Cloud, Ports, SavedPlan } from '../ports.ts';
import { ensureBootstrapped } from './bootstrap.ts';
import { type BuiltRelease, buildRelease } from './build.ts';
import { explainFailure } from './explain-failure.ts';
import { withLock } from './lock.ts';
import { ensureSecrets } from './secrets.ts';
import { enter } from './select-environment.ts';
import { settleLedger } from './settle-ledger.ts';
import { stage } from './stage.ts';
import { assertInSync } from './sync.ts';
import { awaitRollout, startRolloutWatch } from './watch-rollout.ts';

/** After Terraform has returned, the service is stable already or nearly so. */
const VERIFY_TIMEOUT_MS = 300_000;
const PROBE_TIMEOUT_MS = 10_000;

export interface DeployOptions {
  readonly generateSecrets: boolean;
  /** Lets a plan go through that destroys or replaces something in a protected environment. */
  readonly allowDestroy: boolean;
  /** Deploys past the ladder; recorded in the ledger. */
  readonly breakGlass: string | undefined;
  readonly signal: AbortSignal;
}

export interface DeployResult {
  readonly environment: string;
  readonly release: Release;
  readonly image: string;
  readonly url: string | undefined;
  /** False when the environment already ran this release and nothing had to change. */
  readonly changed: boolean;
}

/** What one deployment carries from step to step. */
interface Deployment {
  readonly ports: Ports;
  readonly cloud: Cloud;
  readonly environment: Environment;
  readonly options: DeployOptions;
  readonly secrets: ReadonlyMap<string, Secret>;
  readonly built: BuiltRelease;
  /** What runs now, if anything. */
  readonly current: DeploymentRecord | undefined;
  last: LedgerEvent | undefined;
}

export async function deploy(
  ports: Ports,
  environmentName: string,
  options: DeployOptions,
): Promise<DeployResult> {
  const { environment, cloud } = await enter(ports, environmentName);
  assertMayDeploy(ports, environment, options);
  const [bootstrapped] = await Promise.all([cloud.bootstrap.exists(), assertInSync(ports, environment)]);
  if (!bootstrapped) await ensureBootstrapped(ports, cloud);
  const secrets = await ensureSecrets(ports, environment, cloud, { generate: options.generateSecrets });
  return withLock(cloud, 'deploy', async () => {
    const { built, events } = await prepare(ports, environment, cloud, options.signal);
    ports.notifier.notify({ type: 'release', ...built });
    const current = foldLedger(events).current;
    return runDeployment({
      ports,
      cloud,
      environment,
      options,
      secrets,
      built,
      current,
      last: events.at(-1),
    });
  });
}

function assertMayDeploy(ports: Ports, environment: Environment, options: DeployOptions): void {
  if (environment.position === 0 || options.breakGlass !== undefined) return;
  const first = ports.project.environments[0]?.name ?? '';
  throw new TowpathError(
    'NOT_THE_FIRST_ENVIRONMENT',
    `${environment.name} takes only releases that are verified in the environment before it; new ones go to ${first}.`,
    { hint: `towpath deploy ${first}, or deploy past the ladder with --break-glass "why" (it is recorded)` },
  );
}

/**
 * What can be done side by side before the plan. When one part fails the others are waited for:
 * nothing of ours may still be at work when the lock is given back.
 */
async function prepare(ports: Ports, environment: Environment, cloud: Cloud, signal: AbortSignal) {
  const failed = new AbortController();
  const abort = AbortSignal.any([signal, failed.signal]);
  const parts = [
    buildRelease(ports, environment, cloud),
    settleLedger(ports, cloud),
    stage(ports, 'terraform init', () => cloud.terraform.init(abort)),
  ] as const;
  try {
    const [built, events] = await Promise.all(parts);
    return { built, events };
  } catch (error) {
    failed.abort();
    await Promise.allSettled(parts);
    throw error;
  }
}

async function runDeployment(deployment: Deployment): Promise<DeployResult> {
  const { ports, cloud, environment, options, secrets, built, current } = deployment;
  const plan = await stage(ports, 'plan', () =>
    cloud.terraform.plan({ image: built.image, secrets }, { signal: options.signal }),
  );
  assertPlanAllowed(plan, environment, options);
  const unchanged = plan.summary.empty && current?.release.id === built.release.id;
  if (unchanged) {
    const { url } = await verify(deployment);
    return { environment: environment.name, ...built, url, changed: false };
  }
  const id = `d-${ports.random.id()}`;
  await record(deployment, {
    type: 'deployment.started',
    deployment: id,
    release: built.release,
    image: built.image,
    kind: options.breakGlass === undefined ? 'deploy' : 'break-glass',
    ...(options.breakGlass === undefined ? {} : { reason: options.breakGlass }),
  });
  try {
    // Another commit or Terraform tree with the same image: nothing to apply, and still a deployment to verify.
    if (!plan.summary.empty) await apply(deployment, plan);
    const { url } = await verify(deployment);
    await record(deployment, { type: 'deployment.succeeded', deployment: id });
    return { environment: environment.name, ...built, url, changed: true };
  } catch (error) {
    await settleFailure(deployment, id, error);
    throw error;
  }
}

function assertPlanAllowed(plan: SavedPlan, environment: Environment, options: DeployOptions): void {
  const losses = lossesOf(plan.summary);
  if (!environment.protected || losses.length === 0 || options.allowDestroy) return;
  throw new TowpathError(
    'PLAN_NOT_ALLOWED',
    `${environment.name} is protected, and the plan destroys or replaces ${losses.length} resource${losses.length === 1 ? '' : 's'}.`,
    {
      context: losses.map(({ action, address }) => `${action} ${address}`),
      hint: 'if that is what you want, give --allow-destroy',
    },
  );
}

/** Applies the plan while the rollout is watched; a rollout that can't succeed any more ends the apply. */
async function apply(deployment: Deployment, plan: SavedPlan): Promise<void> {
  const { ports, cloud, built, secrets, options, current } = deployment;
  const giveUp = new AbortController();
  const requestedDigest = built.release.imageDigest;
  let failure: { readonly reason: string } | undefined;
  const watch = startRolloutWatch(ports, cloud, {
    requestedDigest,
    onFailure: (reason) => {
      failure = { reason };
      // With a release to go back to, ECS rolls back and Terraform returns by itself; without one it would wait.
      if (!current) giveUp.abort();
    },
  });
  try {
    await stage(ports, 'apply', () =>
      cloud.terraform.apply(
        plan,
        { image: built.image, secrets },
        AbortSignal.any([options.signal, giveUp.signal]),
      ),
    );
  } catch (error) {
    const reason = failure?.reason;
    if (reason === undefined) throw error;
  } finally {
    await watch.stop();
  }
  const { verdict, snapshot } = watch.latest();
  const reason = failure?.reason ?? (verdict.state === 'failed' ? verdict.reason : undefined);
  if (failure && snapshot && reason !== undefined) throw await deploymentFailed(deployment, snapshot, reason);
}

/** Success only when every task runs the requested digest, the service is stable and answers through the balancer. */
async function verify(deployment: Deployment): Promise<{ readonly url: string | undefined }> {
  const { ports, cloud, built, environment, options } = deployment;
  const requestedDigest = built.release.imageDigest;
  return stage(
    ports,
    'verify',
    async () => {
      const { verdict, snapshot } = await awaitRollout(ports, cloud, {
        requestedDigest,
        timeoutMs: VERIFY_TIMEOUT_MS,
        signal: options.signal,
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
  const { cause, log } = await explainFailure(cloud, snapshot, built.release.imageDigest, reason);
  const serving = current
    ? `${current.release.id} serves on.`
    : 'No earlier release was there to go back to.';
  return new TowpathError(
    'DEPLOYMENT_FAILED',
    `${built.release.id} does not run in ${environment.name}: ${cause}. ${serving}`,
    {
      context: log,
      hint: `mend the service and run towpath deploy ${environment.name} again`,
    },
  );
}

/** Puts Terraform's state and the service back on the release before, and records how the deployment ended. */
async function settleFailure(deployment: Deployment, id: string, error: unknown): Promise<void> {
  const { ports, current } = deployment;
  const cause = error instanceof Error ? error.message : String(error);
  const code = error instanceof TowpathError ? error.code : undefined;
  if (code !== 'DEPLOYMENT_FAILED') {
    const type =
      code === 'ABORTED' || deployment.options.signal.aborted ? 'deployment.aborted' : 'deployment.errored';
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
        hint: `towpath deploy ${deployment.environment.name} tries again`,
      });
    }
  }
  await record(deployment, { type: 'deployment.failed', deployment: id, cause, restored });
}

async function restore(deployment: Deployment, current: DeploymentRecord): Promise<void> {
  const { ports, cloud, secrets, options } = deployment;
  const variables = { image: current.image, secrets };
  const plan = await cloud.terraform.plan(variables, { signal: options.signal });
  if (!plan.summary.empty) await cloud.terraform.apply(plan, variables, options.signal);
  const { verdict } = await awaitRollout(ports, cloud, {
    requestedDigest: current.release.imageDigest,
    timeoutMs: VERIFY_TIMEOUT_MS,
    signal: options.signal,
  });
  if (verdict.state === 'failed') throw new Error(verdict.reason);
}

async function record(deployment: Deployment, payload: LedgerPayload): Promise<void> {
  deployment.last = await deployment.cloud.ledger.append(deployment.last, payload);
}
