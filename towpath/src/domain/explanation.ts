/**
 * Why a rollout fails or is stuck: one most likely cause and one next step, from what AWS shows of it. Pure.
 * The rules stand in the files beside this one, each for one way in which a task ends or does not begin.
 */
import { explainExit } from './explanation-exit.ts';
import { explainHealth } from './explanation-health.ts';
import { explainPlacement } from './explanation-placement.ts';
import { explainStart } from './explanation-start.ts';
import type { ServiceSnapshot, TaskView } from './rollout.ts';

export type CauseKind =
  | 'crash-at-start'
  | 'exits-after-start'
  | 'exits-with-zero'
  | 'out-of-memory'
  | 'wrong-port'
  | 'listens-on-localhost'
  | 'health-path-not-found'
  | 'health-check-too-slow'
  | 'grace-period-too-short'
  | 'image-missing'
  | 'image-architecture'
  | 'secret-missing'
  | 'secret-not-readable'
  | 'log-group-missing'
  | 'security-group-closed'
  | 'no-way-out'
  | 'capacity-unavailable'
  | 'deployment-deadlocked'
  | 'quota-exceeded'
  | 'state-locked'
  // Seen as well, and told apart as far as possible.
  | 'command-not-found'
  | 'killed'
  | 'nothing-listens'
  | 'health-check-error'
  | 'image-not-pullable'
  | 'role-lacks-permission'
  | 'role-not-assumable'
  | 'alarm'
  | 'unknown';

/** `certain`: AWS says it in so many words; `likely`: all that is seen fits and nothing else does; `possible`: a guess. */
export type Confidence = 'certain' | 'likely' | 'possible';

export interface Explanation {
  readonly kind: CauseKind;
  /** What happened, with the values in question; no full stop at the end. */
  readonly cause: string;
  /** The next step; a command where one helps. */
  readonly hint: string;
  readonly confidence: Confidence;
}

/** A rule of a security group that lets traffic in. */
export interface IngressView {
  /** `-1` for all. */
  readonly protocol: string;
  readonly fromPort: number | undefined;
  readonly toPort: number | undefined;
  readonly groups: readonly string[];
  /** Address ranges and prefix lists. */
  readonly ranges: readonly string[];
}

/** What the configuration in AWS says, as far as it explains failures. */
export interface ServiceSettings {
  readonly environment: string;
  readonly container:
    | {
        readonly image: string;
        readonly port: number | undefined;
        /** `X86_64` or `ARM64`. */
        readonly architecture: string;
        readonly memoryMb: number | undefined;
        readonly logGroup: string | undefined;
      }
    | undefined;
  readonly executionRole: string | undefined;
  readonly graceSeconds: number;
  readonly minimumHealthyPercent: number;
  readonly maximumPercent: number;
  readonly capacityProviders: readonly string[];
  readonly healthCheck:
    | {
        readonly path: string;
        readonly timeoutSeconds: number;
        readonly intervalSeconds: number;
        readonly unhealthyThreshold: number;
        /** Status codes that pass, e.g. `200`. */
        readonly matcher: string;
      }
    | undefined;
  /** Undefined where it could not be read. */
  readonly network:
    | {
        readonly taskGroups: readonly string[];
        readonly balancerGroups: readonly string[];
        readonly ingress: readonly IngressView[];
      }
    | undefined;
}

export interface LockView {
  readonly who: string;
  readonly created: string;
  readonly operation: string;
  readonly id: string;
}

export interface Evidence {
  readonly requestedDigest: string;
  readonly snapshot: ServiceSnapshot | undefined;
  /** The task that tells most; see {@link chooseCulprit}. */
  readonly culprit: TaskView | undefined;
  /** Last log lines of the culprit, oldest first. */
  readonly log: readonly string[];
  readonly settings: ServiceSettings | undefined;
  /** Terraform's lock that somebody else holds. */
  readonly stateLock?: LockView | undefined;
  /** Why the rollout was given up, if it was. */
  readonly reason?: string | undefined;
  /** ISO time of the look; without one a running task is past its grace period. */
  readonly now?: string | undefined;
}

/** A rule: undefined when the evidence says nothing about it. */
export type Rule = (evidence: Evidence) => Explanation | undefined;

/** From what AWS says in words to what has to be inferred. */
const RULES: readonly Rule[] = [explainLock, explainStart, explainExit, explainHealth, explainPlacement];

/** @returns the first explanation that fits; `unknown` with AWS's own words when none does */
export function explain(evidence: Evidence): Explanation {
  for (const rule of RULES) {
    const explanation = rule(evidence);
    if (explanation) return explanation;
  }
  return explainUnknown(evidence);
}

function explainLock({ stateLock, settings }: Evidence): Explanation | undefined {
  if (!stateLock) return undefined;
  const { who, created, operation, id } = stateLock;
  return {
    kind: 'state-locked',
    cause: `Terraform's state is locked by ${who} since ${created} (${operation}, id ${id})`,
    hint: `towpath unlock ${settings?.environment ?? 'ENV'}`,
    confidence: 'certain',
  };
}

function explainUnknown({ culprit, reason, snapshot, settings }: Evidence): Explanation {
  const environment = settings?.environment ?? '';
  const unhealthy = snapshot?.targets.find(({ state }) => state === 'unhealthy');
  const ofTarget =
    unhealthy &&
    `target ${unhealthy.id}:${unhealthy.port} is unhealthy: ${unhealthy.description ?? unhealthy.reason ?? 'no reason given'}`;
  return {
    kind: 'unknown',
    cause: (culprit && describeStop(culprit)) ?? ofTarget ?? reason ?? 'no task and no event tells why',
    hint: `towpath status ${environment}`.trimEnd(),
    confidence: 'possible',
  };
}

/** AWS's words about a stopped task, none said twice; undefined for one that runs. */
export function describeStop(task: TaskView): string | undefined {
  const { stoppedReason, containerReason, exitCode } = task;
  if (stoppedReason === undefined && containerReason === undefined && exitCode === undefined)
    return undefined;
  const parts = [stoppedReason ?? 'the task stopped'];
  if (containerReason !== undefined && !parts[0]?.includes(containerReason)) parts.push(containerReason);
  if (exitCode !== undefined) parts.push(`exit code ${exitCode}`);
  return `${parts.join('; ')} (${taskName(task)})`;
}

/** `task 0123456789ab, us-east-1a`. */
export function taskName({ id, zone }: TaskView): string {
  return `task ${id.slice(0, 12)}, ${zone}`;
}

/**
 * The task of the requested image that tells most: one that ended by itself before one whose target is unhealthy,
 * and none that the scheduler merely replaced.
 */
export function chooseCulprit(snapshot: ServiceSnapshot, requestedDigest: string): TaskView | undefined {
  const ofRelease = ({ imageDigest }: TaskView) =>
    imageDigest === requestedDigest || imageDigest === undefined;
  // A second attempt with the same image must not be blamed for how the first one ended.
  const since = deploymentStart(snapshot);
  const ended = snapshot.stopped
    .filter(({ stoppedAt }) => !(Date.parse(stoppedAt ?? '') < since))
    .filter(ofRelease)
    .find(hasOwnCause);
  if (ended) return ended;
  const sick = new Set(snapshot.targets.filter(({ state }) => state === 'unhealthy').map(({ id }) => id));
  return snapshot.tasks
    .filter(ofRelease)
    .find(({ privateIp }) => privateIp !== undefined && sick.has(privateIp));
}

/** A task that the scheduler or a person stopped tells nothing; one that died by itself does. */
function hasOwnCause({ stoppedReason, containerReason, exitCode }: TaskView): boolean {
  if (/scaling activity|stopped by user|rebalanc|shutting down/i.test(stoppedReason ?? '')) return false;
  return exitCode !== undefined || containerReason !== undefined || stoppedReason !== undefined;
}

/** When the newest deployment that AWS lists began, milliseconds since the epoch. */
function deploymentStart({ deployments }: ServiceSnapshot): number {
  const starts = deployments.flatMap(({ createdAt }) => (createdAt ? Date.parse(createdAt) : []));
  return starts.length > 0 ? Math.max(...starts) : Number.NEGATIVE_INFINITY;
}

/** Service events of the deployment that is under way or just ended; newest first, as AWS gives them. */
export function currentEvents({ snapshot }: Pick<Evidence, 'snapshot'>): readonly string[] {
  if (!snapshot) return [];
  const since = deploymentStart(snapshot);
  return snapshot.events.filter(({ time }) => !(Date.parse(time) < since)).map(({ message }) => message);
}

/** Whether there is anything that might need an explanation; costs no call. */
export function looksTroubled(snapshot: ServiceSnapshot, requestedDigest: string): boolean {
  return (
    chooseCulprit(snapshot, requestedDigest) !== undefined ||
    currentEvents({ snapshot }).some((message) => /unable to|unhealthy|deployment failed/i.test(message))
  );
}
