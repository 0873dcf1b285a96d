/**
 * Watches a service while it changes: tells tasks, target health and service events as they come,
 * and decides when the requested image runs everywhere, or when it will not.
 */
import { TowpathError } from '../domain/errors.ts';
import { judgeRollout, type RolloutVerdict, type ServiceSnapshot } from '../domain/rollout.ts';
import type { Cloud, Ports } from '../ports.ts';
import { createProgressExplainer, type FailureExplanation } from './explain-failure.ts';

/** Between two looks. AWS allows 20 DescribeServices a second (burst 100) for an account. */
export const POLL_MS = 1_000;
/** A service that Terraform has waited for is settled within moments; the first looks come sooner. */
const FIRST_POLLS_MS = [150, 150, 300, 300] as const;

export interface RolloutWatch {
  /** The last verdict and what it was made from. */
  latest(): {
    readonly verdict: RolloutVerdict;
    readonly snapshot: ServiceSnapshot | undefined;
    /** What the evidence of some look explained, while it happened. */
    readonly explanation: FailureExplanation | undefined;
  };
  stop(): Promise<void>;
}

export interface WatchOptions {
  readonly requestedDigest: string;
  /** Ids of deployments that ECS gave up before: they are not the ones that are watched. */
  readonly earlier?: ReadonlySet<string> | undefined;
  readonly onFailure?: (reason: string, snapshot: ServiceSnapshot) => void;
}

type WatchPorts = Pick<Ports, 'clock' | 'notifier'>;

/** Looks in the background until stopped. A look that fails is told once and tried again. */
export function startRolloutWatch(ports: WatchPorts, cloud: Cloud, options: WatchOptions): RolloutWatch {
  const stopping = new AbortController();
  const tell = createTeller(ports, options.requestedDigest);
  const explain = createProgressExplainer(cloud, options.requestedDigest);
  let explanation: FailureExplanation | undefined;
  let verdict: RolloutVerdict = { state: 'progressing' };
  let snapshot: ServiceSnapshot | undefined;
  let failureTold = false;
  let errorTold = false;

  const loop = async () => {
    while (!stopping.signal.aborted) {
      try {
        snapshot = await cloud.service.snapshot();
        if (snapshot) {
          tell(snapshot);
          verdict = judgeRollout(snapshot, options.requestedDigest, options.earlier);
          if (!explanation && !showsOnly(snapshot, options.earlier)) {
            explanation = await explain(snapshot, ports.clock.now());
            if (explanation) tellExplanation(ports, explanation);
          }
          if (verdict.state === 'failed' && verdict.by === 'deployment' && !failureTold) {
            failureTold = true;
            options.onFailure?.(verdict.reason, snapshot);
          }
        }
      } catch (error) {
        if (!errorTold)
          ports.notifier.notify({
            type: 'warning',
            text: `could not look at the service: ${(error as Error).message}`,
          });
        errorTold = true;
      }
      await ports.clock.sleep(POLL_MS, stopping.signal).catch(() => undefined);
    }
  };
  const done = loop();
  return {
    latest: () => ({ verdict, snapshot, explanation }),
    stop: async () => {
      stopping.abort();
      await done;
    },
  };
}

/** The new deployment has not begun: tasks and events are all of an earlier attempt. */
function showsOnly({ deployments }: ServiceSnapshot, earlier: ReadonlySet<string> | undefined): boolean {
  return deployments.length > 0 && deployments.every(({ id }) => earlier?.has(id));
}

/** Told as soon as the evidence is good: the circuit breaker, and Terraform after it, take their time. */
function tellExplanation({ notifier }: WatchPorts, { cause, hint }: FailureExplanation): void {
  notifier.notify({ type: 'warning', text: `the rollout is failing: ${cause}`, hint });
}

/** Waits until the verdict is final. @throws nothing; a time-out is a failed verdict that says so. */
export async function awaitRollout(
  ports: WatchPorts,
  cloud: Cloud,
  options: Omit<WatchOptions, 'onFailure'> & {
    /** What Terraform asked the service to run; undefined when it applied nothing, or does not tell. */
    readonly taskDefinition?: string | undefined;
    readonly timeoutMs: number;
    readonly signal: AbortSignal;
  },
): Promise<{ readonly verdict: RolloutVerdict; readonly snapshot: ServiceSnapshot }> {
  const tell = createTeller(ports, options.requestedDigest);
  const explain = createProgressExplainer(cloud, options.requestedDigest);
  let explained = false;
  const deadline = ports.clock.now().getTime() + options.timeoutMs;
  for (let look = 0; ; look += 1) {
    const snapshot = await cloud.service.snapshot();
    if (!snapshot)
      throw new TowpathError('DEPLOYMENT_FAILED', 'The service does not exist after Terraform applied it.');
    tell(snapshot);
    const { requestedDigest, earlier, taskDefinition } = options;
    const verdict = judgeRollout(snapshot, requestedDigest, earlier, taskDefinition);
    if (verdict.state !== 'progressing') return { verdict, snapshot };
    if (!explained && !showsOnly(snapshot, earlier)) {
      const explanation = await explain(snapshot, ports.clock.now());
      if (explanation) tellExplanation(ports, explanation);
      explained = explanation !== undefined;
    }
    if (ports.clock.now().getTime() >= deadline) {
      const seconds = Math.round(options.timeoutMs / 1000);
      return {
        verdict: {
          state: 'failed',
          by: 'deployment',
          reason: `the service was not stable within ${seconds} s`,
        },
        snapshot,
      };
    }
    await ports.clock.sleep(FIRST_POLLS_MS[look] ?? POLL_MS, options.signal);
  }
}

/** Tells each service event once, and a snapshot only when it differs from the one before. */
function createTeller(ports: WatchPorts, requestedDigest: string): (snapshot: ServiceSnapshot) => void {
  const started = ports.clock.now().getTime();
  const seen = new Set<string>();
  let before = '';
  return (snapshot) => {
    for (const event of [...snapshot.events].reverse()) {
      if (seen.has(event.id)) continue;
      seen.add(event.id);
      if (Date.parse(event.time) >= started)
        ports.notifier.notify({ type: 'service.event', time: event.time, message: event.message });
    }
    const now = JSON.stringify([snapshot.desired, snapshot.deployments, snapshot.tasks, snapshot.targets]);
    if (now === before) return;
    before = now;
    ports.notifier.notify({ type: 'rollout', snapshot, requestedDigest });
  };
}
