/** Whether a release may go into an environment: every gate in every state, with its reason. */
import { describe, expect, it } from 'vitest';
import {
  APPROVAL_LIFETIME_MS,
  decideGates,
  decidePlan,
  type Gate,
  type GateFacts,
  type GateName,
  type GatePolicy,
  type GateState,
  overall,
} from './gates.ts';
import type { ChangeAction, PlanSummary } from './plan.ts';
import { makeRelease } from './release.ts';

const NOW = new Date('2026-03-01T12:00:00.000Z');
const ago = (ms: number) => new Date(NOW.getTime() - ms).toISOString();
const HOUR_MS = 3_600_000;
const TREE = 'b'.repeat(64);

const release = makeRelease({
  imageDigest: `sha256:${'a'.repeat(64)}`,
  terraformHash: TREE,
  sourceCommit: 'c'.repeat(40),
});
const user = (name: string) => `arn:aws:iam::123456789012:user/${name}`;
const session = (role: string, name: string) => `arn:aws:sts::123456789012:assumed-role/${role}/${name}`;

const planOf = (...changes: readonly (readonly [ChangeAction, string])[]): PlanSummary => ({
  changes: changes.map(([action, type]) => ({ action, type, address: `${type}.this` })),
  outputsChanged: false,
  empty: changes.length === 0,
  drift: [],
});

const upstream = {
  environment: 'staging',
  release: release.id as string | undefined,
  healthySince: ago(HOUR_MS) as string | undefined,
  trouble: undefined as string | undefined,
};
const restorable = { release: 'r-before', imageExists: true, missingSecrets: [] as string[] };

/** Everything is open: approved, soaked, restorable, the tree its own. */
const FACTS: GateFacts = {
  kind: 'promote',
  release,
  upstream,
  requestedBy: user('alice'),
  approvals: [{ by: user('bob'), at: ago(HOUR_MS) }],
  terraformHash: TREE,
  restorable,
};
const POLICY: GatePolicy = { approvals: 1, soakSeconds: 1_800, protected: true };

function gate(name: GateName, facts: Partial<GateFacts>, policy: Partial<GatePolicy> = {}): Gate | undefined {
  return decideGates({ ...FACTS, ...facts }, { ...POLICY, ...policy }, NOW).find((one) => one.name === name);
}

type Case = readonly [
  what: string,
  name: GateName,
  facts: Partial<GateFacts>,
  policy: Partial<GatePolicy>,
  state: GateState,
  reason: string | RegExp,
];

const VERIFIED: readonly Case[] = [
  ['the release before runs', 'verified', {}, {}, 'open', `${release.id} is verified in staging`],
  [
    'another release runs there',
    'verified',
    { upstream: { ...upstream, release: 'r-other' } },
    {},
    'closed',
    `staging runs r-other, not ${release.id}`,
  ],
  [
    'nothing runs there',
    'verified',
    { upstream: { ...upstream, release: undefined } },
    {},
    'closed',
    `staging runs nothing, not ${release.id}`,
  ],
  [
    'there is no environment before',
    'verified',
    { upstream: undefined },
    {},
    'closed',
    `the environment before runs nothing, not ${release.id}`,
  ],
];

const soaking = (seconds: number): Partial<GateFacts> => ({
  upstream: { ...upstream, healthySince: ago(seconds * 1_000) },
});
const SOAK: readonly Case[] = [
  ['long enough', 'soak', {}, {}, 'open', 'healthy in staging for 1 h 0 min'],
  ['exactly long enough', 'soak', soaking(1_800), {}, 'open', 'healthy in staging for 30 min 0 s'],
  [
    'a second too short',
    'soak',
    soaking(1_799),
    {},
    'waiting',
    'healthy in staging for 29 min 59 s of 30 min 0 s; 1 s to go',
  ],
  ['just healthy', 'soak', soaking(0), {}, 'waiting', /for 0 s of 30 min 0 s; 30 min 0 s to go/],
  ['of hours', 'soak', soaking(60), { soakSeconds: 90_000 }, 'waiting', /of 25 h 0 min; 24 h 59 min to go/],
  ['none asked for, healthy', 'soak', soaking(0), { soakSeconds: 0 }, 'open', 'healthy in staging'],
  [
    'a clock there that is ahead of ours',
    'soak',
    soaking(-600),
    {},
    'waiting',
    'healthy in staging for 0 s of 30 min 0 s; 30 min 0 s to go',
  ],
  [
    'a time that is none',
    'soak',
    { upstream: { ...upstream, healthySince: 'yesterday' } },
    {},
    'waiting',
    /for 0 s of/,
  ],
  [
    'trouble',
    'soak',
    { upstream: { ...upstream, healthySince: undefined, trouble: '1 of 3 targets are unhealthy' } },
    {},
    'waiting',
    'staging is not healthy: 1 of 3 targets are unhealthy',
  ],
  [
    'trouble where none was asked for',
    'soak',
    { upstream: { ...upstream, healthySince: undefined, trouble: '0 of 1 tasks run' } },
    { soakSeconds: 0 },
    'waiting',
    'staging is not healthy: 0 of 1 tasks run',
  ],
  [
    'trouble that nobody named',
    'soak',
    { upstream: { ...upstream, healthySince: undefined } },
    {},
    'waiting',
    'staging is not healthy: unknown',
  ],
  [
    'no environment before',
    'soak',
    { upstream: undefined },
    {},
    'waiting',
    'the environment before is not healthy: unknown',
  ],
];

const approved = (...approvals: readonly (readonly [string, string])[]): Partial<GateFacts> => ({
  approvals: approvals.map(([by, at]) => ({ by, at })),
});
const APPROVALS: readonly Case[] = [
  ['none needed', 'approvals', approved(), { approvals: 0 }, 'open', 'none needed'],
  ['one of one', 'approvals', {}, {}, 'open', '1 of 1 given (bob)'],
  ['none of one', 'approvals', approved(), {}, 'waiting', '0 of 1 given'],
  ['one of two', 'approvals', {}, { approvals: 2 }, 'waiting', '1 of 2 given (bob)'],
  [
    'two of two',
    'approvals',
    approved([user('bob'), ago(2)], [session('reviewer', 'carol'), ago(1)]),
    { approvals: 2 },
    'open',
    '2 of 2 given (bob, carol)',
  ],
  [
    "the requester's own",
    'approvals',
    approved([user('alice'), ago(1)]),
    {},
    'waiting',
    '0 of 1 given; 1 more does not count (expired, or by the requester)',
  ],
  [
    "the requester's own, as a role",
    'approvals',
    approved([session('reviewer', 'alice'), ago(1)]),
    {},
    'waiting',
    /^0 of 1 given; 1 more does not count/,
  ],
  [
    'one person as two',
    'approvals',
    approved([user('bob'), ago(2)], [session('reviewer', 'bob'), ago(1)]),
    { approvals: 2 },
    'waiting',
    /^1 of 2 given \(bob\); 1 more does not count/,
  ],
  [
    'a moment before it expires',
    'approvals',
    approved([user('bob'), ago(APPROVAL_LIFETIME_MS - 1)]),
    {},
    'open',
    '1 of 1 given (bob)',
  ],
  [
    'expired',
    'approvals',
    approved([user('bob'), ago(APPROVAL_LIFETIME_MS)], [user('carol'), ago(APPROVAL_LIFETIME_MS)]),
    {},
    'waiting',
    '0 of 1 given; 2 more do not count (expired, or by the requester)',
  ],
  ['by a clock ahead of ours', 'approvals', approved([user('bob'), ago(-HOUR_MS)]), {}, 'open', /^1 of 1/],
  ['of no readable time', 'approvals', approved([user('bob'), 'soon']), {}, 'waiting', /^0 of 1/],
];

const RESTORABLE: readonly Case[] = [
  ['it can come back', 'restorable', {}, {}, 'open', 'r-before can be restored'],
  [
    'nothing runs',
    'restorable',
    { restorable: { ...restorable, release: undefined, imageExists: false } },
    {},
    'open',
    'nothing runs here yet',
  ],
  [
    'its image is gone',
    'restorable',
    { restorable: { ...restorable, imageExists: false, missingSecrets: ['a'] } },
    {},
    'closed',
    'the image of r-before is gone from the registry',
  ],
  [
    'secrets are missing',
    'restorable',
    { restorable: { ...restorable, missingSecrets: ['app-secret', 'db-password'] } },
    {},
    'closed',
    'r-before needs secrets that have no value: app-secret, db-password',
  ],
  [
    'a rollback leaves it behind, whatever it lacks',
    'restorable',
    { kind: 'rollback', restorable: { ...restorable, imageExists: false } },
    {},
    'open',
    'r-before is what is left behind',
  ],
  [
    'a changed configuration needs it as well',
    'restorable',
    { kind: 'apply', restorable: { ...restorable, imageExists: false } },
    {},
    'closed',
    /^the image of r-before is gone/,
  ],
];

const TREE_CASES: readonly Case[] = [
  ['it is the tree of the release', 'tree', {}, {}, 'open', 'the Terraform tree is that of the release'],
  [
    'it is another tree',
    'tree',
    { terraformHash: 'd'.repeat(64) },
    {},
    'closed',
    `the Terraform tree here (dddddddddddd) is not that of ${release.id} (bbbbbbbbbbbb, commit cccccccccccc)`,
  ],
];

describe('each gate', () => {
  it.each([...VERIFIED, ...SOAK, ...APPROVALS, ...RESTORABLE, ...TREE_CASES])(
    '%s (%s)',
    (_what, name, facts, policy, state, reason) => {
      const decided = gate(name, facts, policy);
      expect(decided?.state).toBe(state);
      if (typeof reason === 'string') expect(decided?.reason).toBe(reason);
      else expect(decided?.reason).toMatch(reason);
    },
  );
});

describe('the gates', () => {
  const names = (facts: Partial<GateFacts>) =>
    decideGates({ ...FACTS, ...facts }, POLICY, NOW).map(({ name }) => name);

  it.each([
    ['promote', ['verified', 'soak', 'approvals', 'restorable', 'tree']],
    ['apply', ['approvals', 'restorable', 'tree']],
    ['rollback', ['restorable', 'tree']],
  ] as const)('of %s are %j', (kind, expected) => {
    expect(names({ kind })).toEqual(expected);
  });

  it('are all open for a release that did everything right', () => {
    expect(overall(decideGates(FACTS, POLICY, NOW))).toBe('open');
  });
});

describe('the plan', () => {
  const losing = planOf(['replace', 'aws_vpc'], ['create', 'aws_subnet'], ['delete', 'aws_lb']);
  const harmless = 'the plan takes nothing away that counts';
  it.each([
    ['changes something', planOf(['update', 'aws_ecs_service']), true, false, 'open', harmless],
    ['changes nothing', planOf(), true, false, 'open', harmless],
    [
      'replaces a task definition, as with every image',
      planOf(['replace', 'aws_ecs_task_definition']),
      true,
      false,
      'open',
      harmless,
    ],
    [
      'loses something',
      losing,
      true,
      false,
      'closed',
      'the plan would replace aws_vpc.this, delete aws_lb.this',
    ],
    [
      'loses something, and that is allowed',
      losing,
      true,
      true,
      'open',
      'allowed by --allow-destroy: replace aws_vpc.this, delete aws_lb.this',
    ],
    ['loses something where nothing is protected', losing, false, false, 'open', harmless],
    [
      'loses more than anybody reads',
      planOf(...'abcdefg'.split('').map((name) => ['delete', name] as const)),
      true,
      false,
      'closed',
      'the plan would delete a.this, delete b.this, delete c.this, delete d.this, delete e.this and 2 more',
    ],
  ] as const)('that %s', (_what, plan, isProtected, allowDestroy, state, reason) => {
    expect(decidePlan(plan, { protected: isProtected }, allowDestroy)).toEqual({
      name: 'plan',
      state,
      reason,
    });
  });
});
