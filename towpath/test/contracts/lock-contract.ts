/** What every lock must do, whatever it is kept in. */
import { hostname } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, it, vi } from 'vitest';
import type { LockRecord } from '../../src/adapters/aws/lock-record.ts';
import type { HeldLock, LockPort } from '../../src/ports.ts';

export interface LockHarness {
  /** Somebody who wants the lock that all of this harness share. Renews every `RENEW_EVERY_MS`, stale after `STALE_AFTER_MS`. */
  contender(actor: string): LockPort;
  /** Puts a holder there that never ran. */
  plant(holder: LockRecord): Promise<void>;
  /** From now on no renewal goes through. */
  cutOff(): Promise<void>;
  /** A moment by the contenders' clock, this many milliseconds ago. */
  ago(ms: number): string;
}

export const RENEW_EVERY_MS = 30;
/** The contenders' clock is a tick faster for every look at it, and is looked at for every renewal. */
export const STALE_AFTER_MS = 100;
/** For a holder to find out. */
const LOSS_TIMEOUT_MS = 15_000;
const CONTENDERS = 16;
/** No process has this id: it is above the largest that Linux gives (4 194 304). */
const NO_PROCESS = 2 ** 30;

export function lockContract(open: () => Promise<LockHarness>): void {
  it('is free at first', async () => {
    expect(await (await open()).contender('arn:a').inspect()).toBeUndefined();
  });

  it('shows who holds it, and is free after the release', async () => {
    const harness = await open();
    const held = await harness.contender('arn:a').acquire('deploy');
    const seen = await harness.contender('arn:b').inspect();
    expect(seen).toMatchObject({ holder: { id: held.info.id, since: held.info.since }, liveness: 'alive' });
    expect(seen?.holder).toMatchObject({
      operation: 'deploy',
      actor: 'arn:a',
      host: hostname(),
      pid: process.pid,
    });
    await held.release();
    expect(await harness.contender('arn:b').inspect()).toBeUndefined();
    await (await harness.contender('arn:b').acquire('destroy')).release();
  });

  it('tells the second who holds it, since when and what to do', async () => {
    const harness = await open();
    const held = await harness.contender('arn:first').acquire('deploy');
    const refusal = {
      code: 'LOCK_HELD',
      message: expect.stringMatching(
        new RegExp(`since ${held.info.since} by arn:first \\(deploy\\).*at work`),
      ),
      hint: expect.stringContaining('towpath unlock test'),
    };
    await expect(harness.contender('arn:second').acquire('deploy')).rejects.toMatchObject(refusal);
    await held.release();
  });

  it(`gives it to one of ${CONTENDERS} that want it at once`, async () => {
    const harness = await open();
    const attempts = await Promise.allSettled(
      Array.from({ length: CONTENDERS }, (_, index) => harness.contender(`arn:${index}`).acquire('deploy')),
    );
    const won = attempts.flatMap((attempt) => (attempt.status === 'fulfilled' ? [attempt.value] : []));
    expect(won).toHaveLength(1);
    for (const attempt of attempts) {
      if (attempt.status === 'rejected') expect(attempt.reason).toMatchObject({ code: 'LOCK_HELD' });
    }
    await Promise.all(won.map((held) => held.release()));
  });

  it('is renewed while it is held', async () => {
    const harness = await open();
    const held = await harness.contender('arn:a').acquire('deploy');
    try {
      await vi.waitFor(
        async () => {
          const seen = await harness.contender('arn:b').inspect();
          expect(Date.parse(seen?.holder.renewedAt ?? '')).toBeGreaterThan(Date.parse(held.info.renewedAt));
          expect(seen?.holder.since).toBe(held.info.since);
        },
        { timeout: 5_000, interval: RENEW_EVERY_MS },
      );
    } finally {
      await held.release();
    }
  });

  it('is broken by its id only, and a holder that lost it neither renews nor frees the next one', async () => {
    const harness = await open();
    const first = await harness.contender('arn:a').acquire('deploy');
    await harness.contender('arn:b').break('some-other-id');
    expect((await harness.contender('arn:b').inspect())?.holder.id).toBe(first.info.id);
    await harness.contender('arn:b').break(first.info.id);
    await harness.contender('arn:b').break(first.info.id);
    const second = await harness.contender('arn:b').acquire('deploy');
    await first.release();
    expect((await harness.contender('arn:c').inspect())?.holder).toMatchObject({
      id: second.info.id,
      actor: 'arn:b',
    });
    await second.release();
  });

  it('tells a holder whose lock was broken, once, and why', async () => {
    const harness = await open();
    const held = await harness.contender('arn:a').acquire('deploy');
    expect(held.lost.aborted).toBe(false);
    await harness.contender('arn:b').break(held.info.id);
    const next = await harness.contender('arn:b').acquire('destroy');
    expect(await lossOf(held)).toMatchObject({
      code: 'LOCK_LOST',
      message: expect.stringMatching(/lock of test was taken from this command \(deploy\)/),
      hint: expect.stringContaining('towpath unlock test'),
    });
    expect(next.lost.aborted).toBe(false);
    await held.release();
    await next.release();
  });

  it('tells a holder that could not renew for longer than others wait before they call it stale', async () => {
    const harness = await open();
    const held = await harness.contender('arn:a').acquire('deploy');
    await harness.cutOff();
    expect(await lossOf(held)).toMatchObject({
      code: 'LOCK_LOST',
      message: expect.stringMatching(/could not be renewed/),
      cause: expect.any(Error),
    });
    await held.release().catch(() => undefined);
  });

  it('is not lost by being given back', async () => {
    const harness = await open();
    const held = await harness.contender('arn:a').acquire('deploy');
    await held.release();
    await sleep(RENEW_EVERY_MS * 5);
    expect(held.lost.aborted).toBe(false);
  });

  it('is not taken from a holder that died, but says that it did', async () => {
    const harness = await open();
    const renewedAt = harness.ago(3_600_000);
    await harness.plant({ ...planted, host: hostname(), pid: NO_PROCESS, since: renewedAt, renewedAt });
    const contender = harness.contender('arn:a');
    expect(await contender.inspect()).toMatchObject({ liveness: 'dead' });
    const refusal = {
      code: 'LOCK_HELD',
      message: expect.stringMatching(/is gone/),
      hint: 'towpath unlock test',
    };
    await expect(contender.acquire('deploy')).rejects.toMatchObject(refusal);
    await contender.break(planted.id);
    await (await contender.acquire('deploy')).release();
  });

  it('does not take a new process with an old id for the holder', async () => {
    const harness = await open();
    const now = harness.ago(0);
    await harness.plant({
      ...planted,
      host: hostname(),
      pid: process.pid,
      processStart: '1',
      since: now,
      renewedAt: now,
    });
    expect(await harness.contender('arn:a').inspect()).toMatchObject({ liveness: 'dead' });
  });

  it.each([
    [30_000, 'alive'],
    [120_000, 'unknown'],
    [3_600_000, 'dead'],
  ])('judges a holder on another computer by its last renewal: %i ms ago is %s', async (ageMs, liveness) => {
    const harness = await open();
    const renewedAt = harness.ago(ageMs);
    await harness.plant({ ...planted, host: `${hostname()}-other`, since: renewedAt, renewedAt });
    expect(await harness.contender('arn:a').inspect()).toMatchObject({
      liveness,
      holder: { id: planted.id },
    });
  });
}

async function lossOf(held: HeldLock): Promise<unknown> {
  await vi.waitFor(() => expect(held.lost.aborted).toBe(true), {
    timeout: LOSS_TIMEOUT_MS,
    interval: RENEW_EVERY_MS,
  });
  return held.lost.reason;
}

const planted = { id: 'planted', operation: 'deploy', actor: 'arn:gone', pid: 1, processStart: '1' };
