/**
 * Why a rollout fails, or will: gathers what AWS shows (one look at the configuration, the log of one task) and lets
 * the domain judge it. `explainFailure` after the fact, `createProgressExplainer` at each look while it happens.
 */
import type { TowpathError } from '../domain/errors.ts';
import {
  type CauseKind,
  type Confidence,
  chooseCulprit,
  type Evidence,
  type Explanation,
  explain,
  looksTroubled,
  type ServiceSettings,
} from '../domain/explanation.ts';
import type { ServiceSnapshot } from '../domain/rollout.ts';
import type { Cloud } from '../ports.ts';

/** Shown to a person. */
const LOG_LINES = 12;
/** Read for the explanation: where a program listens is said at its start, not among the last lines. */
const READ_LINES = 200;
/** Looks of one watch that gather evidence; a rollout that stays unclear is then left to its end. */
const MAX_GATHERINGS = 60;

export interface FailureExplanation {
  readonly kind: CauseKind;
  readonly cause: string;
  /** The next step; a command where one helps. */
  readonly hint: string;
  readonly confidence: Confidence;
  /** Last log lines of a task that failed, oldest first. */
  readonly log: readonly string[];
}

/** All that an explanation asks of a cloud. */
export type EvidenceSource = { readonly service: Pick<Cloud['service'], 'settings' | 'taskLog'> };

export async function explainFailure(
  cloud: EvidenceSource,
  snapshot: ServiceSnapshot,
  requestedDigest: string,
  reason: string,
): Promise<FailureExplanation> {
  return judge({ ...(await gather(cloud, snapshot, requestedDigest)), reason });
}

/** Whether the evidence of one look explains a failure already; undefined while it may still go well. */
export async function explainProgress(
  cloud: EvidenceSource,
  snapshot: ServiceSnapshot,
  requestedDigest: string,
  now: Date,
): Promise<FailureExplanation | undefined> {
  if (!looksTroubled(snapshot, requestedDigest)) return undefined;
  const evidence = await gather(cloud, snapshot, requestedDigest);
  const explanation = judge({ ...evidence, now: now.toISOString() });
  return explanation.confidence === 'possible' ? undefined : explanation;
}

export type ProgressExplainer = (
  snapshot: ServiceSnapshot,
  now: Date,
) => Promise<FailureExplanation | undefined>;

/**
 * The same for a watcher that looks again and again: the configuration is read once for each task definition, an
 * explanation that was found stays, and a service without trouble costs no call. Never rejects.
 */
export function createProgressExplainer(cloud: EvidenceSource, requestedDigest: string): ProgressExplainer {
  const known = new Map<string, Promise<ServiceSettings>>();
  const source: EvidenceSource = {
    service: {
      taskLog: (taskId, lines) => cloud.service.taskLog(taskId, lines),
      settings(taskDefinition) {
        const before = known.get(taskDefinition);
        if (before) return before;
        const reading = cloud.service.settings(taskDefinition);
        known.set(taskDefinition, reading);
        reading.catch(() => known.delete(taskDefinition));
        return reading;
      },
    },
  };
  let found: FailureExplanation | undefined;
  let gatherings = 0;
  return async (snapshot, now) => {
    if (found || !looksTroubled(snapshot, requestedDigest) || gatherings >= MAX_GATHERINGS) return found;
    gatherings += 1;
    found = await explainProgress(source, snapshot, requestedDigest, now).catch(() => undefined);
    return found;
  };
}

/**
 * The cause of an error that comes before any task: so far Terraform's lock.
 * @returns undefined for an error that says all there is to say
 */
export async function explainError(
  cloud: { readonly terraform: Pick<Cloud['terraform'], 'stateLock'> },
  error: TowpathError,
  environment: string,
): Promise<FailureExplanation | undefined> {
  if (error.code !== 'STATE_LOCKED') return undefined;
  const stateLock = await cloud.terraform.stateLock();
  if (!stateLock) return undefined;
  const explanation = explain({
    requestedDigest: '',
    snapshot: undefined,
    culprit: undefined,
    log: [],
    settings: undefined,
    stateLock,
  });
  return { ...explanation, hint: explanation.hint.replace('ENV', environment), log: [] };
}

async function gather(
  { service }: EvidenceSource,
  snapshot: ServiceSnapshot,
  requestedDigest: string,
): Promise<Evidence> {
  const culprit = chooseCulprit(snapshot, requestedDigest);
  const [settings, log] = await Promise.all([
    service.settings(culprit?.taskDefinition ?? snapshot.taskDefinition).catch(() => undefined),
    culprit ? service.taskLog(culprit.id, READ_LINES).catch(() => []) : [],
  ]);
  return { requestedDigest, snapshot, culprit, log, settings };
}

function judge(evidence: Evidence): FailureExplanation {
  const { kind, cause, hint, confidence }: Explanation = explain(evidence);
  return { kind, cause, hint, confidence, log: evidence.log.slice(-LOG_LINES) };
}
