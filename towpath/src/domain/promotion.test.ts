/** Promotions as the ledger tells them: a table of what ends, reopens and replaces them. */
import { describe, expect, it } from 'vitest';
import { type LedgerEvent, type LedgerPayload, nextEvent } from './ledger.ts';
import { foldPromotions, openPromotion, type Promotion } from './promotion.ts';
import { makeRelease } from './release.ts';

const releaseOf = (hexDigit: string) =>
  makeRelease({
    imageDigest: `sha256:${hexDigit.repeat(64)}`,
    terraformHash: 'f'.repeat(64),
    sourceCommit: 'none',
  });
const A = releaseOf('a');
const B = releaseOf('b');
const ALICE = 'arn:aws:iam::123456789012:user/alice';
const BOB = 'arn:aws:iam::123456789012:user/bob';

type Entry = LedgerPayload | readonly [actor: string, payload: LedgerPayload];

function chain(...entries: readonly Entry[]): readonly LedgerEvent[] {
  const events: LedgerEvent[] = [];
  for (const [index, entry] of entries.entries()) {
    const [actor, payload] = 'type' in entry ? [ALICE, entry] : entry;
    const time = new Date(Date.UTC(2026, 0, 1, 0, index)).toISOString();
    events.push(nextEvent(events.at(-1), { time, actor, payload }));
  }
  return events;
}

const opened = (promotion: string, release = B, kind: Promotion['kind'] = 'promote'): LedgerPayload => ({
  type: 'promotion.opened',
  promotion,
  kind,
  release,
  image: `shop@${release.imageDigest}`,
  from: kind === 'apply' ? 'prod' : 'staging',
  trigger: 'manual',
});
const approved = (promotion: string): LedgerPayload => ({ type: 'promotion.approved', promotion });
const rejected = (promotion: string): LedgerPayload => ({
  type: 'promotion.rejected',
  promotion,
  reason: 'not this week',
});
const superseded = (promotion: string): LedgerPayload => ({
  type: 'promotion.superseded',
  promotion,
  by: A.id,
});
const started = (deployment: string, promotion?: string, release = B): LedgerPayload => ({
  type: 'deployment.started',
  deployment,
  release,
  image: `shop@${release.imageDigest}`,
  kind: promotion === undefined ? 'break-glass' : 'promote',
  ...(promotion === undefined ? {} : { promotion }),
});
const succeeded = (deployment: string): LedgerPayload => ({ type: 'deployment.succeeded', deployment });
const failed = (deployment: string): LedgerPayload => ({
  type: 'deployment.failed',
  deployment,
  cause: 'exit code 1',
  restored: true,
});
const errored = (deployment: string): LedgerPayload => ({
  type: 'deployment.errored',
  deployment,
  cause: 'no quota',
});
const aborted = (deployment: string): LedgerPayload => ({
  type: 'deployment.aborted',
  deployment,
  cause: 'interrupted',
});
const destroyed: LedgerPayload = { type: 'environment.destroyed' };

const statesOf = (events: readonly LedgerEvent[]) =>
  foldPromotions(events).map(({ id, state }) => `${id} ${state}`);

describe('a promotion that was opened', () => {
  it('says what, from where, who and when', () => {
    const events = chain([BOB, opened('p-1')]);
    expect(foldPromotions(events)).toEqual([
      {
        id: 'p-1',
        kind: 'promote',
        release: B,
        image: `shop@${B.imageDigest}`,
        from: 'staging',
        requestedBy: BOB,
        openedAt: '2026-01-01T00:00:00.000Z',
        approvals: [],
        state: 'open',
        reason: undefined,
      },
    ]);
    expect(openPromotion(foldPromotions(events))?.id).toBe('p-1');
  });

  it('keeps the reason of its end', () => {
    expect(foldPromotions(chain(opened('p-1'), rejected('p-1')))[0]?.reason).toBe('not this week');
    expect(foldPromotions(chain(opened('p-1'), superseded('p-1')))[0]?.reason).toBe(A.id);
  });
});

type Case = readonly [
  what: string,
  events: readonly Entry[],
  states: readonly string[],
  open: string | undefined,
];

const ENDS: readonly Case[] = [
  ['no event', [], [], undefined],
  ['rejected', [opened('p-1'), rejected('p-1')], ['p-1 rejected'], undefined],
  ['superseded', [opened('p-1'), superseded('p-1'), opened('p-2', A)], ['p-1 superseded', 'p-2 open'], 'p-2'],
  ['running', [opened('p-1'), started('d-1', 'p-1')], ['p-1 running'], 'p-1'],
  ['succeeded', [opened('p-1'), started('d-1', 'p-1'), succeeded('d-1')], ['p-1 succeeded'], undefined],
  ['failed', [opened('p-1'), started('d-1', 'p-1'), failed('d-1')], ['p-1 failed'], undefined],
  [
    'failed, and asked for again',
    [opened('p-1'), started('d-1', 'p-1'), failed('d-1'), opened('p-2')],
    ['p-1 failed', 'p-2 open'],
    'p-2',
  ],
];

const REOPENED: readonly Case[] = [
  ['errored', [opened('p-1'), started('d-1', 'p-1'), errored('d-1')], ['p-1 open'], 'p-1'],
  ['aborted', [opened('p-1'), started('d-1', 'p-1'), aborted('d-1')], ['p-1 open'], 'p-1'],
  [
    'errored, then made good',
    [opened('p-1'), started('d-1', 'p-1'), errored('d-1'), started('d-2', 'p-1'), succeeded('d-2')],
    ['p-1 succeeded'],
    undefined,
  ],
  [
    'superseded while it ran and errored: it does not come back',
    [
      opened('p-1'),
      started('d-1', 'p-1'),
      superseded('p-1'),
      opened('p-2', A),
      errored('d-1'),
      rejected('p-2'),
    ],
    ['p-1 superseded', 'p-2 rejected'],
    undefined,
  ],
  [
    'superseded while it ran, and it ended well all the same',
    [opened('p-1'), started('d-1', 'p-1'), superseded('p-1'), opened('p-2', A), succeeded('d-1')],
    ['p-1 succeeded', 'p-2 open'],
    'p-2',
  ],
];

const ELSEWHERE: readonly Case[] = [
  [
    'its release came past the ladder',
    [opened('p-1'), started('d-1'), succeeded('d-1')],
    ['p-1 succeeded'],
    undefined,
  ],
  [
    'another release came past the ladder',
    [opened('p-1'), started('d-1', undefined, A), succeeded('d-1')],
    ['p-1 open'],
    'p-1',
  ],
  ['its release failed past the ladder', [opened('p-1'), started('d-1'), failed('d-1')], ['p-1 open'], 'p-1'],
  [
    'its release came past the ladder after it was rejected',
    [opened('p-1'), rejected('p-1'), started('d-1'), succeeded('d-1')],
    ['p-1 rejected'],
    undefined,
  ],
  [
    'the environment was destroyed: it may be built with the release',
    [opened('p-1'), destroyed],
    ['p-1 open'],
    'p-1',
  ],
  ['an outcome of a deployment that never started', [opened('p-1'), succeeded('d-9')], ['p-1 open'], 'p-1'],
  ['events of a promotion that was never opened', [approved('p-9'), rejected('p-9')], [], undefined],
];

const APPLIES: readonly Case[] = [
  [
    'the same release came again',
    [opened('p-1', A, 'apply'), started('d-1', undefined, A), succeeded('d-1')],
    ['p-1 open'],
    'p-1',
  ],
  [
    'another release came: the configuration was asked for with the one before',
    [opened('p-1', A, 'apply'), started('d-1'), succeeded('d-1')],
    ['p-1 superseded'],
    undefined,
  ],
  ['the environment was destroyed', [opened('p-1', A, 'apply'), destroyed], ['p-1 superseded'], undefined],
  [
    'it was carried out',
    [opened('p-1', A, 'apply'), started('d-1', 'p-1', A), succeeded('d-1')],
    ['p-1 succeeded'],
    undefined,
  ],
];

describe('a promotion is', () => {
  it.each([...ENDS, ...REOPENED])('%s', (_what, entries, states, open) => {
    expect(statesOf(chain(...entries))).toEqual(states);
    expect(openPromotion(foldPromotions(chain(...entries)))?.id).toBe(open);
  });
});

describe('what happens elsewhere', () => {
  it.each(ELSEWHERE)('%s', (_what, entries, states, open) => {
    expect(statesOf(chain(...entries))).toEqual(states);
    expect(openPromotion(foldPromotions(chain(...entries)))?.id).toBe(open);
  });
});

describe('a changed configuration that waits, when', () => {
  it.each(APPLIES)('%s', (_what, entries, states, open) => {
    expect(statesOf(chain(...entries))).toEqual(states);
    expect(openPromotion(foldPromotions(chain(...entries)))?.id).toBe(open);
  });

  it('the environment was destroyed says that this ended it', () => {
    const [ended] = foldPromotions(chain(opened('p-1', A, 'apply'), destroyed));
    expect(ended?.reason).toBe('the destruction of the environment');
  });
});

describe('approvals', () => {
  const approvalsOf = (...entries: readonly Entry[]) =>
    foldPromotions(chain(opened('p-1'), ...entries))[0]?.approvals.map(({ by }) => by);

  it('are kept in order, each with its time', () => {
    const events = chain(opened('p-1'), [BOB, approved('p-1')], [ALICE, approved('p-1')]);
    expect(foldPromotions(events)[0]?.approvals).toEqual([
      { by: BOB, at: '2026-01-01T00:01:00.000Z' },
      { by: ALICE, at: '2026-01-01T00:02:00.000Z' },
    ]);
  });

  it('of one person count once, the last of them, whatever the role', () => {
    const bobInARole = 'arn:aws:sts::123456789012:assumed-role/reviewer/bob';
    expect(approvalsOf([BOB, approved('p-1')], [BOB, approved('p-1')])).toEqual([BOB]);
    expect(
      approvalsOf([BOB, approved('p-1')], [ALICE, approved('p-1')], [bobInARole, approved('p-1')]),
    ).toEqual([ALICE, bobInARole]);
  });

  it('are of one promotion, and outlive an error of the machinery', () => {
    expect(approvalsOf([BOB, approved('p-2')])).toEqual([]);
    expect(approvalsOf([BOB, approved('p-1')], started('d-1', 'p-1'), errored('d-1'))).toEqual([BOB]);
    const again = foldPromotions(
      chain(opened('p-1'), [BOB, approved('p-1')], started('d-1', 'p-1'), failed('d-1'), opened('p-2')),
    );
    expect(again.at(-1)).toMatchObject({ id: 'p-2', approvals: [] });
  });
});
