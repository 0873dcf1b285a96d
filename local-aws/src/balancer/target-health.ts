/**
 * The health of one target, as an Application Load Balancer decides it. Pure: no clock, no sockets.
 * States and reason codes are those of DescribeTargetHealth.
 */
import type { TargetState } from '../contract.ts';

export interface TargetHealthState {
  readonly state: TargetState;
  readonly reason: string | undefined;
  readonly description: string | undefined;
  /** Checks in a row with the same outcome. */
  readonly passes: number;
  readonly failures: number;
}

export type HealthCheckResult =
  | { readonly ok: true }
  | { readonly ok: false; readonly reason: 'response-code'; readonly statusCode: number }
  | { readonly ok: false; readonly reason: 'timeout' }
  | { readonly ok: false; readonly reason: 'connection' };

export type TargetEvent =
  | { readonly type: 'check-started' }
  | { readonly type: 'checked'; readonly result: HealthCheckResult }
  | { readonly type: 'deregistered' }
  /** The target group came into use by a listener, or fell out of it. */
  | { readonly type: 'in-use'; readonly inUse: boolean };

export interface HealthThresholds {
  readonly healthyThreshold: number;
  readonly unhealthyThreshold: number;
  /** Failures after which a target that was never healthy is unhealthy; on AWS the same as the one above. */
  readonly initialUnhealthyThreshold: number;
}

const REGISTERING: TargetHealthState = {
  state: 'initial',
  reason: 'Elb.RegistrationInProgress',
  description: 'Target registration is in progress',
  passes: 0,
  failures: 0,
};

const UNUSED: TargetHealthState = {
  state: 'unused',
  reason: 'Target.NotInUse',
  description: 'Target group is not configured to receive traffic from the load balancer',
  passes: 0,
  failures: 0,
};

export function registeredTarget(inUse: boolean): TargetHealthState {
  return inUse ? REGISTERING : UNUSED;
}

export function decideTargetHealth(
  before: TargetHealthState,
  event: TargetEvent,
  thresholds: HealthThresholds,
): TargetHealthState {
  if (before.state === 'draining') return before; // it only leaves
  switch (event.type) {
    case 'deregistered':
      return {
        state: 'draining',
        reason: 'Target.DeregistrationInProgress',
        description: 'Target deregistration is in progress',
        passes: 0,
        failures: 0,
      };
    case 'in-use':
      if (event.inUse === (before.state !== 'unused')) return before;
      return registeredTarget(event.inUse);
    case 'check-started':
      if (before.reason !== REGISTERING.reason) return before;
      return {
        ...before,
        reason: 'Elb.InitialHealthChecking',
        description: 'Initial health checks in progress',
      };
    case 'checked':
      if (before.state === 'unused') return before;
      return event.result.ok ? afterPass(before, thresholds) : afterFailure(before, event.result, thresholds);
  }
}

function afterPass(before: TargetHealthState, thresholds: HealthThresholds): TargetHealthState {
  const passes = before.passes + 1;
  // A newly registered target needs one pass; the threshold is for those that recover.
  const needed = before.state === 'unhealthy' ? thresholds.healthyThreshold : 1;
  if (passes < needed) return { ...before, passes, failures: 0 };
  return { state: 'healthy', reason: undefined, description: undefined, passes, failures: 0 };
}

function afterFailure(
  before: TargetHealthState,
  result: Exclude<HealthCheckResult, { ok: true }>,
  thresholds: HealthThresholds,
): TargetHealthState {
  const failures = before.failures + 1;
  const needed =
    before.state === 'initial' ? thresholds.initialUnhealthyThreshold : thresholds.unhealthyThreshold;
  if (before.state !== 'unhealthy' && failures < needed) {
    return { ...before, passes: 0, failures };
  }
  return { state: 'unhealthy', ...describeFailure(result), passes: 0, failures };
}

function describeFailure(result: Exclude<HealthCheckResult, { ok: true }>): {
  reason: string;
  description: string;
} {
  switch (result.reason) {
    case 'response-code':
      return {
        reason: 'Target.ResponseCodeMismatch',
        description: `Health checks failed with these codes: [${result.statusCode}]`,
      };
    case 'timeout':
      return { reason: 'Target.Timeout', description: 'Request timed out' };
    case 'connection':
      return { reason: 'Target.FailedHealthChecks', description: 'Health checks failed' };
  }
}
