/** What every ledger must do, whatever it is kept in. */
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, it } from 'vitest';
import { GENESIS, type LedgerEvent, type LedgerPayload, verifyChain } from '../../src/domain/ledger.ts';
import type { LedgerPort } from '../../src/ports.ts';

export interface LedgerHarness {
  /** A writer on a ledger that all writers of this harness share. */
  writer(actor: string): LedgerPort;
  /** Replaces an event behind the ledger's back, or takes it away. */
  tamper(sequence: number, event: LedgerEvent | undefined): Promise<void>;
}

export interface LedgerContract {
  open(): Promise<LedgerHarness>;
  readonly timeoutMs: number;
  /** Longest wait of a writer that lost a race, milliseconds: what keeps a slow store from being overrun. */
  readonly maxBackoffMs: number;
}

const WRITERS = 64;
/** Each with a view of its own on the ledger, as separate processes have; the writers are spread over them. */
const PROCESSES = 8;
/** A writer that loses every race still comes last: one round for each other writer. */
const MAX_ROUNDS = WRITERS * 2;

const succeeded = (deployment: string): LedgerPayload => ({ type: 'deployment.succeeded', deployment });

/** @param place of the writer among all; waits differ from writer to writer and round to round, so that they part */
async function appendUntilWritten(
  ledger: LedgerPort,
  payload: LedgerPayload,
  place: number,
  maxBackoffMs: number,
): Promise<LedgerEvent> {
  for (let round = 0; round < MAX_ROUNDS; round += 1) {
    const events = await ledger.load();
    try {
      return await ledger.append(events.at(-1), payload);
    } catch (error) {
      if (!(error instanceof Error && 'code' in error && error.code === 'LEDGER_RACE')) throw error;
      if (maxBackoffMs > 0)
        await sleep((maxBackoffMs * (1 + ((place * 37 + round * 23) % WRITERS))) / WRITERS);
    }
  }
  throw new Error(`lost ${MAX_ROUNDS} races in a row`);
}

export function ledgerContract({ open, timeoutMs, maxBackoffMs }: LedgerContract): void {
  it('is empty at first', async () => {
    const ledger = (await open()).writer('arn:a');
    expect(await ledger.load()).toEqual([]);
  });

  it('gives back in order what was appended, by whom, chained', async () => {
    const harness = await open();
    const first = await harness.writer('arn:a').append(undefined, succeeded('d-1'));
    const second = await harness.writer('arn:b').append(first, { type: 'environment.destroyed' });
    const events = await harness.writer('arn:c').load();
    expect(events).toEqual([first, second]);
    expect(events.map(({ sequence, actor, previous }) => ({ sequence, actor, previous }))).toEqual([
      { sequence: 1, actor: 'arn:a', previous: GENESIS },
      { sequence: 2, actor: 'arn:b', previous: first.hash },
    ]);
    expect(Date.parse(second.time)).toBeGreaterThan(Date.parse(first.time));
  });

  it('[s3.if-none-match] lets one writer know that another was faster, and keeps what that one wrote', async () => {
    const harness = await open();
    const winner = await harness.writer('arn:a').append(undefined, succeeded('d-1'));
    await expect(harness.writer('arn:b').append(undefined, succeeded('d-2'))).rejects.toMatchObject({
      code: 'LEDGER_RACE',
    });
    expect(await harness.writer('arn:b').load()).toEqual([winner]);
  });

  it('takes two equal events of one writer for two', async () => {
    const harness = await open();
    const payload: LedgerPayload = { type: 'environment.destroyed' };
    const outcomes = await Promise.allSettled([
      harness.writer('arn:a').append(undefined, payload),
      harness.writer('arn:a').append(undefined, payload),
    ]);
    expect(outcomes.map(({ status }) => status).sort()).toEqual(['fulfilled', 'rejected']);
  });

  it(
    `loses nothing when ${WRITERS} write at once`,
    async () => {
      const harness = await open();
      const names = Array.from({ length: WRITERS }, (_, index) => `d-${index}`);
      const processes = Array.from({ length: PROCESSES }, (_, index) => harness.writer(`arn:${index}`));
      const written = await Promise.all(
        processes.flatMap((ledger, process) =>
          names
            .filter((_, index) => index % PROCESSES === process)
            .map((name, index) => {
              const place = index * PROCESSES + process;
              return appendUntilWritten(ledger, succeeded(name), place, maxBackoffMs);
            }),
        ),
      );
      const events = await harness.writer('arn:reader').load();
      expect(verifyChain(events.map((event) => ({ key: event.sequence, event })))).toEqual([]);
      expect(events.map(({ sequence }) => sequence)).toEqual(names.map((_, index) => index + 1));
      const deployments = events.map(({ payload }) => ('deployment' in payload ? payload.deployment : ''));
      expect(new Set(deployments)).toEqual(new Set(names));
      expect([...written].sort((a, b) => a.sequence - b.sequence)).toEqual(events);
    },
    timeoutMs,
  );

  it('says which event was changed, and does not hide it behind what it read before', async () => {
    const harness = await open();
    const ledger = harness.writer('arn:a');
    const first = await ledger.append(undefined, succeeded('d-1'));
    await ledger.append(first, succeeded('d-2'));
    await ledger.load();
    await harness.tamper(1, { ...first, actor: 'arn:somebody-else' });
    const failure = { code: 'LEDGER_CORRUPT', message: expect.stringMatching(/event 1 is changed/) };
    await expect(ledger.load()).rejects.toMatchObject(failure);
  });

  it('says which events are missing', async () => {
    const harness = await open();
    const ledger = harness.writer('arn:a');
    const first = await ledger.append(undefined, succeeded('d-1'));
    const second = await ledger.append(first, succeeded('d-2'));
    await ledger.append(second, succeeded('d-3'));
    await harness.tamper(2, undefined);
    const failure = { code: 'LEDGER_CORRUPT', message: expect.stringMatching(/event 2 is missing/) };
    await expect(ledger.load()).rejects.toMatchObject(failure);
  });
}
