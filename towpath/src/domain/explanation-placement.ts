/** Deployments in which no task can even be placed: capacity, quota, percentages that leave no room, alarms. Pure. */
import { currentEvents, type Evidence, type Explanation } from './explanation.ts';
import { shorten } from './explanation-log.ts';

export function explainPlacement(evidence: Evidence): Explanation | undefined {
  const events = currentEvents(evidence);
  const event = (words: RegExp) => events.find((message) => words.test(message));
  if (event(/Capacity is unavailable/i) ?? wasInterrupted(evidence)) return explainCapacity(evidence);
  const quota = event(/reached the limit on the number of|vCPU.{0,40}(?:limit|quota)|LimitExceeded/i);
  if (quota !== undefined) return explainQuota(quota);
  if (event(/unable to stop or start tasks during a deployment/i) !== undefined || hasNoRoom(evidence))
    return explainDeadlock(evidence);
  const alarm = evidence.snapshot?.deployments.find(({ rolloutReason }) =>
    /deployment alarms/i.test(rolloutReason ?? ''),
  );
  if (alarm)
    return {
      kind: 'alarm',
      cause: `a CloudWatch alarm stopped the deployment: ${alarm.rolloutReason}`,
      hint: 'aws cloudwatch describe-alarms --state-value ALARM',
      confidence: 'certain',
    };
  const refused = event(/was unable to place a task/i);
  if (refused === undefined) return undefined;
  return {
    kind: 'unknown',
    cause: `no task can be placed: ${shorten(reasonIn(refused))}`,
    hint: `towpath status ${evidence.settings?.environment ?? ''}`.trimEnd(),
    confidence: 'likely',
  };
}

function wasInterrupted({ snapshot }: Evidence): true | undefined {
  const interrupted = (reason: string | undefined) =>
    /Spot (?:Task was interrupted|interruption)/i.test(reason ?? '');
  return snapshot?.stopped.some(({ stoppedReason }) => interrupted(stoppedReason)) ? true : undefined;
}

function explainCapacity({ settings }: Evidence): Explanation {
  const spot = settings?.capacityProviders.includes('FARGATE_SPOT') ?? false;
  return {
    kind: 'capacity-unavailable',
    cause: `AWS has no ${spot ? 'Fargate Spot ' : 'Fargate '}capacity for the task at this time`,
    hint: spot
      ? 'set `spotWeight: 0` of the service in towpath.config.ts, then towpath sync and deploy again; or wait: ECS tries on'
      : 'wait: ECS tries on; more availability zones or another cpu and memory size make it likelier',
    confidence: 'certain',
  };
}

function explainQuota(event: string): Explanation {
  return {
    kind: 'quota-exceeded',
    cause: `the account's quota is used up: ${shorten(reasonIn(event))}`,
    hint: 'aws service-quotas list-service-quotas --service-code fargate (then ask for more), or run fewer or smaller tasks',
    confidence: 'certain',
  };
}

const reasonIn = (event: string): string =>
  (/Reason: (.*)$/s.exec(event)?.[1] ?? event)
    .replace(/ ?For more information, see .*$/, '')
    .trim()
    .replace(/\.$/, '');

/** Rounding as ECS does it: maximum down, minimum up. */
function bounds({
  snapshot,
  settings,
}: Evidence): { readonly most: number; readonly fewest: number } | undefined {
  if (!snapshot || !settings || snapshot.desired === 0) return undefined;
  return {
    most: Math.floor((snapshot.desired * settings.maximumPercent) / 100),
    fewest: Math.ceil((snapshot.desired * settings.minimumHealthyPercent) / 100),
  };
}

/** The old tasks may not go before the new ones are there, and these find no room. */
function hasNoRoom(evidence: Evidence): boolean {
  const limits = bounds(evidence);
  const deployments = evidence.snapshot?.deployments ?? [];
  const primary = deployments.find(({ status }) => status === 'PRIMARY');
  if (!limits || !primary || limits.most > limits.fewest) return false;
  return deployments.length > 1 && primary.running + primary.pending === 0;
}

function explainDeadlock(evidence: Evidence): Explanation {
  const { settings, snapshot } = evidence;
  const limits = bounds(evidence);
  const arithmetic =
    settings && snapshot && limits
      ? ` (${settings.minimumHealthyPercent} to ${settings.maximumPercent} percent of ${snapshot.desired}: at least ${limits.fewest}, at most ${limits.most} task${limits.most === 1 ? '' : 's'})`
      : '';
  return {
    kind: 'deployment-deadlocked',
    cause: `the deployment can neither start a new task nor stop an old one: minimum and maximum healthy percent leave no room${arithmetic}`,
    hint: 'raise `deployment.maximumPercent` (200) or lower `deployment.minimumHealthyPercent` of the service in towpath.config.ts, then towpath sync and deploy again',
    confidence: 'certain',
  };
}
