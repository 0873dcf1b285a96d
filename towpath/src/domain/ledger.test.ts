/** The ledger: canonical JSON, the chain, and what events add up to. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  canonicalJson,
  foldLedger,
  GENESIS,
  hashEvent,
  type LedgerEvent,
  type LedgerPayload,
  MAX_CHAIN_PROBLEMS,
  nextEvent,
  verifyChain,
} from './ledger.ts';
import { makeRelease } from './release.ts';

const release = makeRelease({
  imageDigest: `sha256:${'a'.repeat(64)}`,
  terraformHash: 'b'.repeat(64),
  sourceCommit: 'none',
});

function started(deployment: string, kind: 'deploy' | 'rollback' = 'deploy'): LedgerPayload {
  return { type: 'deployment.started', deployment, release, image: `r@${release.imageDigest}`, kind };
}
const succeeded = (deployment: string): LedgerPayload => ({ type: 'deployment.succeeded', deployment });
const failed = (deployment: string): LedgerPayload => ({
  type: 'deployment.failed',
  deployment,
  cause: 'crashed',
  restored: true,
});

function chain(payloads: readonly LedgerPayload[]): readonly LedgerEvent[] {
  const events: LedgerEvent[] = [];
  for (const [index, payload] of payloads.entries()) {
    const time = new Date(Date.UTC(2026, 0, 1, 0, index)).toISOString();
    events.push(nextEvent(events.at(-1), { time, actor: `arn:aws:iam::1:user/${index}`, payload }));
  }
  return events;
}

const keyed = (events: readonly LedgerEvent[]) => events.map((event) => ({ key: event.sequence, event }));

const payload: fc.Arbitrary<LedgerPayload> = fc.oneof(
  fc.string({ minLength: 1 }).map((id) => started(id)),
  fc.string({ minLength: 1 }).map(succeeded),
  fc.string({ minLength: 1 }).map(failed),
  fc.constant<LedgerPayload>({ type: 'environment.destroyed' }),
);
/** A chain, and a place in it. */
const chainAndPlace = fc
  .array(payload, { minLength: 2, maxLength: 12 })
  .chain((payloads) => fc.tuple(fc.constant(chain(payloads)), fc.nat({ max: payloads.length - 1 })));

describe('canonicalJson', () => {
  it.each([
    [{ b: 1, a: [true, null, 'x'] }, '{"a":[true,null,"x"],"b":1}'],
    [{ a: undefined, b: {} }, '{"b":{}}'],
    ['"\n', '"\\"\\n"'],
  ])('%j', (value, text) => {
    expect(canonicalJson(value)).toBe(text);
  });

  it('keeps the value and does not depend on the order of keys', () => {
    fc.assert(
      fc.property(fc.jsonValue(), (value) => {
        const parsed: unknown = JSON.parse(JSON.stringify(value));
        expect(JSON.parse(canonicalJson(parsed))).toEqual(parsed);
        expect(canonicalJson(reversed(parsed))).toBe(canonicalJson(parsed));
      }),
    );
  });

  function reversed(value: unknown): unknown {
    if (Array.isArray(value)) return value.map(reversed);
    if (value === null || typeof value !== 'object') return value;
    const entries = Object.entries(value).reverse();
    return Object.fromEntries(entries.map(([key, entry]) => [key, reversed(entry)]));
  }
});

describe('the chain', () => {
  it('begins at 1 with the genesis hash, and each event names the one before', () => {
    const events = chain([started('1'), succeeded('1'), started('2')]);
    expect(events.map(({ sequence }) => sequence)).toEqual([1, 2, 3]);
    expect(events.map(({ previous }) => previous)).toEqual([GENESIS, events[0]?.hash, events[1]?.hash]);
  });

  it('holds for what nextEvent wrote', () => {
    fc.assert(
      fc.property(fc.array(payload, { maxLength: 12 }), (payloads) => {
        expect(verifyChain(keyed(chain(payloads)))).toEqual([]);
      }),
    );
  });

  it.each<[string, (event: LedgerEvent) => LedgerEvent]>([
    ['time', (event) => ({ ...event, time: '2020-01-01T00:00:00.000Z' })],
    ['actor', (event) => ({ ...event, actor: 'somebody else' })],
    ['payload', (event) => ({ ...event, payload: succeeded('something else entirely') })],
    ['previous', (event) => ({ ...event, previous: 'f'.repeat(64) })],
    ['sequence', (event) => ({ ...event, sequence: event.sequence + 1 })],
    ['hash', (event) => ({ ...event, hash: 'f'.repeat(64) })],
  ])('shows a change of %s, wherever it is', (_, change) => {
    fc.assert(
      fc.property(chainAndPlace, ([events, place]) => {
        const changed = keyed(events).map(({ key, event }, index) => ({
          key,
          event: index === place ? change(event) : event,
        }));
        fc.pre(canonicalJson(changed) !== canonicalJson(keyed(events)));
        expect(verifyChain(changed)).toContainEqual({ sequence: place + 1, problem: 'changed' });
      }),
    );
  });

  it('shows a change whose hash was made to fit, unless it is the last event', () => {
    fc.assert(
      fc.property(chainAndPlace, ([events, place]) => {
        fc.pre(place < events.length - 1);
        const forged = keyed(events).map(({ key, event }, index) => {
          const changed = { ...event, actor: 'somebody else' };
          return { key, event: index === place ? { ...changed, hash: hashEvent(changed) } : event };
        });
        expect(verifyChain(forged)).toEqual([{ sequence: place + 2, problem: 'broken link' }]);
      }),
    );
  });

  it('shows a removal, unless it is the last event', () => {
    fc.assert(
      fc.property(chainAndPlace, ([events, place]) => {
        fc.pre(place < events.length - 1);
        expect(verifyChain(keyed(events).filter((_, index) => index !== place))).toEqual([
          { sequence: place + 1, problem: 'missing' },
        ]);
      }),
    );
  });

  it('shows two events that changed places', () => {
    fc.assert(
      fc.property(chainAndPlace, fc.nat(), ([events, place], step) => {
        const other = (place + 1 + (step % (events.length - 1))) % events.length;
        const swapped = events.map((event, index) => {
          const from = index === place ? other : index === other ? place : index;
          return { key: index + 1, event: events[from] ?? event };
        });
        const found = verifyChain(swapped);
        expect(found).toContainEqual({ sequence: place + 1, problem: 'reordered' });
        expect(found).toContainEqual({ sequence: other + 1, problem: 'reordered' });
      }),
    );
  });

  it('stops at a limit when a key lies far beyond the end', () => {
    const [first] = chain([started('1')]);
    if (!first) throw new Error('one event expected');
    const found = verifyChain([
      { key: 1, event: first },
      { key: 99_999_999, event: first },
    ]);
    expect(found).toHaveLength(MAX_CHAIN_PROBLEMS);
    expect(found[0]).toEqual({ sequence: 2, problem: 'missing' });
  });

  it('shows a chain closed up after a removal', () => {
    const [first, , third] = chain([started('1'), succeeded('1'), started('2')]);
    if (!first || !third) throw new Error('three events expected');
    const renumbered = { ...third, sequence: 2 };
    const closed = { ...renumbered, hash: hashEvent(renumbered) };
    expect(verifyChain(keyed([first, closed]))).toEqual([{ sequence: 2, problem: 'broken link' }]);
  });
});

describe('foldLedger', () => {
  const aborted = (deployment: string): LedgerPayload => ({
    type: 'deployment.aborted',
    deployment,
    cause: 'Ctrl-C',
  });
  const errored = (deployment: string): LedgerPayload => ({
    type: 'deployment.errored',
    deployment,
    cause: 'no network',
  });
  const destroyed: LedgerPayload = { type: 'environment.destroyed' };

  it.each<[string, readonly LedgerPayload[], string | undefined, string | undefined, readonly string[]]>([
    ['nothing', [], undefined, undefined, []],
    ['an intent', [started('1')], undefined, '1', ['running']],
    ['a success', [started('1'), succeeded('1')], '1', undefined, ['succeeded']],
    [
      'a success, then an intent',
      [started('1'), succeeded('1'), started('2')],
      '1',
      '2',
      ['succeeded', 'running'],
    ],
    [
      'a failure keeps the one before',
      [started('1'), succeeded('1'), started('2'), failed('2')],
      '1',
      undefined,
      ['succeeded', 'failed'],
    ],
    [
      'an error keeps the one before',
      [started('1'), succeeded('1'), started('2'), errored('2')],
      '1',
      undefined,
      ['succeeded', 'errored'],
    ],
    [
      'an abort keeps the one before',
      [started('1'), succeeded('1'), started('2'), aborted('2')],
      '1',
      undefined,
      ['succeeded', 'aborted'],
    ],
    [
      'a rollback is a success of its own',
      [started('1'), succeeded('1'), started('2', 'rollback'), succeeded('2')],
      '2',
      undefined,
      ['succeeded', 'succeeded'],
    ],
    [
      'destroy forgets what should run',
      [started('1'), succeeded('1'), destroyed],
      undefined,
      undefined,
      ['succeeded'],
    ],
    [
      'a deployment after destroy',
      [started('1'), succeeded('1'), destroyed, started('2'), succeeded('2')],
      '2',
      undefined,
      ['succeeded', 'succeeded'],
    ],
    ['an outcome without an intent changes nothing', [succeeded('9')], undefined, undefined, []],
  ])('%s', (_, payloads, current, open, states) => {
    const state = foldLedger(chain(payloads));
    expect(state.current?.id).toBe(current);
    expect(state.open?.id).toBe(open);
    expect(state.deployments.map((deployment) => deployment.state)).toEqual(states);
    expect(state.last?.sequence).toBe(payloads.length === 0 ? undefined : payloads.length);
  });

  it('keeps who, when, which release and why', () => {
    const [record] = foldLedger(chain([started('1'), failed('1')])).deployments;
    expect(record).toEqual({
      id: '1',
      release,
      image: `r@${release.imageDigest}`,
      kind: 'deploy',
      actor: 'arn:aws:iam::1:user/0',
      startedAt: '2026-01-01T00:00:00.000Z',
      endedAt: '2026-01-01T00:01:00.000Z',
      state: 'failed',
      cause: 'crashed',
    });
  });
});
