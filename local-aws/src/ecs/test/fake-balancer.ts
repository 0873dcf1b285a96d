/**
 * A load balancer plane without sockets: targets pass or fail their checks after a while, drain and leave.
 */
import type { Clock, LoadBalancerPlane, Target, TargetState } from '../../contract.ts';

interface Entry {
  readonly target: Target;
  readonly since: number;
  drainingSince: number | undefined;
}

export interface FakeBalancer extends LoadBalancerPlane {
  readonly targetGroups: Map<string, Map<string, Entry>>;
  /** Whether the process behind a target answers its health check now. */
  answers: (target: Target) => boolean;
  /** Called before a target starts to drain. */
  onDeregister: (id: string) => void;
}

export const CHECK_MS = 5_000;
export const DEREGISTRATION_DELAY_MS = 10_000;

export function createFakeBalancer(clock: Clock): FakeBalancer {
  const targetGroups = new Map<string, Map<string, Entry>>();
  const groupOf = (arn: string): Map<string, Entry> => {
    const group = targetGroups.get(arn) ?? new Map<string, Entry>();
    targetGroups.set(arn, group);
    return group;
  };
  const stateOf = (entry: Entry): TargetState => {
    if (entry.drainingSince !== undefined) return 'draining';
    if (clock.now() - entry.since < CHECK_MS) return 'initial';
    return plane.answers(entry.target) ? 'healthy' : 'unhealthy';
  };
  const plane: FakeBalancer = {
    targetGroups,
    answers: () => true,
    onDeregister: () => undefined,
    apply: async () => undefined,
    localPort: (arn, port) => (arn.includes('loadbalancer') && port === 80 ? 8_123 : undefined),
    reservePort: async () => 8_123,
    register(arn, targets) {
      for (const target of targets)
        groupOf(arn).set(`${target.id}:${target.port}`, {
          target,
          since: clock.now(),
          drainingSince: undefined,
        });
    },
    deregister(arn, targets) {
      for (const { id, port } of targets) {
        plane.onDeregister(id);
        const entry = groupOf(arn).get(`${id}:${port}`);
        if (entry) entry.drainingSince ??= clock.now();
      }
    },
    health(arn) {
      const group = groupOf(arn);
      for (const [key, entry] of group)
        if (entry.drainingSince !== undefined && clock.now() - entry.drainingSince >= DEREGISTRATION_DELAY_MS)
          group.delete(key);
      return [...group.values()].map((entry) => {
        const state = stateOf(entry);
        const failing = state === 'unhealthy';
        return {
          target: entry.target,
          state,
          reason: failing ? 'Target.ResponseCodeMismatch' : undefined,
          description: failing ? 'Health checks failed with these codes: [502]' : undefined,
        };
      });
    },
    onChange: () => undefined,
    close: async () => undefined,
  };
  return plane;
}
