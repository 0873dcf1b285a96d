/**
 * Moves exactly the release that is verified in the environment before: `promote` opens a promotion or goes on with
 * an open one, `approve` and `reject` are a person's answer. Whoever opens the last gate runs it.
 */
import { TowpathError } from '../domain/errors.ts';
import {
  decideGates,
  type Gate,
  type GateState,
  gatePolicyOf,
  overall,
  validApprovals,
} from '../domain/gates.ts';
import { foldLedger, type LedgerEvent, type LedgerPayload } from '../domain/ledger.ts';
import { commandToFill } from '../domain/next-command.ts';
import { personOf } from '../domain/person.ts';
import type { Environment } from '../domain/project.ts';
import { foldPromotions, openPromotion, type Promotion } from '../domain/promotion.ts';
import type { Cloud, Ports } from '../ports.ts';
import { appendOnce } from './append-decided.ts';
import { ensureStanding } from './bootstrap.ts';
import { carryOut, type RunOptions } from './carry-out.ts';
import { loadGateFacts } from './gate-facts.ts';
import { ensurePromotion, openNextPromotion, reopenNextPromotion } from './open-promotion.ts';
import type { DeployResult } from './run-deployment.ts';
import { enter } from './select-environment.ts';

export interface PromotionResult {
  readonly environment: string;
  readonly promotion: string;
  readonly kind: Promotion['kind'];
  readonly release: string;
  /** STS ARN. */
  readonly requestedBy: string;
  readonly gates: readonly Gate[];
  readonly state: GateState | 'rejected';
  /** What ran, when all gates were open. */
  readonly deployed: DeployResult | undefined;
}

export async function promote(
  ports: Ports,
  environmentName: string,
  options: RunOptions,
): Promise<PromotionResult> {
  const { environment, cloud } = await enter(ports, environmentName);
  const before = upstreamOf(ports, environment);
  const verified = await currentOf(ports.cloud(before));
  if (!verified) {
    throw new TowpathError(
      'NOTHING_TO_PROMOTE',
      `${before.name} runs no release that could be promoted to ${environment.name}.`,
      {
        hint: commandToFill(before),
      },
    );
  }
  await ensureStanding(ports, cloud);
  const current = await currentOf(cloud);
  if (current?.release.id === verified.release.id) {
    await reopenNextPromotion(ports, environment, current);
    throw new TowpathError(
      'NOTHING_TO_PROMOTE',
      `${environment.name} runs ${verified.release.id} already, as ${before.name} does.`,
      {
        hint: `towpath status`,
      },
    );
  }
  const { release, image } = verified;
  const promotion = await ensurePromotion(ports, cloud, {
    kind: 'promote',
    release,
    image,
    from: before.name,
    trigger: 'manual',
  });
  return proceed(ports, environment, cloud, promotion, options);
}

export async function approve(
  ports: Ports,
  environmentName: string,
  options: RunOptions,
): Promise<PromotionResult> {
  const { environment, cloud, target } = await enter(ports, environmentName);
  const answered = await answer(ports, cloud, environment, (promotion) => {
    if (personOf(promotion.requestedBy) === personOf(target.identity)) {
      throw new TowpathError(
        'SELF_APPROVAL',
        `${promotion.id} was requested by you (${target.identity}); somebody else has to approve it.`,
        {
          hint: `somebody else runs: towpath approve ${environment.name}`,
        },
      );
    }
    const standing = validApprovals(promotion, ports.clock.now());
    // The command that was to carry it out was killed, or is at work: the lock will tell.
    if (promotion.state === 'running') return undefined;
    if (standing.some(({ by }) => personOf(by) === personOf(target.identity))) {
      if (standing.length >= environment.promotion.approvals) return undefined;
      throw new TowpathError('ALREADY_APPROVED', `You have approved ${promotion.id} before.`, {
        hint: `somebody else approves too; towpath ${promotion.kind} ${environment.name} shows what it waits for`,
      });
    }
    return { type: 'promotion.approved', promotion: promotion.id };
  });
  return proceed(ports, environment, cloud, answered, options);
}

export async function reject(
  ports: Ports,
  environmentName: string,
  reason: string,
): Promise<PromotionResult> {
  const { environment, cloud } = await enter(ports, environmentName);
  const rejected = await answer(ports, cloud, environment, (promotion) => {
    if (promotion.state === 'running') throw noOpenPromotion(environment, promotion);
    return { type: 'promotion.rejected', promotion: promotion.id, reason };
  });
  return {
    environment: environment.name,
    promotion: rejected.id,
    kind: rejected.kind,
    release: rejected.release.id,
    requestedBy: rejected.requestedBy,
    gates: [],
    state: 'rejected',
    deployed: undefined,
  };
}

/** Decides the gates, and carries the promotion out when all are open. */
export async function proceed(
  ports: Ports,
  environment: Environment,
  cloud: Cloud,
  promotion: Promotion,
  options: RunOptions,
): Promise<PromotionResult> {
  const { id, kind, release, image, requestedBy, approvals } = promotion;
  const subject = { kind, release, requestedBy, approvals, generateSecrets: options.generateSecrets };
  const facts = await loadGateFacts(ports, environment, cloud, await currentOf(cloud), subject);
  const gates = decideGates(facts, gatePolicyOf(environment), ports.clock.now());
  ports.notifier.notify({
    type: 'gates',
    environment: environment.name,
    promotion: id,
    release: release.id,
    gates,
  });
  const result = {
    environment: environment.name,
    promotion: id,
    kind,
    release: release.id,
    requestedBy,
    gates,
    state: overall(gates),
  };
  if (result.state !== 'open') return { ...result, deployed: undefined };
  const deployed = await carryOut(ports, environment, cloud, {
    built: { release, image },
    kind,
    promotion: id,
    options,
    stillValid: (events) => isOpen(events, id),
  });
  if (deployed.changed) await openNextPromotion(ports, environment, { release, image });
  return { ...result, deployed };
}

function isOpen(events: readonly LedgerEvent[], id: string): boolean {
  return openPromotion(foldPromotions(events))?.id === id;
}

/**
 * Appends a person's answer to the open promotion.
 * @param decide undefined to go on with it as it is
 */
async function answer(
  ports: Ports,
  cloud: Cloud,
  environment: Environment,
  decide: (promotion: Promotion) => LedgerPayload | undefined,
): Promise<Promotion> {
  if (!(await cloud.bootstrap.exists())) throw noOpenPromotion(environment, undefined);
  let answeredId = '';
  const events = await appendOnce(cloud, (soFar) => {
    const promotions = foldPromotions(soFar);
    const open = openPromotion(promotions);
    answeredId = open?.id ?? '';
    return open && decide(open);
  });
  if (answeredId === '') {
    const { current } = foldLedger(events);
    if (current) await reopenNextPromotion(ports, environment, current);
    throw noOpenPromotion(environment, foldPromotions(events).at(-1));
  }
  const answered = foldPromotions(events).find(({ id }) => id === answeredId);
  if (!answered) throw new Error('a promotion that was just answered is not in the ledger');
  return answered;
}

function noOpenPromotion(environment: Environment, last: Promotion | undefined): TowpathError {
  const what = last === undefined ? '' : ` The last, ${last.id} of ${last.release.id}, ${describeEnd(last)}.`;
  return new TowpathError('NO_OPEN_PROMOTION', `${environment.name} has no open promotion.${what}`, {
    hint:
      last?.state === 'running'
        ? `towpath status ${environment.name}`
        : `towpath promote ${environment.name}`,
  });
}

function describeEnd({ state, reason }: Promotion): string {
  if (state === 'superseded') return `was superseded by ${reason}`;
  if (state === 'rejected') return `was rejected: ${reason}`;
  return state === 'running' ? 'is being carried out, or its command was killed' : state;
}

function upstreamOf(ports: Ports, environment: Environment): Environment {
  const before = ports.project.environments[environment.position - 1];
  if (before) return before;
  throw new TowpathError(
    'USAGE',
    `${environment.name} is the first environment: it takes new releases, not promotions.`,
    {
      hint: `towpath deploy ${environment.name}`,
    },
  );
}

async function currentOf(cloud: Cloud) {
  if (!(await cloud.bootstrap.exists())) return undefined;
  return foldLedger(await cloud.ledger.load()).current;
}
