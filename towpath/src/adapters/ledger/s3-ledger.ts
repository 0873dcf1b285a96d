/**
 * The ledger in the environment's state bucket. Objects `ledger/<8-digit sequence>.json` hold one event each and
 * are the authority; S3 refuses a second write of a key, so that racing writers lose nothing. Segments
 * (`ledger-segment.ts`) make reading fast, the witness (`ledger-witness.ts`) knows where the ledger ends.
 * Times are those of the writers' clocks: they may go backwards, and the order of the events is that of their keys.
 */
import { TowpathError } from '../../domain/errors.ts';
import { type LedgerEvent, nextEvent } from '../../domain/ledger.ts';
import type { Environment, Project } from '../../domain/project.ts';
import type { Clock, LedgerPort, Notifier, Random } from '../../ports.ts';
import type { Session } from '../aws/session.ts';
import { auditLedger } from './audit-ledger.ts';
import { keyOfSegment, keyOfSequence, LEDGER_PREFIX, renderLedgerObject } from './ledger-object.ts';
import { renderSegment, SEGMENT_EVENTS, stretchAt } from './ledger-segment.ts';
import { createLedgerStore, type LedgerStore } from './ledger-store.ts';
import { createLedgerWitness, type LedgerWitness, type Testimony } from './ledger-witness.ts';
import { createLedgerCache, type LoadedLedger, loadLedger } from './load-ledger.ts';

/** A ledger from before there were segments gets all of them with its next few events. */
const MAX_SEALS_PER_APPEND = 8;
/** Problems that an error's message tells; the others are in its list. */
const MAX_TOLD_PROBLEMS = 5;

export interface S3LedgerOptions {
  readonly session: Session;
  readonly project: Project;
  readonly environment: Environment;
  readonly clock: Clock;
  readonly random: Random;
  readonly notifier: Notifier;
  /** STS ARN of the writer. */
  readonly identity: () => Promise<string>;
}

export function createS3Ledger(options: S3LedgerOptions): LedgerPort {
  return createLedger({
    ...options,
    store: createLedgerStore(options),
    witness: createLedgerWitness(options),
  });
}

export interface LedgerOptions {
  readonly store: LedgerStore;
  readonly witness: LedgerWitness;
  readonly environment: Pick<Environment, 'name' | 'stateBucket'>;
  readonly clock: Clock;
  readonly notifier: Notifier;
  readonly identity: () => Promise<string>;
  /** Events in a segment; the same for all writers of a ledger. */
  readonly segmentEvents?: number;
}

export function createLedger(options: LedgerOptions): LedgerPort {
  const { store, witness } = options;
  const segmentEvents = options.segmentEvents ?? SEGMENT_EVENTS;
  const cache = createLedgerCache();
  const named = new Set<string>();
  /** All events and the sealed stretches, as this ledger last saw them: what segments are made from. */
  let known: { readonly events: LedgerEvent[]; readonly sealed: Set<number> } | undefined;
  return {
    async load() {
      const [testimony, first] = await Promise.all([witness.read(), loadLedger(store, cache, segmentEvents)]);
      // An event may have been written between the two answers; one that the witness knew before must be listed after.
      const loaded = disagrees(first, testimony) ? await loadLedger(store, cache, segmentEvents) : first;
      assertWhole(options, loaded, testimony);
      for (const key of loaded.badSegments) {
        if (!named.has(key)) warnOfSegment(options, key);
        named.add(key);
      }
      const events = loaded.keyed.map(({ event }) => event);
      known = { events: [...events], sealed: new Set(loaded.sealed) };
      return events;
    },
    async append(last, payload) {
      const event = nextEvent(last, {
        time: options.clock.now().toISOString(),
        actor: await options.identity(),
        payload,
      });
      await write(options, event);
      const after: Promise<void>[] = [moveWitness(options, event)];
      if (known !== undefined && known.events.at(-1)?.hash === last?.hash) {
        known.events.push(event);
        after.push(sealDue(options, segmentEvents, known));
      }
      await Promise.all(after);
      return event;
    },
    async audit() {
      const testimony = await witness.read();
      return auditLedger({ store, segmentEvents, testimony });
    },
  };
}

function disagrees({ keyed }: LoadedLedger, testimony: Testimony | undefined): boolean {
  if (testimony === undefined) return false;
  return keyed.at(testimony.sequence - 1)?.event.hash !== testimony.hash;
}

function assertWhole(options: LedgerOptions, loaded: LoadedLedger, testimony: Testimony | undefined): void {
  const { environment, store } = options;
  const problems: { readonly sequence: number; readonly problem: string }[] = [...loaded.problems];
  if (problems.length === 0 && testimony !== undefined && disagrees(loaded, testimony)) {
    const problem = testimony.sequence > loaded.keyed.length ? 'missing' : 'replaced';
    problems.push({ sequence: testimony.sequence, problem });
  }
  if (problems.length === 0) return;
  const told = problems
    .slice(0, MAX_TOLD_PROBLEMS)
    .map(({ sequence, problem }) => `event ${sequence} is ${problem}`);
  const more = problems.length > told.length ? ` and ${problems.length - told.length} more` : '';
  throw new TowpathError(
    'LEDGER_CORRUPT',
    `The ledger of ${environment.name} does not hold: ${told.join(', ')}${more}`,
    {
      hint: `${verifyHint(options)} names each object at fault; aws s3api list-object-versions --bucket ${environment.stateBucket} --prefix ${LEDGER_PREFIX} shows what was there`,
      problems: problems.map(({ sequence, problem }) => ({
        path: store.addressOf(keyOfSequence(sequence)),
        message: problem,
      })),
    },
  );
}

/** Returns when the event stands in the ledger. @throws {TowpathError} `LEDGER_RACE` when another took its place */
async function write({ store, environment }: LedgerOptions, event: LedgerEvent): Promise<void> {
  const outcome = await store.putOnce(keyOfSequence(event.sequence), renderLedgerObject(event));
  if (outcome === 'written') return;
  throw new TowpathError(
    'LEDGER_RACE',
    `Somebody else wrote event ${event.sequence} of ${environment.name} first`,
    { hint: 'run the same command again: it reads the ledger and decides anew' },
  );
}

/** The event stands already: a witness that can't be moved now is moved with the next event. */
async function moveWitness(options: LedgerOptions, event: LedgerEvent): Promise<void> {
  try {
    await options.witness.move(event);
  } catch (error) {
    note(options, `event ${event.sequence} is written, but its witness is not: ${messageOf(error)}`);
  }
}

/** Writes the segments that full stretches lack. A stretch is full when an event follows it, which proves it. */
async function sealDue(
  options: LedgerOptions,
  segmentEvents: number,
  known: { readonly events: readonly LedgerEvent[]; readonly sealed: Set<number> },
): Promise<void> {
  const full = Math.floor((known.events.length - 1) / segmentEvents);
  const due = Array.from({ length: full }, (_, index) => index).filter((index) => !known.sealed.has(index));
  const seals = due.slice(0, MAX_SEALS_PER_APPEND).map(async (index) => {
    const stretch = stretchAt(index, segmentEvents);
    const events = known.events.slice(stretch.first - 1, stretch.last);
    try {
      // `taken`: another writer made the same one.
      await options.store.putOnce(keyOfSegment(stretch), renderSegment(events));
      known.sealed.add(index);
    } catch (error) {
      note(options, `${keyOfSegment(stretch)} is written with the next event: ${messageOf(error)}`);
    }
  });
  await Promise.all(seals);
}

function warnOfSegment(options: LedgerOptions, key: string): void {
  const { notifier, environment, store } = options;
  notifier.notify({
    type: 'warning',
    text: `ledger of ${environment.name}: ${store.addressOf(key)} does not say what its events say; they were read one by one instead`,
    hint: verifyHint(options),
  });
}

function note({ notifier, environment }: LedgerOptions, text: string): void {
  notifier.notify({ type: 'note', text: `ledger of ${environment.name}: ${text}` });
}

function verifyHint({ environment }: LedgerOptions): string {
  return `towpath history ${environment.name} --verify`;
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
