import { describe, expect, it } from 'vitest';
import { parseHealthMatcher } from './health-matcher.ts';
import {
  decideTargetHealth,
  type HealthCheckResult,
  registeredTarget,
  type TargetEvent,
} from './target-health.ts';
import { WeightedTurns } from './weighted-turns.ts';

const PASS: TargetEvent = { type: 'checked', result: { ok: true } };
const fail = (result: Exclude<HealthCheckResult, { ok: true }>): TargetEvent => ({ type: 'checked', result });
const F404 = fail({ ok: false, reason: 'response-code', statusCode: 404 });
const SLOW = fail({ ok: false, reason: 'timeout' });
const DEAD = fail({ ok: false, reason: 'connection' });
const START: TargetEvent = { type: 'check-started' };
const GONE: TargetEvent = { type: 'deregistered' };
const USED: TargetEvent = { type: 'in-use', inUse: true };
const UNUSED: TargetEvent = { type: 'in-use', inUse: false };

describe('decideTargetHealth', () => {
  const healthy = ['healthy', undefined, undefined];
  const mismatch = [
    'unhealthy',
    'Target.ResponseCodeMismatch',
    'Health checks failed with these codes: [404]',
  ];
  const draining = ['draining', 'Target.DeregistrationInProgress', 'Target deregistration is in progress'];
  const unused = [
    'unused',
    'Target.NotInUse',
    'Target group is not configured to receive traffic from the load balancer',
  ];
  const registering = ['initial', 'Elb.RegistrationInProgress', 'Target registration is in progress'];
  const checking = ['initial', 'Elb.InitialHealthChecking', 'Initial health checks in progress'];

  it.each<[string, TargetEvent[], (string | undefined)[]]>([
    ['is registering at first', [], registering],
    ['is being checked', [START], checking],
    ['is healthy on its first pass', [START, PASS], healthy],
    ['stays initial below the unhealthy threshold', [START, F404, START, F404], checking],
    ['is unhealthy at the unhealthy threshold', [START, F404, F404, F404], mismatch],
    ['starts counting anew after a pass', [START, F404, F404, PASS, F404, F404], healthy],
    ['becomes healthy late with one pass', [START, F404, F404, PASS], healthy],
    ['falls ill after the threshold only', [PASS, F404, F404, F404], mismatch],
    ['shows the latest failure', [DEAD, DEAD, F404], mismatch],
    ['shows a timeout', [SLOW, SLOW, SLOW], ['unhealthy', 'Target.Timeout', 'Request timed out']],
    [
      'shows a refused connection',
      [DEAD, DEAD, DEAD],
      ['unhealthy', 'Target.FailedHealthChecks', 'Health checks failed'],
    ],
    ['does not recover below the healthy threshold', [F404, F404, F404, PASS], mismatch],
    ['recovers at the healthy threshold', [F404, F404, F404, PASS, PASS], healthy],
    ['recovers only with passes in a row', [F404, F404, F404, PASS, F404, PASS], mismatch],
    ['drains whatever it was', [PASS, GONE], draining],
    ['drains for good', [PASS, GONE, PASS, F404, UNUSED, USED], draining],
    ['falls out of use', [PASS, UNUSED], unused],
    ['is not checked out of use', [UNUSED, PASS, F404, START], unused],
    ['starts anew in use', [PASS, UNUSED, USED], registering],
    ['takes no notice of what it knows', [PASS, USED], healthy],
    ['drains from out of use', [UNUSED, GONE], draining],
  ])('%s', (_, events, expected) => {
    const thresholds = { healthyThreshold: 2, unhealthyThreshold: 3, initialUnhealthyThreshold: 3 };
    let now = registeredTarget(true);
    for (const event of events) now = decideTargetHealth(now, event, thresholds);
    expect([now.state, now.reason, now.description]).toEqual(expected);
  });

  it('gives a target that was never healthy its own threshold', () => {
    const thresholds = { healthyThreshold: 2, unhealthyThreshold: 1, initialUnhealthyThreshold: 3 };
    const states: string[] = [];
    let now = registeredTarget(true);
    for (const event of [DEAD, DEAD, PASS, DEAD, PASS, PASS]) {
      now = decideTargetHealth(now, event, thresholds);
      states.push(now.state);
    }
    expect(states).toEqual(['initial', 'initial', 'healthy', 'unhealthy', 'unhealthy', 'healthy']);
  });

  it.each([
    ['the defaults', 30, 5, 150],
    ['tuned', 5, 2, 10],
  ])(
    '[alb.tuning] recovery takes interval times threshold: %s, %i s × %i',
    (_, intervalSeconds, threshold, seconds) => {
      const thresholds = { healthyThreshold: threshold, unhealthyThreshold: 2, initialUnhealthyThreshold: 2 };
      let now = [DEAD, DEAD].reduce(
        (state, event) => decideTargetHealth(state, event, thresholds),
        registeredTarget(true),
      );
      let checks = 0;
      while (now.state === 'unhealthy') {
        now = decideTargetHealth(now, PASS, thresholds);
        checks += 1;
      }
      expect(checks * intervalSeconds).toBe(seconds);
    },
  );

  it('begins unused in a group that no listener uses', () => {
    expect(registeredTarget(false)).toMatchObject({ state: 'unused', reason: 'Target.NotInUse' });
  });
});

describe('parseHealthMatcher', () => {
  it.each([
    ['200', 200, true],
    ['200', 201, false],
    ['200-299,301', 250, true],
    ['200-299, 301', 301, true],
    ['200-299,301', 300, false],
  ])('%s on %i is %s', (text, code, expected) => {
    expect(parseHealthMatcher(text)(code)).toBe(expected);
  });
  it.each(['', 'ok', '20', '200-', '200;201'])('refuses "%s"', (text) => {
    expect(() => parseHealthMatcher(text)).toThrow(`"${text}"`);
  });
});

describe('WeightedTurns', () => {
  it('spreads turns by weight', () => {
    const turns = new WeightedTurns([
      { name: 'a', weight: 3 },
      { name: 'b', weight: 1 },
      { name: 'c', weight: 0 },
    ]);
    const taken = Array.from({ length: 8 }, () => turns.next()?.name).join('');
    expect(taken).toBe('aabaaaba');
  });
  it('has no turn without weight', () => {
    expect(new WeightedTurns([{ weight: 0 }]).next()).toBeUndefined();
  });
});
