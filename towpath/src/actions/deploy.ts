/** Builds the source and makes an environment run it: for the first of the ladder, or past it with a reason. */
import { TowpathError } from '../domain/errors.ts';
import { foldLedger } from '../domain/ledger.ts';
import type { Environment } from '../domain/project.ts';
import type { Cloud, Ports } from '../ports.ts';
import { assertPlanAllowed } from './assert-plan-allowed.ts';
import { ensureBootstrapped, ensureStanding } from './bootstrap.ts';
import { type BuiltRelease, buildRelease } from './build.ts';
import { withLock } from './lock.ts';
import { openNextPromotion, reopenNextPromotion } from './open-promotion.ts';
import { type DeployResult, runDeployment } from './run-deployment.ts';
import { ensureSecrets } from './secrets.ts';
import { enter, selectEnvironment } from './select-environment.ts';
import { settleLedger } from './settle-ledger.ts';
import { type Outcome, sideBySide } from './side-by-side.ts';
import { stage } from './stage.ts';
import { assertInSync } from './sync.ts';

export interface DeployOptions {
  readonly generateSecrets: boolean;
  /** Lets a plan go through that destroys or replaces something in a protected environment. */
  readonly allowDestroy: boolean;
  /** Deploys past the ladder; recorded in the ledger. */
  readonly breakGlass: string | undefined;
  /** Built before, for several environments at once; built from the source when left out. */
  readonly built?: BuiltRelease;
  readonly signal: AbortSignal;
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
  return withLock(ports, cloud, 'deploy', options.signal, async (signal) => {
    const { built, events } = await prepare(ports, environment, cloud, { ...options, signal });
    ports.notifier.notify({ type: 'release', ...built });
    if (options.breakGlass !== undefined) warnOfBreakGlass(ports, environment, built, options.breakGlass);
    const current = foldLedger(events).current;
    const result = await runDeployment({
      ports,
      cloud,
      environment,
      secrets,
      built,
      kind: options.breakGlass === undefined ? 'deploy' : 'break-glass',
      reason: options.breakGlass,
      current,
      events,
      signal,
      judgePlan: (plan) => assertPlanAllowed(environment, plan, options.allowDestroy),
    });
    if (result.changed) await openNextPromotion(ports, environment, result);
    else if (current) await reopenNextPromotion(ports, environment, current);
    return result;
  });
}

/** The same release into several environments at once: built once, questions asked one after the other. */
export async function deploySeveral(
  ports: Ports,
  names: readonly string[],
  options: DeployOptions,
): Promise<readonly Outcome<DeployResult>[]> {
  const environments = names.map((name) => selectEnvironment(ports.project, name));
  for (const environment of environments) assertMayDeploy(ports, environment, options);
  const [first] = ports.project.environments;
  if (!first) throw new Error('a project has at least one environment');
  const cloud = ports.cloud(first);
  await ensureStanding(ports, cloud);
  for (const environment of environments) {
    await ensureSecrets(ports, environment, ports.cloud(environment), { generate: options.generateSecrets });
  }
  const built = await buildRelease(ports, first, cloud);
  return sideBySide(ports, names, (scoped, name) => deploy(scoped, name, { ...options, built }));
}

/** Loud, so that nobody takes it for the ordinary way. */
function warnOfBreakGlass(ports: Ports, environment: Environment, built: BuiltRelease, why: string): void {
  ports.notifier.notify({
    type: 'warning',
    text: `${environment.name} takes ${built.release.id} past the ladder, without any gate; recorded with the reason: ${why}`,
  });
}

function assertMayDeploy(ports: Ports, environment: Environment, options: DeployOptions): void {
  if (options.breakGlass?.trim() === '') {
    throw new TowpathError('USAGE', 'The reason given with --break-glass is empty.', {
      hint: `towpath deploy ${environment.name} --break-glass "why"`,
    });
  }
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
async function prepare(ports: Ports, environment: Environment, cloud: Cloud, options: DeployOptions) {
  const failed = new AbortController();
  const abort = AbortSignal.any([options.signal, failed.signal]);
  const parts = [
    options.built ?? buildRelease(ports, environment, cloud),
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
