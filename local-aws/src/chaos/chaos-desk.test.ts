import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createWorld, isSettled, serviceInput, type World } from '../ecs/test/world.ts';
import type { ApiCall } from '../gateway/api-call.ts';
import { ApiFaults } from './api-faults.ts';
import { createChaosActions } from './carry-out-chaos.ts';
import { ChaosDesk } from './chaos-desk.ts';

const ZONE = 'us-east-1b';
const STOP_MS = 120_000;
const ZONES = ['us-east-1a', ZONE, 'us-east-1c'];
const SSM: ApiCall = { service: 'ssm', action: 'GetParameter', accessKeyId: 'AKIADEV', protocol: 'json' };

let world: World;
let desk: ChaosDesk;
let openDesk: () => ChaosDesk;
let faults: ApiFaults;
let fillings: string[];

beforeEach(() => {
  world = createWorld();
  faults = new ApiFaults(world.clock);
  fillings = [];
  const { ecs, clock } = world;
  const platform = {
    zones: ecs.zones,
    zoneNames: async () => ZONES,
    environments: () => ecs.status(),
    findTask: (reference: string) => {
      const found = ecs.findTask(reference);
      if (!found?.running) return found;
      const fillMemory = () => {
        fillings.push('begun');
        return { stop: () => void fillings.push('stopped') };
      };
      return { record: found.record, running: { ...found.running, fillMemory } };
    },
    interruptSpot: ecs.interruptSpot,
    accessKeyOf: (identity: string) => (identity === 'developer' ? 'AKIADEV' : 'AKIAREV'),
  };
  const begin = createChaosActions(platform, faults, () => 1);
  openDesk = () => new ChaosDesk({ clock, begin, log: (line) => void world.logs.push(line) });
  desk = openDesk();
});
afterEach(async () => {
  desk.close();
  const stopped = world.ecs.stop();
  // Those that were frozen once may be on their way out.
  await world.clock.advance(STOP_MS);
  await stopped;
});

async function settledService(changes = {}): Promise<void> {
  const revision = world.control.define('shop', 'registry/shop:one');
  await world.call('CreateService', serviceInput(revision, changes));
  await world.until(isSettled);
}
const frozen = () => world.driver.alive().filter((process) => process.frozen);
const answer = async (call: ApiCall = SSM): Promise<string> => {
  try {
    await faults.admit(call);
    return 'passed';
  } catch (error) {
    return (error as { code?: string }).code ?? String(error);
  }
};

describe('a zone that is down', () => {
  it('ends by itself: the tasks are back in three zones', async () => {
    await settledService();
    const entry = await desk.start({ action: 'zone-down', zone: ZONE, forSeconds: 300 });
    expect(entry).toMatchObject({
      id: 'c1',
      action: 'zone-down',
      parameters: { zone: ZONE, forSeconds: 300 },
      did: { summary: 'us-east-1b is down; 1 task there', tasks: [expect.any(String)] },
    });
    expect(Date.parse(entry.endsAt) - Date.parse(entry.since)).toBe(300_000);
    expect(desk.list().active).toEqual([entry]);
    await world.until((service) => service.runningCount === 4);
    await world.until(isSettled);
    await world.until(() => world.driver.alive().length === 3);
    expect(world.ecs.status()[0]?.tasks.every(({ zone }) => zone !== ZONE)).toBe(true);
    await world.clock.advance(420_000);
    expect(desk.list()).toMatchObject({
      active: [],
      ended: [
        { id: 'c1', ended: 'its time was over', did: { summary: expect.stringContaining('was down') } },
      ],
    });
    expect(
      world.ecs
        .status()[0]
        ?.tasks.map(({ zone }) => zone)
        .sort(),
    ).toEqual(ZONES);
  });

  it('is up again when it is undone; twice is once too often', async () => {
    await settledService();
    await desk.start({ action: 'zone-down', zone: ZONE });
    await expect(desk.start({ action: 'zone-down', zone: ZONE })).rejects.toMatchObject({ kind: 'refused' });
    expect(desk.undo('c1')).toMatchObject({ id: 'c1', ended: 'undone' });
    expect([frozen(), world.ecs.zones.list()]).toEqual([[], []]);
    expect(() => desk.undo('c1')).toThrow('c1 (zone-down) has ended: undone.');
    expect(() => desk.undo('c9')).toThrow('There is no chaos "c9"; none is active.');
  });

  it('must be one of the region', async () => {
    await expect(desk.start({ action: 'zone-down', zone: 'us-east-1' })).rejects.toMatchObject({
      kind: 'not-found',
      message: expect.stringContaining('did you mean "us-east-1a"? There are: us-east-1a, us-east-1b'),
    });
  });
});

describe('a task', () => {
  it('is killed at once, and replaced', async () => {
    await settledService();
    const entry = await desk.start({ action: 'kill-task', environment: 'test', seed: 3 });
    expect(entry.ended).toBe('at once; there is nothing to undo');
    expect(world.driver.alive()).toHaveLength(2);
    expect(desk.list()).toEqual({ active: [], ended: [entry] });
    await world.clock.advance(1_000);
    await world.until(isSettled);
    expect(world.driver.alive()).toHaveLength(3);
  });

  it('is frozen until it is undone, by the beginning of its id or of whoever it is', async () => {
    await settledService();
    const [id = ''] = world.ecs.status()[0]?.tasks.map((task) => task.id) ?? [];
    await desk.start({ action: 'freeze-task', environment: 'test', task: id.slice(0, 10) });
    expect(frozen().map(({ spec }) => spec.taskId)).toEqual([id]);
    await expect(desk.start({ action: 'freeze-task', task: id })).rejects.toThrow('frozen already (c1)');
    desk.undo('c1');
    expect(frozen()).toEqual([]);
    await desk.start({ action: 'freeze-task', service: 'shop', task: id, forSeconds: 1 });
    await world.clock.advance(1_001);
    expect([frozen(), desk.list().active]).toEqual([[], []]);
  });

  it('that is frozen for itself stays so when its zone comes back, and the other way round', async () => {
    await settledService({ loadBalancers: [] });
    const task = world.ecs.status()[0]?.tasks.find(({ zone }) => zone === ZONE)?.id;
    const freeze = await desk.start({ action: 'freeze-task', task });
    const down = await desk.start({ action: 'zone-down', zone: ZONE });
    desk.undo(down.id);
    expect(frozen()).toHaveLength(1);
    const again = await desk.start({ action: 'zone-down', zone: ZONE });
    desk.undo(freeze.id);
    expect(frozen()).toHaveLength(1);
    desk.undo(again.id);
    expect(frozen()).toEqual([]);
  });

  it('that ends takes its chaos with it', async () => {
    await settledService();
    await desk.start({ action: 'fill-memory', environment: 'test', seed: 1 });
    const [hit] = desk.list().active[0]?.did.tasks ?? [];
    expect(fillings).toEqual(['begun']);
    const victim = world.driver.processes.find(({ spec }) => spec.taskId === hit);
    victim?.exit({ exitCode: 137, signal: 'SIGKILL', reason: 'OutOfMemoryError' });
    await world.clock.advance(1);
    expect(desk.list()).toMatchObject({ active: [], ended: [{ ended: 'the task ended: OutOfMemoryError' }] });
    expect(fillings).toEqual(['begun', 'stopped']);
  });

  it.each([
    [{ environment: 'tset' }, 'not-found', 'No environment "tset" runs here; did you mean "test"?'],
    [
      { environment: 'test', service: 'shp' },
      'not-found',
      'No service "shp" runs here; did you mean "shop"?',
    ],
    [{ environment: 'test', task: 'zz' }, 'not-found', 'No running task of test begins with "zz"'],
    [{ task: 'zz' }, 'not-found', 'There is no task "zz"'],
  ])('that is not there: %j', async (target, kind, message) => {
    await settledService();
    const failure = desk.start({ action: 'kill-task', ...target });
    await expect(failure).rejects.toMatchObject({ kind, message: expect.stringContaining(message) });
    expect(world.driver.alive()).toHaveLength(3);
  });

  it('gets its notice on Spot only', async () => {
    await settledService();
    const spot = { action: 'interrupt-spot', environment: 'test' };
    await expect(desk.start(spot)).rejects.toMatchObject({ kind: 'refused' });
    const [task] = world.ecs.status()[0]?.tasks ?? [];
    await expect(desk.start({ action: 'interrupt-spot', task: task?.id })).rejects.toMatchObject({
      kind: 'invalid',
      message: expect.stringContaining('only FARGATE_SPOT is interrupted'),
    });
  });

  it('on Spot is replaced after the notice', async () => {
    const capacityProviderStrategy = [{ capacityProvider: 'FARGATE_SPOT', weight: 1 }];
    await settledService({ capacityProviderStrategy });
    const entry = await desk.start({ action: 'interrupt-spot', environment: 'test' });
    expect(entry.did.tasks).toHaveLength(3);
    await world.clock.advance(1_000);
    await world.until(isSettled);
    const reasons = (await world.tasks()).flatMap(({ stoppedReason }) => stoppedReason ?? []);
    expect(reasons.filter((reason) => /spot/i.test(reason))).toHaveLength(3);
  });
});

describe('calls', () => {
  it('fail in the share that the seed says, and are counted', async () => {
    const chaos = { action: 'fail-api', service: 'ssm', share: 0.3, seed: 42 };
    const first = await desk.start(chaos);
    const outcomes = [];
    for (let i = 0; i < 40; i += 1) outcomes.push(await answer());
    const hit = outcomes.filter((outcome) => outcome === 'InternalServerError').length;
    expect(hit).toBeGreaterThan(4);
    expect(hit).toBeLessThan(20);
    expect(desk.list().active[0]?.did).toEqual({
      summary: `${hit} of 40 calls refused (seed 42)`,
      calls: { matched: 40, hit },
    });
    desk.undo(first.id);
    expect(await answer()).toBe('passed');
    await desk.start(chaos);
    const again = [];
    for (let i = 0; i < 40; i += 1) again.push(await answer());
    expect(again).toEqual(outcomes);
  });

  it('are slowed down, and go on at once when that is undone', async () => {
    await desk.start({ action: 'slow-api', service: 'ssm', delayMs: 500 });
    const done: number[] = [];
    const begun = world.clock.now();
    const call = () => answer().then(() => void done.push(world.clock.now() - begun));
    const first = call();
    await world.clock.advance(499);
    expect(done).toEqual([]);
    await world.clock.advance(1);
    await first;
    const second = call();
    await world.clock.advance(100);
    desk.undoAll();
    await second;
    expect(done).toEqual([500, 600]);
  });

  it('are refused for keys that have expired, and for none else', async () => {
    await desk.start({ action: 'expire-credentials', identity: 'developer' });
    expect(await answer()).toBe('ExpiredTokenException');
    expect(await answer({ ...SSM, service: 'sts', protocol: 'query' })).toBe('ExpiredToken');
    expect(await answer({ ...SSM, accessKeyId: 'AKIAREV' })).toBe('passed');
  });

  it('beyond the rate are throttled', async () => {
    await desk.start({ action: 'throttle-api', service: 'ssm' });
    expect([await answer(), await answer()]).toEqual(['passed', 'ThrottlingException']);
    await world.clock.advance(1_000);
    expect([await answer(), await answer()]).toEqual(['passed', 'ThrottlingException']);
  });
});

describe('the desk', () => {
  it('takes so many at once, and forgets the oldest of those that ended', async () => {
    for (let i = 0; i < 32; i += 1) await desk.start({ action: 'throttle-api', service: 'ssm' });
    const more = desk.start({ action: 'throttle-api', service: 'ssm' });
    await expect(more).rejects.toMatchObject({ kind: 'refused' });
    expect(desk.undoAll().map(({ id }) => id)[0]).toBe('c32');
    expect(desk.list().ended).toHaveLength(20);
    expect(await answer()).toBe('passed');
  });

  it('undoes everything when it closes, also what was just beginning', async () => {
    await settledService();
    await desk.start({ action: 'freeze-task', environment: 'test' });
    const beginning = desk.start({ action: 'zone-down', zone: ZONE });
    desk.close();
    expect(await beginning).toMatchObject({ ended: 'the embedded AWS stopped' });
    expect([frozen(), world.ecs.zones.list(), desk.list().active]).toEqual([[], [], []]);
  });

  /** As after a stop and a start of the embedded AWS. */
  async function reopen(stoppedMs: number): Promise<void> {
    const saved = JSON.stringify(desk.snapshot());
    desk.close();
    await world.clock.advance(stoppedMs);
    desk = openDesk();
    desk.restore(JSON.parse(saved));
    expect(desk.snapshot()).toEqual(JSON.parse(saved));
    await desk.resume();
  }

  it('goes on with a zone that is down after a stop, until the end that it was given', async () => {
    await settledService();
    await desk.start({ action: 'freeze-task', environment: 'test' });
    const outage = await desk.start({ action: 'zone-down', zone: ZONE, forSeconds: 600 });
    await world.clock.advance(100_000);
    await reopen(200_000);
    expect(world.ecs.zones.list()).toEqual([ZONE]);
    expect(desk.list().active).toMatchObject([{ id: outage.id, since: outage.since, endsAt: outage.endsAt }]);
    await world.clock.advance(299_000);
    expect(world.ecs.zones.list()).toEqual([ZONE]);
    await world.clock.advance(2_000);
    expect(world.ecs.zones.list()).toEqual([]);
    expect((await desk.start({ action: 'throttle-api', service: 'ssm' })).id).toBe('c3');
  });

  it('does not take a zone down again whose time was over, or that is no more', async () => {
    await desk.start({ action: 'zone-down', zone: ZONE, forSeconds: 60 });
    await reopen(60_000);
    expect(world.ecs.zones.list()).toEqual([]);
    await desk.start({ action: 'zone-down', zone: ZONE, forSeconds: 60 });
    ZONES.splice(ZONES.indexOf(ZONE), 1);
    await reopen(1_000);
    ZONES.push(ZONE);
    expect([world.ecs.zones.list(), desk.list().active]).toEqual([[], []]);
    expect(world.logs.at(-1)).toMatch(/^chaos c2 does not go on: There is no zone "us-east-1b"/);
    for (const wrong of [{}, { lastNumber: 1, lasting: [{ id: 'c1' }] }])
      expect(() => desk.restore(wrong)).toThrow();
  });
});
