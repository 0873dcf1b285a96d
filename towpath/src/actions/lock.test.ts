import { getEventListeners } from 'node:events';
import { hostname } from 'node:os';
import { beforeEach, describe, expect, it } from 'vitest';
import { createMemoryWorld, type MemoryWorld } from '../../test/fakes/memory-world.ts';
import type { LockRecord } from '../adapters/aws/lock-record.ts';
import { TowpathError } from '../domain/errors.ts';
import type { StateLock } from '../ports.ts';
import { unlock, withLock } from './lock.ts';

const MINUTE_MS = 60_000;

let world: MemoryWorld;
beforeEach(() => {
  world = createMemoryWorld();
});

/** A holder; without changes one of this very process, which lives. */
function plantHolder(changes: Partial<LockRecord> = {}): LockRecord {
  const now = world.clock.now().toISOString();
  const holder: LockRecord = {
    id: 'lock-of-another',
    operation: 'deploy',
    actor: 'arn:aws:iam::123456789012:user/reviewer',
    host: hostname(),
    pid: process.pid,
    processStart: '',
    since: now,
    renewedAt: now,
    ...changes,
  };
  world.test.lock.holder = holder;
  return holder;
}

/** On this computer, with the number of a process that is another one now. */
const dead = (): Partial<LockRecord> => ({ processStart: 'long ago' });
/** On another computer, silent for some minutes. */
const unknown = (): Partial<LockRecord> => ({
  host: 'elsewhere',
  renewedAt: new Date(world.clock.now().getTime() - 5 * MINUTE_MS).toISOString(),
});

const STATE_LOCK: StateLock = {
  id: 'state-1',
  who: 'somebody@elsewhere',
  operation: 'OperationTypeApply',
  created: '2026-01-01T00:00:00Z',
};

describe('unlock', () => {
  it('says that nobody holds the environment', async () => {
    expect(await unlock(world.ports, 'test', { force: false })).toEqual({
      holder: undefined,
      stateLock: undefined,
      freed: [],
    });
  });

  it('leaves a holder that lives alone, and says who it is', async () => {
    const holder = plantHolder();
    world.test.terraform.lock = STATE_LOCK;
    await expect(unlock(world.ports, 'test', { force: false })).rejects.toMatchObject({
      code: 'LOCK_HOLDER_ALIVE',
      message: expect.stringMatching(new RegExp(`reviewer.*pid ${process.pid}.*${holder.since}.*is alive`)),
      hint: expect.stringContaining('towpath unlock test --force'),
    });
    expect(world.test.lock.holder).toEqual(holder);
    expect(world.test.terraform.lock).toEqual(STATE_LOCK);
  });

  it('leaves a holder that may live on another computer alone', async () => {
    plantHolder(unknown());
    await expect(unlock(world.ports, 'test', { force: false })).rejects.toMatchObject({
      code: 'LOCK_HOLDER_ALIVE',
      message: expect.stringContaining('may still be at work'),
    });
    expect(world.test.lock.holder).toBeDefined();
  });

  it.each([
    ['alive', () => ({})],
    ['unknown', unknown],
  ] as const)('frees one that is %s when forced', async (liveness, changes) => {
    plantHolder(changes());
    expect(await unlock(world.ports, 'test', { force: true })).toMatchObject({
      holder: { liveness },
      freed: ['environment lock'],
    });
    expect(world.test.lock.holder).toBeUndefined();
  });

  it('frees both locks of a dead one, Terraform first', async () => {
    plantHolder(dead());
    world.test.terraform.lock = STATE_LOCK;
    expect(await unlock(world.ports, 'test', { force: false })).toMatchObject({
      holder: { id: 'lock-of-another', liveness: 'dead' },
      stateLock: STATE_LOCK,
      freed: ['state lock', 'environment lock'],
    });
    expect(world.journal).toEqual(['terraform init', 'terraform force-unlock state-1']);
    expect(world.test.lock.holder).toBeUndefined();
    expect(world.test.terraform.lock).toBeUndefined();
  });

  it('waits for a Terraform that outlived its command', async () => {
    plantHolder(dead());
    world.test.terraform.lock = { ...STATE_LOCK, runningPid: 4711 };
    await expect(unlock(world.ports, 'test', { force: false })).rejects.toMatchObject({
      code: 'LOCK_HOLDER_ALIVE',
      message: expect.stringContaining('pid 4711'),
    });
    expect(world.test.lock.holder).toBeDefined();
    const forced = await unlock(world.ports, 'test', { force: true });
    expect(forced.freed).toEqual(['state lock', 'environment lock']);
  });

  it('frees a state lock that nobody of ours holds', async () => {
    world.test.terraform.lock = STATE_LOCK;
    expect((await unlock(world.ports, 'test', { force: false })).freed).toEqual(['state lock']);
  });

  it('knows its environments', async () => {
    await expect(unlock(world.ports, 'live', { force: true })).rejects.toMatchObject({
      code: 'UNKNOWN_ENVIRONMENT',
      hint: 'add it to towpath.config.ts',
    });
  });
});

describe('withLock', () => {
  it.each(['succeeds', 'fails'])('gives the lock back when the work %s', async (how) => {
    const work = withLock(world.ports, world.test.cloud, 'deploy', new AbortController().signal, async () => {
      expect(world.test.lock.holder?.operation).toBe('deploy');
      if (how === 'fails') throw new Error('broken');
      return 'done';
    });
    if (how === 'fails') await expect(work).rejects.toThrow('broken');
    else expect(await work).toBe('done');
    expect(world.test.lock.holder).toBeUndefined();
  });

  it.each(['lost', 'interrupted'])(
    'hands its work a signal for when the lock is lost or the command interrupted: %s',
    async (how) => {
      const loss = new AbortController();
      const { cloud } = world.test;
      const acquire = async (operation: string) => ({
        ...(await cloud.lock.acquire(operation)),
        lost: loss.signal,
      });
      const work = (lost: AbortSignal) =>
        new Promise<never>((_, reject) => {
          lost.addEventListener('abort', () => reject(lost.reason));
        });
      const interrupt = new AbortController();
      const running = withLock(
        world.ports,
        { ...cloud, lock: { ...cloud.lock, acquire } },
        'deploy',
        interrupt.signal,
        work,
      );
      setImmediate(() => (how === 'lost' ? loss : interrupt).abort(new Error(how)));
      await expect(running).rejects.toThrow(how);
      // Who interrupts sees at once that it was heard: Terraform may need a while to end.
      const heard = expect.objectContaining({ text: expect.stringMatching(/^interrupted: /) });
      if (how === 'interrupted') expect(world.events).toContainEqual(heard);
      else expect(world.events).not.toContainEqual(heard);
    },
  );

  it('adds no listener to the signal that all environments side by side share', async () => {
    const { signal } = new AbortController();
    const count = async () => getEventListeners(signal, 'abort').length;
    expect(await withLock(world.ports, world.test.cloud, 'deploy', signal, count)).toBe(0);
  });

  it('tells work that was interrupted because the lock was lost from other failures', async () => {
    const { cloud } = world.test;
    const lost = AbortSignal.abort(new TowpathError('LOCK_LOST', 'somebody took it'));
    const acquire = async (operation: string) => ({ ...(await cloud.lock.acquire(operation)), lost });
    const work = async () => {
      throw new TowpathError('ABORTED', 'terraform apply was interrupted');
    };
    const { signal } = new AbortController();
    await expect(
      withLock(world.ports, { ...cloud, lock: { ...cloud.lock, acquire } }, 'deploy', signal, work),
    ).rejects.toMatchObject({ code: 'LOCK_LOST' });
  });
});
