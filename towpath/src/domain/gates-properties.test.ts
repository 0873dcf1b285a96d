/** What must hold of the gates for all facts, policies and times. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  APPROVAL_LIFETIME_MS,
  decideGates,
  type Gate,
  type GateFacts,
  type GateName,
  type GatePolicy,
  type GateState,
  overall,
  validApprovals,
} from './gates.ts';
import { personOf } from './person.ts';
import { makeRelease } from './release.ts';

const NOW = new Date('2026-03-01T12:00:00.000Z');
const TREE = 'b'.repeat(64);

const release = makeRelease({
  imageDigest: `sha256:${'a'.repeat(64)}`,
  terraformHash: TREE,
  sourceCommit: 'c'.repeat(40),
});
const user = (name: string) => `arn:aws:iam::123456789012:user/${name}`;
const session = (role: string, name: string) => `arn:aws:sts::123456789012:assumed-role/${role}/${name}`;

const person = fc.constantFrom('alice', 'bob', 'carol', 'dave');
const identity = fc.oneof(
  person.map(user),
  fc.tuple(fc.constantFrom('deployer', 'reviewer'), person).map(([role, name]) => session(role, name)),
  fc
    .tuple(fc.constantFrom('deployer', 'reviewer'), fc.nat())
    .map(([role, n]) => session(role, `botocore-session-${n}`)),
);
const timeMs = fc.integer({ min: -2 * APPROVAL_LIFETIME_MS, max: APPROVAL_LIFETIME_MS });
const instant = timeMs.map((ms) => new Date(NOW.getTime() + ms).toISOString());
const approval = fc.record({ by: identity, at: instant });
const releaseId = fc.constantFrom(release.id, 'r-other', undefined);
const anyFacts: fc.Arbitrary<GateFacts> = fc.record({
  kind: fc.constantFrom('promote', 'rollback', 'apply'),
  release: fc.constant(release),
  upstream: fc.option(
    fc.record({
      environment: fc.constant('staging'),
      release: releaseId,
      healthySince: fc.option(instant, { nil: undefined }),
      trouble: fc.option(fc.constant('trouble'), { nil: undefined }),
    }),
    { nil: undefined },
  ),
  requestedBy: identity,
  approvals: fc.array(approval, { maxLength: 5 }),
  terraformHash: fc.constantFrom(TREE, 'd'.repeat(64)),
  restorable: fc.record({
    release: releaseId,
    imageExists: fc.boolean(),
    missingSecrets: fc.subarray(['app-secret', 'db-password']),
  }),
});
const anyPolicy: fc.Arbitrary<GatePolicy> = fc.record({
  approvals: fc.nat({ max: 3 }),
  soakSeconds: fc.constantFrom(0, 60, 7_200, 90_000),
  protected: fc.boolean(),
});

const stateOf = (gates: readonly Gate[], name: GateName) => gates.find((one) => one.name === name)?.state;
const RANK: Readonly<Record<GateState, number>> = { closed: 0, waiting: 1, open: 2 };

describe('for all facts', () => {
  it('the whole is closed exactly when one gate is, and open exactly when all are', () => {
    fc.assert(
      fc.property(anyFacts, anyPolicy, (facts, policy) => {
        const gates = decideGates(facts, policy, NOW);
        const states = gates.map(({ state }) => state);
        expect(overall(gates) === 'closed').toBe(states.includes('closed'));
        expect(overall(gates) === 'open').toBe(states.every((state) => state === 'open'));
        expect(gates.every(({ reason }) => reason !== '')).toBe(true);
      }),
    );
  });

  it('one more approval never takes anything away', () => {
    fc.assert(
      fc.property(anyFacts, anyPolicy, approval, (facts, policy, more) => {
        const before = decideGates(facts, policy, NOW);
        const after = decideGates({ ...facts, approvals: [...facts.approvals, more] }, policy, NOW);
        expect(RANK[overall(after)]).toBeGreaterThanOrEqual(RANK[overall(before)]);
      }),
    );
  });

  it('time alone never closes a gate, and never takes a soak back', () => {
    fc.assert(
      fc.property(
        anyFacts,
        anyPolicy,
        fc.nat({ max: 10 * APPROVAL_LIFETIME_MS }),
        (facts, policy, laterMs) => {
          const before = decideGates(facts, policy, NOW);
          const after = decideGates(facts, policy, new Date(NOW.getTime() + laterMs));
          if (stateOf(before, 'soak') === 'open') expect(stateOf(after, 'soak')).toBe('open');
          expect(overall(after) === 'closed').toBe(overall(before) === 'closed');
        },
      ),
    );
  });

  it('approvals by the requester never count, in whatever role', () => {
    fc.assert(
      fc.property(anyFacts, anyPolicy, identity, instant, (facts, policy, by, at) => {
        fc.pre(personOf(by) === personOf(facts.requestedBy));
        const more = { ...facts, approvals: [...facts.approvals, { by, at }] };
        expect(overall(decideGates(more, policy, NOW))).toBe(overall(decideGates(facts, policy, NOW)));
      }),
    );
  });

  it('approvals that count are of different people, none of them the requester, none a day old', () => {
    fc.assert(
      fc.property(anyFacts, (facts) => {
        const valid = validApprovals(facts, NOW);
        const people = valid.map(({ by }) => personOf(by));
        expect(new Set(people).size).toBe(people.length);
        expect(people).not.toContain(personOf(facts.requestedBy));
        const oldest = Math.max(0, ...valid.map(({ at }) => NOW.getTime() - Date.parse(at)));
        expect(oldest).toBeLessThan(APPROVAL_LIFETIME_MS);
      }),
    );
  });
});
