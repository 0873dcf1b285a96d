/** Tasks that run and fail the load balancer's health checks: where do they listen, who may reach them, how soon. Pure. */
import {
  currentEvents,
  type Evidence,
  type Explanation,
  type ServiceSettings,
  taskName,
} from './explanation.ts';
import { formatSeconds, ranFor } from './explanation-exit.ts';
import { isLocalhost, quoteComplaint, readAnnouncements, soundsStarting } from './explanation-log.ts';
import type { TaskView } from './rollout.ts';

/**
 * What the load balancer met. `refused`: no connection, or no HTTP over it; `untold` where AWS has only said that it
 * stopped the task for its health checks, and not yet what they met.
 */
type Symptom =
  | { readonly type: 'codes'; readonly codes: readonly number[] }
  | { readonly type: 'timeout' }
  | { readonly type: 'refused'; readonly untold?: true };

/** A program that has not listened for this long does not start slowly: it hangs. */
const SLOW_START_MS = 300_000;

interface Case {
  readonly evidence: Evidence;
  readonly task: TaskView;
  readonly symptom: Symptom;
  readonly settings: ServiceSettings | undefined;
  /** The port that the load balancer connects to. */
  readonly port: number | undefined;
  readonly where: string;
}

export function explainHealth(evidence: Evidence): Explanation | undefined {
  const { culprit: task, settings } = evidence;
  if (!task) return undefined;
  const symptom = readSymptom(evidence, task);
  if (!symptom) return undefined;
  const target = evidence.snapshot?.targets.find(({ id }) => id === task.privateIp);
  const port = settings?.container?.port ?? target?.port;
  const found: Case = { evidence, task, symptom, settings, port, where: taskName(task) };
  // Whatever the load balancer says it met: nothing of it can have reached the task.
  const closed = symptom.type === 'codes' ? undefined : explainClosedGroup(found);
  if (closed) return closed;
  switch (symptom.type) {
    case 'codes':
      return explainCodes(found, symptom.codes);
    case 'timeout':
      return explainTimeout(found);
    case 'refused':
      return explainRefusal(found);
  }
}

/** From the target while it is registered, else from the event that AWS wrote when it took the task out. */
function readSymptom(evidence: Evidence, task: TaskView): Symptom | undefined {
  const target = evidence.snapshot?.targets.find(
    ({ id, state }) => id === task.privateIp && state === 'unhealthy',
  );
  if (target) return parseSymptom(`${target.reason ?? ''} ${target.description ?? ''}`);
  if (!/health checks/i.test(task.stoppedReason ?? '')) return undefined;
  const events = currentEvents(evidence).filter((message) => /is unhealthy in/i.test(message));
  const event = events.find((message) => message.includes(task.id)) ?? events[0];
  return event === undefined ? { type: 'refused', untold: true } : parseSymptom(event);
}

function parseSymptom(text: string): Symptom | undefined {
  const codes = /codes: \[([\d, ]+)\]/.exec(text)?.[1];
  if (codes !== undefined) return { type: 'codes', codes: codes.split(',').map(Number) };
  if (/timed out|Target\.Timeout/i.test(text)) return { type: 'timeout' };
  return /Health checks failed|FailedHealthChecks/i.test(text) ? { type: 'refused' } : undefined;
}

function explainCodes(
  { evidence, settings, where }: Case,
  codes: readonly number[],
): Explanation | undefined {
  if (isWithinGrace(evidence, settings)) return undefined;
  const check = settings?.healthCheck;
  const path = check?.path ?? 'the health check path';
  if (codes.includes(404))
    return {
      kind: 'health-path-not-found',
      cause: `the service answers 404 on its health check path ${path} (${where})`,
      hint: 'set `healthCheck.path` of the service in towpath.config.ts to a path that it answers, then towpath sync and deploy again',
      confidence: 'certain',
    };
  const answered = `answers ${codes.join(', ')} instead of ${check?.matcher ?? '200'} on ${path}`;
  if (codes.some((code) => code >= 500) && soundsStarting(evidence.log)) {
    return tooSoon(settings, `the service ${answered} while it starts (${where})`, 'likely');
  }
  const complaint = quoteComplaint(evidence.log);
  return {
    kind: 'health-check-error',
    cause: `the service ${answered}${complaint === undefined ? '' : `: ${complaint}`} (${where})`,
    hint: 'mend what the health check finds; the log lines above say more',
    confidence: 'likely',
  };
}

function explainClosedGroup({ settings, port, where }: Case): Explanation | undefined {
  const network = settings?.network;
  if (!network || port === undefined || isAdmitted(network, port)) return undefined;
  return {
    kind: 'security-group-closed',
    cause: `no rule of the tasks' security group (${network.taskGroups.join(', ')}) lets the load balancer's group (${network.balancerGroups.join(', ')}) reach port ${port} (${where})`,
    hint: `allow TCP ${port} from ${network.balancerGroups[0] ?? "the load balancer's group"} in ${network.taskGroups[0] ?? "the tasks' group"} (infra/modules/ecs/security.tf), then deploy again`,
    confidence: 'certain',
  };
}

function explainTimeout({ evidence, settings, where }: Case): Explanation | undefined {
  const check = settings?.healthCheck;
  if (isWithinGrace(evidence, settings)) return undefined;
  const timeout = check === undefined ? 'the timeout' : `${check.timeoutSeconds} s`;
  return {
    kind: 'health-check-too-slow',
    cause: `${check?.path ?? 'the health check'} does not answer within ${timeout} (${where})`,
    hint: 'make the health check answer at once, or raise `healthCheck.timeoutSeconds` of the service in towpath.config.ts; then deploy again',
    confidence: settings?.network === undefined ? 'possible' : 'likely',
  };
}

/** Ranges count as holding the load balancer: whether they do can't be told from here. */
function isAdmitted(network: NonNullable<ServiceSettings['network']>, port: number): boolean {
  if (network.taskGroups.length === 0) return true;
  return network.ingress.some(({ protocol, fromPort, toPort, groups, ranges }) => {
    const covered =
      protocol === '-1' || (protocol === 'tcp' && (fromPort ?? 0) <= port && port <= (toPort ?? 65_535));
    return covered && (ranges.length > 0 || groups.some((group) => network.balancerGroups.includes(group)));
  });
}

function explainRefusal({ evidence, settings, port, task, symptom, where }: Case): Explanation | undefined {
  const announced = readAnnouncements(evidence.log);
  const there = announced.filter((announcement) => announcement.port === port);
  const elsewhere = announced.find((announcement) => announcement.port !== port);
  if (there.length > 0 && there.every(({ host }) => isLocalhost(host)))
    return {
      kind: 'listens-on-localhost',
      cause: `the service listens on ${there[0]?.host}:${port} only, where the load balancer can't reach it (${where})`,
      hint: 'let it listen on 0.0.0.0 (or on the address in HOST, where it is set), then deploy again',
      confidence: 'likely',
    };
  if (isWithinGrace(evidence, settings)) return undefined;
  // Later than the rest: a program may open its metrics first.
  if (port !== undefined && there.length === 0 && elsewhere)
    return {
      kind: 'wrong-port',
      cause: `the service listens on port ${elsewhere.port}, and the load balancer connects to ${port} (${where})`,
      hint: `let it listen on the port in PORT (${port}), or set \`port: ${elsewhere.port}\` of the service in towpath.config.ts; then deploy again`,
      confidence: 'likely',
    };
  const ranMs = ranFor(task);
  const after = ranMs === undefined ? '' : ` after ${formatSeconds(ranMs)}`;
  // The checks may have met anything by then: the event that tells it comes with the next look.
  if (there.length > 0 && symptom.type === 'refused' && symptom.untold) return undefined;
  if (there.length > 0)
    return tooSoon(
      settings,
      `the service listens on port ${port} only after its health checks had failed (${where})`,
      'likely',
    );
  const on = `nothing listens on port ${port ?? 'of the container'} yet${after} (${where})`;
  if (soundsStarting(evidence.log)) return tooSoon(settings, on, 'likely');
  if ((ranMs ?? 0) < SLOW_START_MS) return tooSoon(settings, on, 'possible');
  return {
    kind: 'nothing-listens',
    cause: on,
    hint: `check that the service listens on 0.0.0.0:${port ?? 'PORT'}; the log lines above show how far it came`,
    confidence: 'possible',
  };
}

function tooSoon(
  settings: ServiceSettings | undefined,
  what: string,
  confidence: Explanation['confidence'],
): Explanation {
  const grace =
    settings === undefined ? 'the grace period' : `its grace period of ${settings.graceSeconds} s`;
  return {
    kind: 'grace-period-too-short',
    cause: `the service starts slower than ${grace} allows: ${what}`,
    hint: 'raise `healthCheck.graceSeconds` of the service in towpath.config.ts above its start-up time, then towpath sync and deploy again',
    confidence,
  };
}

/** A running task that may still become healthy has failed nothing yet. */
function isWithinGrace({ culprit, now }: Evidence, settings: ServiceSettings | undefined): boolean {
  if (now === undefined || settings === undefined || culprit?.status !== 'RUNNING') return false;
  if (culprit.startedAt === undefined) return true;
  return Date.parse(now) - Date.parse(culprit.startedAt) < settings.graceSeconds * 1000;
}
