/** Runs what the gates let through: the plan is judged by the last gate before anything is written. */
import { TowpathError } from '../domain/errors.ts';
import { type DeploymentKind, foldLedger, type LedgerEvent } from '../domain/ledger.ts';
import type { Environment } from '../domain/project.ts';
import { foldPromotions } from '../domain/promotion.ts';
import type { Cloud, Ports } from '../ports.ts';
import { assertPlanAllowed } from './assert-plan-allowed.ts';
import type { BuiltRelease } from './build.ts';
import { withLock } from './lock.ts';
import { type DeployResult, runDeployment } from './run-deployment.ts';
import { ensureSecrets } from './secrets.ts';
import { settleLedger } from './settle-ledger.ts';
import { stage } from './stage.ts';
import { assertInSync } from './sync.ts';

export interface RunOptions {
  readonly generateSecrets: boolean;
  /** Lets a plan go through that destroys or replaces something in a protected environment. */
  readonly allowDestroy: boolean;
  readonly signal: AbortSignal;
}

export interface CarryOutRequest {
  readonly built: BuiltRelease;
  readonly kind: Extract<DeploymentKind, 'promote' | 'rollback' | 'apply'>;
  readonly promotion?: string | undefined;
  readonly options: RunOptions;
  /** Asked once more under the lock, and with the intent: people may decide otherwise until then. */
  stillValid(events: readonly LedgerEvent[]): boolean;
}

export async function carryOut(
  ports: Ports,
  environment: Environment,
  cloud: Cloud,
  request: CarryOutRequest,
): Promise<DeployResult> {
  const { built, kind, promotion, options } = request;
  await assertInSync(ports, environment);
  const secrets = await ensureSecrets(ports, environment, cloud, { generate: options.generateSecrets });
  return withLock(ports, cloud, kind, options.signal, async (signal) => {
    const events = await settleLedger(ports, cloud);
    const assertWanted = (soFar: readonly LedgerEvent[]) => assertStillValid(environment, request, soFar);
    assertWanted(events);
    await stage(ports, 'terraform init', () => cloud.terraform.init(signal));
    ports.notifier.notify({ type: 'release', ...built });
    return runDeployment({
      ports,
      cloud,
      environment,
      secrets,
      built,
      kind,
      promotion,
      current: foldLedger(events).current,
      events,
      signal,
      judgePlan: (plan) => assertPlanAllowed(environment, plan, options.allowDestroy),
      assertWanted,
    });
  });
}

function assertStillValid(
  environment: Environment,
  { built, promotion, stillValid }: CarryOutRequest,
  events: readonly LedgerEvent[],
): void {
  if (stillValid(events)) return;
  const hint = `towpath status ${environment.name}`;
  if (promotion === undefined) {
    throw new TowpathError(
      'LEDGER_RACE',
      `While the way back to ${built.release.id} was prepared, somebody else changed what ${environment.name} runs; nothing was done.`,
      { hint: `${hint}, then the same command if it is still wanted` },
    );
  }
  const found = foldPromotions(events).find(({ id }) => id === promotion);
  const now = found
    ? `it is ${found.state}${found.reason === undefined ? '' : ` (${found.reason})`}`
    : 'it is gone';
  throw new TowpathError(
    'NO_OPEN_PROMOTION',
    `While ${promotion} of ${built.release.id} was prepared, somebody else decided about it: ${now}. Nothing was done in ${environment.name}.`,
    { hint },
  );
}
