import fc from 'fast-check';
import { beforeEach, describe, expect, it } from 'vitest';
import { createMemoryClock } from '../../../test/fakes/memory-clock.ts';
import {
  createMemoryLedgerStore,
  createMemoryWitness,
  type MemoryLedgerStore,
  type MemoryWitness,
} from '../../../test/fakes/memory-ledger-store.ts';
import { hashEvent, type LedgerEvent, nextEvent } from '../../domain/ledger.ts';
import type { ProgressEvent } from '../../domain/progress.ts';
import type { LedgerPort } from '../../ports.ts';
import { keyOfSegment, keyOfSequence } from './ledger-object.ts';
import { parseSegment, renderSegment, stretchAt } from './ledger-segment.ts';
import { createLedger } from './s3-ledger.ts';

const SEGMENT_EVENTS = 5;
const payload = { type: 'environment.destroyed' } as const;

let store: MemoryLedgerStore;
let witness: MemoryWitness;
let told: ProgressEvent[];

beforeEach(() => {
  store = createMemoryLedgerStore();
  witness = createMemoryWitness();
  told = [];
});

/** A process of its own: nothing is cached. */
function open(): LedgerPort {
  return createLedger({
    store,
    witness,
    environment: { name: 'test', stateBucket: 'bucket' },
    clock: createMemoryClock(),
    notifier: { notify: (event) => void told.push(event) },
    identity: async () => 'arn:a',
    segmentEvents: SEGMENT_EVENTS,
  });
}

async function write(count: number): Promise<readonly LedgerEvent[]> {
  const ledger = open();
  let last = (await ledger.load()).at(-1);
  for (let written = 0; written < count; written += 1) last = await ledger.append(last, payload);
  return ledger.load();
}

const addressOf = (sequence: number): string => `s3://bucket/${keyOfSequence(sequence)}`;
const segmentKey = (index: number): string => keyOfSegment(stretchAt(index, SEGMENT_EVENTS));
const rehash = (event: LedgerEvent): LedgerEvent => ({ ...event, hash: hashEvent(event) });
const eventAt = (sequence: number): LedgerEvent =>
  JSON.parse(store.objects.get(keyOfSequence(sequence)) ?? 'null') as LedgerEvent;
const put = (sequence: number, event: LedgerEvent): void =>
  void store.objects.set(keyOfSequence(sequence), JSON.stringify(event));

describe('segments', () => {
  it('are written for each full stretch once an event follows it, and spare the reading of its events', async () => {
    await write(SEGMENT_EVENTS * 2);
    expect(store.objects.has(segmentKey(0))).toBe(true);
    expect(store.objects.has(segmentKey(1))).toBe(false);
    const events = await write(2);
    expect(store.objects.has(segmentKey(1))).toBe(true);
    store.reads.length = 0;
    expect(await open().load()).toEqual(events);
    expect([...store.reads].sort()).toEqual([
      keyOfSequence(11),
      keyOfSequence(12),
      segmentKey(0),
      segmentKey(1),
    ]);
  });

  it('hold what the single objects hold, byte for byte', async () => {
    await write(SEGMENT_EVENTS + 1);
    const singles = [1, 2, 3, 4, 5].map((sequence) => store.objects.get(keyOfSequence(sequence)));
    expect(store.objects.get(segmentKey(0))).toBe(singles.join(''));
  });

  it('that a killed writer left out are written with the next event', async () => {
    await write(SEGMENT_EVENTS * 3 + 1);
    for (const index of [0, 1]) store.objects.delete(segmentKey(index));
    expect(await open().load()).toHaveLength(16);
    await write(1);
    expect([0, 1, 2].every((index) => store.objects.has(segmentKey(index)))).toBe(true);
  });

  it('cost nothing again in the same process', async () => {
    await write(SEGMENT_EVENTS + 2);
    const ledger = open();
    await ledger.load();
    store.reads.length = 0;
    await ledger.load();
    expect(store.reads).toEqual([]);
  });

  it.each<[string, (events: readonly LedgerEvent[]) => string]>([
    [
      'with an event changed',
      (events) => renderSegment(events.map((e, i) => (i === 2 ? { ...e, actor: 'x' } : e))),
    ],
    [
      'with an event changed and hashed anew',
      (events) => renderSegment(events.map((e, i) => (i === 2 ? rehash({ ...e, actor: 'x' }) : e))),
    ],
    ['chained anew from its first event', (events) => renderSegment(forge(events.length))],
    ['without its last event', (events) => renderSegment(events.slice(0, -1))],
    ['with one event too many', (events) => renderSegment([...events, ...events.slice(-1)])],
    [
      'with two events exchanged',
      ([a, b, ...more]) => renderSegment([b, a, ...more].flatMap((e) => e ?? [])),
    ],
    ['without anything in it', () => ''],
    ['that is no JSON', () => 'oops'],
  ])('%s neither hide nor invent an event, and are named', async (_, spoil) => {
    const events = await write(SEGMENT_EVENTS * 2 + 1);
    const good = parseSegment(store.objects.get(segmentKey(0)) ?? '') ?? [];
    store.objects.set(segmentKey(0), spoil(good));
    const ledger = open();
    expect(await ledger.load()).toEqual(events);
    await ledger.load();
    expect(told).toHaveLength(1);
    expect(JSON.stringify(told)).toContain(`s3://bucket/${segmentKey(0)}`);
    expect((await ledger.audit()).problems).toMatchObject([{ object: `s3://bucket/${segmentKey(0)}` }]);
  });

  it('of events that nobody wrote are not believed', async () => {
    const events = await write(3);
    store.objects.set(segmentKey(0), renderSegment(forge(SEGMENT_EVENTS)));
    expect(await open().load()).toEqual(events);
    expect(JSON.stringify(told)).toContain(segmentKey(0));
  });

  it('that are missing are noted by the audit, which holds', async () => {
    await write(SEGMENT_EVENTS * 2 + 1);
    store.objects.delete(segmentKey(0));
    const { problems, notes } = await open().audit();
    expect(problems).toEqual([]);
    expect(notes).toMatchObject([{ object: `s3://bucket/${segmentKey(0)}`, message: /missing/ }]);
  });

  it('hold up no event when they can not be written', async () => {
    const putOnce = store.putOnce;
    store.putOnce = async (key, body) => {
      if (key.includes('segments')) throw new Error('slow down');
      return putOnce(key, body);
    };
    expect(await write(SEGMENT_EVENTS + 2)).toHaveLength(SEGMENT_EVENTS + 2);
    expect(JSON.stringify(told)).toContain('slow down');
  });
});

describe('the witness', () => {
  it.each([0, 3])(
    'finds that the newest event was taken away, with %i before the last segment',
    async (more) => {
      await write(SEGMENT_EVENTS + 1 + more);
      const newest = SEGMENT_EVENTS + 1 + more;
      store.objects.delete(keyOfSequence(newest));
      await expect(open().load()).rejects.toMatchObject({
        code: 'LEDGER_CORRUPT',
        message: expect.stringContaining(`event ${newest} is missing`),
        hint: expect.stringContaining('towpath history test --verify'),
      });
      expect((await open().audit()).problems).toMatchObject([{ object: addressOf(newest) }]);
    },
  );

  it('finds a ledger that was emptied', async () => {
    await write(3);
    store.objects.clear();
    await expect(open().load()).rejects.toMatchObject({ code: 'LEDGER_CORRUPT' });
    const objects = (await open().audit()).problems.map(({ object }) => object);
    expect(objects).toEqual([1, 2, 3].map(addressOf));
  });

  it('finds a ledger that was written anew', async () => {
    await write(3);
    store.objects.clear();
    for (const event of forge(3)) put(event.sequence, event);
    await expect(open().load()).rejects.toMatchObject({
      message: expect.stringMatching(/event 3 is replaced/),
    });
    expect((await open().audit()).problems).toMatchObject([{ object: addressOf(3) }]);
  });

  it('does not take an event that is written meanwhile for one that was taken away', async () => {
    await write(3);
    const { list } = store;
    const { read } = witness;
    // After the listing and before the witness answers, another writer appends.
    const written = new Promise<void>((resolve) => {
      store.list = async (query) => {
        const listed = await list(query);
        if (query.prefix !== 'ledger/') return listed;
        store.list = list;
        witness.read = read;
        await write(1);
        resolve();
        return listed;
      };
    });
    witness.read = () => written.then(read);
    expect(await open().load()).toHaveLength(4);
  });

  it('that lags or can not be reached holds up nothing, and says so', async () => {
    await write(2);
    witness.move = async () => {
      throw new Error('no table today');
    };
    expect(await write(2)).toHaveLength(4);
    expect(JSON.stringify(told)).toContain('no table today');
    expect((await open().audit()).problems).toEqual([]);
  });

  it('that is gone is noted', async () => {
    await write(2);
    witness.testimony = undefined;
    expect(await open().audit()).toMatchObject({ problems: [], notes: [{ object: addressOf(2) }] });
  });
});

/** A chain of its own that holds in itself. */
function forge(count: number): LedgerEvent[] {
  const events: LedgerEvent[] = [];
  for (let index = 0; index < count; index += 1)
    events.push(nextEvent(events.at(-1), { time: 'never', actor: 'arn:forger', payload }));
  return events;
}

type Spoil = (sequence: number, count: number) => readonly number[];

/** Each spoils one object (or exchanges two) and gives the sequences that must be named. */
const SPOILS: Readonly<Record<string, Spoil>> = {
  changed: (sequence) => {
    put(sequence, { ...eventAt(sequence), actor: 'arn:forger' });
    return [sequence];
  },
  'changed and hashed anew': (sequence) => {
    put(sequence, rehash({ ...eventAt(sequence), actor: 'arn:forger' }));
    return [sequence];
  },
  'cut loose and hashed anew': (sequence) => {
    put(sequence, rehash({ ...eventAt(sequence), previous: 'f'.repeat(64) }));
    return [sequence];
  },
  'given another hash': (sequence) => {
    put(sequence, { ...eventAt(sequence), hash: 'f'.repeat(64) });
    return [sequence];
  },
  'made unreadable': (sequence) => {
    store.objects.set(keyOfSequence(sequence), '{"half":');
    return [sequence];
  },
  removed: (sequence) => {
    store.objects.delete(keyOfSequence(sequence));
    return [sequence];
  },
  'exchanged with another': (sequence, count) => {
    const other = (sequence % count) + 1;
    const [one, two] = [eventAt(sequence), eventAt(other)];
    put(sequence, two);
    put(other, one);
    return [sequence, other].sort((a, b) => a - b);
  },
};

describe('any single object', () => {
  it.each(Object.keys(SPOILS))('%s is found and named, and no other', async (name) => {
    const place = fc
      .integer({ min: 2, max: 23 })
      .chain((count) =>
        fc.record({ count: fc.constant(count), sequence: fc.integer({ min: 1, max: count }) }),
      );
    await fc.assert(
      fc.asyncProperty(place, async ({ count, sequence }) => {
        store = createMemoryLedgerStore();
        witness = createMemoryWitness();
        await write(count);
        const expected = SPOILS[name]?.(sequence, count) ?? [];
        const { problems } = await open().audit();
        expect(problems.map(({ object }) => object)).toEqual(expected.map(addressOf));
        // Loading either refuses, or gives what was really written.
        const loaded = await open()
          .load()
          .catch((error: unknown) => error);
        if (Array.isArray(loaded))
          expect(loaded.map((event: LedgerEvent) => event.actor)).not.toContain('arn:forger');
        else expect(loaded).toMatchObject({ code: 'LEDGER_CORRUPT' });
      }),
      { numRuns: 60 },
    );
  });
});
