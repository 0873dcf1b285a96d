/**
 * Keeps the chaos that is active: begins it, ends it when its time is over or when somebody undoes it, and remembers
 * what it did. What an action does is given from outside (`carry-out-chaos.ts`).
 */
import * as z from 'zod';
import type { Clock } from '../contract.ts';
import type { ChaosEntry, ChaosList } from './chaos-entry.ts';
import { ChaosError } from './chaos-error.ts';
import { type ChaosRequest, parseChaos } from './parse-chaos.ts';

/** Active at once; more is a mistake of a script. */
const MAX_ACTIVE = 32;
/** Ended ones that are still shown. */
const MAX_ENDED = 20;

/** An action that has begun. */
export interface BegunChaos {
  /** Asked whenever the entry is shown. */
  did(): ChaosEntry['did'];
  /** Puts things right; absent for what is over at once. */
  readonly undo?: () => void;
  /** It is done to more than tasks and single calls, and goes on after a stop of the embedded AWS, until its end. */
  readonly outlivesStop?: true;
  /** Resolves when it is over by itself before its time, with the reason. Never rejects. */
  readonly over?: Promise<string>;
}

export interface ChaosDeskOptions {
  readonly clock: Clock;
  /** @throws ChaosError */
  readonly begin: (id: string, request: ChaosRequest) => Promise<BegunChaos>;
  readonly log: (line: string) => void;
  /** Told when the snapshot may be another. */
  readonly changed?: () => void;
}

/** What is kept of a chaos that outlives a stop. */
const keptChaos = z.object({
  lastNumber: z.number().int().min(0),
  lasting: z
    .array(
      z.object({ id: z.string(), request: z.unknown(), since: z.iso.datetime(), endsAt: z.iso.datetime() }),
    )
    .max(MAX_ACTIVE),
});

export type KeptChaos = z.infer<typeof keptChaos>;

interface Active {
  readonly request: ChaosRequest;
  readonly entry: Omit<ChaosEntry, 'did'>;
  readonly begun: BegunChaos;
  readonly timer: AbortController;
}

export class ChaosDesk {
  readonly #options: ChaosDeskOptions;
  readonly #active = new Map<string, Active>();
  #ended: ChaosEntry[] = [];
  #lastNumber = 0;
  #beginning = 0;
  #closed = false;
  #kept: KeptChaos['lasting'] = [];

  constructor(options: ChaosDeskOptions) {
    this.#options = options;
  }

  /** @throws ChaosError */
  async start(input: unknown): Promise<ChaosEntry> {
    const request = parseChaos(input);
    if (this.#active.size + this.#beginning >= MAX_ACTIVE)
      throw new ChaosError('refused', `${MAX_ACTIVE} chaos actions are active already; undo some.`);
    this.#lastNumber += 1;
    const id = `c${this.#lastNumber}`;
    this.#beginning += 1;
    try {
      const begun = await this.#options.begin(id, request);
      const now = this.#options.clock.now();
      const seconds = 'forSeconds' in request ? request.forSeconds : 0;
      return this.#enter(id, request, begun, { since: iso(now), endsAt: iso(now + seconds * 1_000) });
    } finally {
      this.#beginning -= 1;
    }
  }

  snapshot(): KeptChaos {
    const lasting = [...this.#active.values()]
      .filter(({ begun }) => begun.outlivesStop)
      .map(({ request, entry: { id, since, endsAt } }) => ({ id, request, since, endsAt }));
    return { lastNumber: this.#lastNumber, lasting: [...this.#kept, ...lasting] };
  }

  /** Before the first start; {@link ChaosDesk.resume} begins again what is not over. @throws ZodError */
  restore(saved: unknown): void {
    const { lastNumber, lasting } = keptChaos.parse(saved);
    this.#lastNumber = lastNumber;
    this.#kept = lasting;
  }

  /** Begins what was restored, for the time that it has left. What can't begin again is told in the log. */
  async resume(): Promise<void> {
    const { clock, begin, log } = this.#options;
    for (const { id, request: saved, since, endsAt } of this.#kept) {
      if (Date.parse(endsAt) <= clock.now()) {
        log(`chaos ${id}: its time was over while the embedded AWS was stopped`);
        continue;
      }
      try {
        const request = parseChaos(saved);
        this.#enter(id, request, await begin(id, request), { since, endsAt });
      } catch (error) {
        log(`chaos ${id} does not go on: ${error instanceof Error ? error.message : String(error)}`);
      }
    }
    this.#kept = [];
  }

  list(): ChaosList {
    return { active: [...this.#active.values()].map(show), ended: this.#ended };
  }

  /** @throws ChaosError when it is not active */
  undo(id: string): ChaosEntry {
    if (this.#active.has(id)) return this.#finish(id, 'undone');
    const before = this.#ended.find((entry) => entry.id === id);
    if (before !== undefined)
      throw new ChaosError('refused', `${id} (${before.action}) has ended: ${before.ended}.`);
    const known = [...this.#active.keys()];
    const active = known.length === 0 ? 'none is active' : `active: ${known.join(', ')}`;
    throw new ChaosError('not-found', `There is no chaos ${JSON.stringify(id)}; ${active}.`);
  }

  /** The last one first. */
  undoAll(how = 'undone'): readonly ChaosEntry[] {
    return [...this.#active.keys()].reverse().map((id) => this.#finish(id, how));
  }

  /** Undoes everything, also what is just beginning. */
  close(): void {
    this.#closed = true;
    this.undoAll('the embedded AWS stopped');
  }

  #enter(
    id: string,
    request: ChaosRequest,
    begun: BegunChaos,
    times: Pick<ChaosEntry, 'since' | 'endsAt'>,
  ): ChaosEntry {
    const { clock, log } = this.#options;
    const { action, ...parameters } = request;
    const entry = { id, action, parameters, ...times };
    log(`chaos ${id}: ${action} ${JSON.stringify(parameters)}: ${begun.did().summary}`);
    if (begun.undo === undefined)
      return this.#remember({ ...entry, did: begun.did(), ended: 'at once; there is nothing to undo' });
    const timer = new AbortController();
    this.#active.set(id, { request, entry, begun, timer });
    if (this.#closed) return this.#finish(id, 'the embedded AWS stopped');
    this.#options.changed?.();
    clock.sleep(Date.parse(times.endsAt) - clock.now(), timer.signal).then(
      () => this.#finishIfActive(id, 'its time was over'),
      () => undefined, // undone before
    );
    void begun.over?.then((reason) => this.#finishIfActive(id, reason));
    return show({ entry, begun });
  }

  #finishIfActive(id: string, how: string): void {
    if (this.#active.has(id)) this.#finish(id, how);
  }

  #finish(id: string, how: string): ChaosEntry {
    const active = this.#active.get(id);
    if (active === undefined) throw new Error(`chaos ${id} is not active`);
    this.#active.delete(id);
    active.timer.abort();
    let ended = how;
    try {
      active.begun.undo?.();
    } catch (error) {
      // The others must still be undone.
      ended = `${how}, but not put right: ${error instanceof Error ? error.message : String(error)}`;
    }
    // What a stop ends here goes on after the next start.
    if (!this.#closed) this.#options.changed?.();
    this.#options.log(`chaos ${id}: ${active.entry.action} ended: ${ended}`);
    return this.#remember({ ...show(active), endsAt: iso(this.#options.clock.now()), ended });
  }

  #remember(entry: ChaosEntry): ChaosEntry {
    this.#ended = [entry, ...this.#ended].slice(0, MAX_ENDED);
    return entry;
  }
}

function show({ entry, begun }: Pick<Active, 'entry' | 'begun'>): ChaosEntry {
  return { ...entry, did: begun.did() };
}

function iso(ms: number): string {
  return new Date(ms).toISOString();
}
