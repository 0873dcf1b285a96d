import { describe, expect, it } from 'vitest';
import { createMemoryWorld, type MemoryWorld } from '../../test/fakes/memory-world.ts';
import { sampleDigest, sampleTask, stableSnapshot } from '../../test/fakes/sample-snapshot.ts';
import { TowpathError } from '../domain/errors.ts';
import type { LogEvent } from '../domain/log-event.ts';
import { deploy } from './deploy.ts';
import { type LogsOptions, logs } from './logs.ts';

const minutes = 60_000;

function look(world: MemoryWorld, options: Partial<LogsOptions> = {}) {
  const shown: LogEvent[] = [];
  const result = logs(world.ports, 'test', {
    from: undefined,
    to: undefined,
    filter: undefined,
    task: undefined,
    release: undefined,
    limit: undefined,
    follow: false,
    show: (events) => void shown.push(...events),
    signal: new AbortController().signal,
    ...options,
  });
  const messages = () => shown.map(({ message }) => message);
  return { result, messages };
}

const noteTexts = (world: MemoryWorld) =>
  world.events.flatMap((event) => (event.type === 'note' || event.type === 'warning' ? [event.text] : []));

describe('logs', () => {
  it('shows the last ten minutes in order, and where it looks', async () => {
    const world = createMemoryWorld();
    const now = world.clock.now().getTime();
    const { logs: store } = world.test;
    store.pageSize = 2;
    store.write('b', now - 2_000, 'three');
    store.write('a', now - 11 * minutes, 'too old');
    store.write('a', now - 3_000, 'one');
    store.write('b', now - 2_500, 'two');
    const { result, messages } = look(world);
    expect(await result).toMatchObject({ environment: 'test', lines: 3, earlier: 0 });
    expect(messages()).toEqual(['one', 'two', 'three']);
    expect(world.events[0]).toMatchObject({ type: 'target', environment: 'test' });
  });

  it('shows the newest when there are more than the limit, and says so', async () => {
    const world = createMemoryWorld();
    const now = world.clock.now().getTime();
    for (let index = 0; index < 50; index += 1) world.test.logs.write('a', now - 100 + index, `${index}`);
    world.test.logs.pageSize = 7;
    const { result, messages } = look(world, { limit: 3 });
    expect(await result).toMatchObject({ lines: 3, earlier: 47 });
    expect(messages()).toEqual(['47', '48', '49']);
    expect(noteTexts(world).join()).toContain('47 earlier lines are not shown');
  });

  it('says that nothing was found, and where it would look further', async () => {
    const world = createMemoryWorld();
    await look(world, { filter: 'boom' }).result;
    expect(noteTexts(world).join()).toMatch(/^no lines with "boom" since \S+Z; an earlier --since/);
  });

  it('stops reading a log that has no end', async () => {
    const world = createMemoryWorld();
    world.test.logs.pageSize = 1;
    const now = world.clock.now().getTime();
    for (let index = 0; index < 400; index += 1) world.test.logs.write('a', now - 1_000 + index, `${index}`);
    const { result, messages } = look(world);
    await result;
    expect(messages()).toHaveLength(300);
    expect(noteTexts(world).join()).toContain('only the beginning was read');
  });

  it('knows no task that has not logged, and no log where nothing runs', async () => {
    const world = createMemoryWorld();
    world.test.logs.write('abc', 0, 'x');
    await expect(look(world, { task: 'b' }).result).rejects.toMatchObject({
      code: 'UNKNOWN_TASK',
      hint: 'the last that did: abc',
    });
    await look(world, { task: 'a' }).result;
    world.test.logs.exists = false;
    await expect(look(world).result).rejects.toMatchObject({ code: 'NOT_DEPLOYED' });
    await expect(look(world, { release: 'current' }).result).rejects.toMatchObject({ code: 'NOT_DEPLOYED' });
  });
});

describe('logs of a release', () => {
  /** Two releases, one after the other, each with a task that logged in its time; ECS knows the second alone. */
  async function twice() {
    const world = createMemoryWorld();
    const options = {
      generateSecrets: true,
      allowDestroy: false,
      breakGlass: undefined,
      signal: new AbortController().signal,
    };
    const write = (task: string) => {
      world.test.logs.write(task, world.clock.now().getTime(), `from ${task}`);
      world.clock.advance(60 * minutes);
    };
    const { release: first } = await deploy(world.ports, 'test', options);
    write('first');
    world.source.digest = sampleDigest('b');
    const { release: second } = await deploy(world.ports, 'test', options);
    write('second');
    const tasks = [sampleTask(0, second.imageDigest, { id: 'second' })];
    world.test.service.play(stableSnapshot(second.imageDigest, { tasks }));
    return { world, first, second };
  }

  it.each([
    ['current', 'from second'],
    ['previous', 'from first'],
  ])('%s: %s, since it began to be deployed', async (release, expected) => {
    const { world } = await twice();
    const { result, messages } = look(world, { release });
    await result;
    expect(messages()).toEqual([expected]);
  });

  it('by id, and in a window of its own', async () => {
    const { world, first } = await twice();
    const { result, messages } = look(world, {
      release: first.id.slice(0, 6),
      from: world.clock.now().getTime(),
    });
    expect(await result).toMatchObject({ release: first.id });
    expect(messages()).toEqual([]);
  });

  it('follows tasks that start later', async () => {
    const { world, second } = await twice();
    const controller = new AbortController();
    const now = world.clock.now().getTime();
    let reads = 0;
    world.test.logs.beforeRead = () => {
      reads += 1;
      if (reads === 3) {
        world.test.logs.write('third', now + 1_000, 'of the release');
        world.test.logs.write('other', now + 1_000, 'of another');
        const tasks = [
          sampleTask(0, second.imageDigest, { id: 'third' }),
          sampleTask(1, sampleDigest('c'), { id: 'other' }),
        ];
        world.test.service.play(stableSnapshot(second.imageDigest, { tasks }));
      }
      if (reads === 6) controller.abort(new Error('Ctrl-C'));
    };
    const { result, messages } = look(world, { release: 'current', follow: true, signal: controller.signal });
    await result;
    expect(messages()).toEqual(['from second', 'of the release']);
  });
});

describe('logs --follow', () => {
  /** Plays what happens before each look. */
  function follow(world: MemoryWorld, ...steps: readonly (() => void)[]) {
    const controller = new AbortController();
    let reads = 0;
    world.test.logs.beforeRead = () => {
      const step = steps[reads];
      reads += 1;
      if (step === undefined) controller.abort(new Error('Ctrl-C'));
      step?.();
    };
    return look(world, { follow: true, signal: controller.signal });
  }

  it('shows each line once, also one that comes late, and ends well', async () => {
    const world = createMemoryWorld();
    const { logs: store } = world.test;
    const now = world.clock.now().getTime();
    const { result, messages } = follow(
      world,
      () => store.write('a', now - 100, 'was there'),
      () => store.write('a', now, 'new'),
      () => store.write('b', now - 20_000, 'late'),
      () => undefined,
    );
    expect(await result).toMatchObject({ lines: 3 });
    expect(messages()).toEqual(['was there', 'new', 'late']);
  });

  it('shows nothing from before --since, and misses nothing behind a line from the future', async () => {
    const world = createMemoryWorld();
    const { logs: store } = world.test;
    const now = world.clock.now().getTime();
    store.write('a', now - 11 * minutes, 'old');
    const { result, messages } = follow(
      world,
      () => store.write('a', now + 60 * minutes, 'from the future'),
      () => store.write('a', now - 1_000, 'now'),
      () => undefined,
    );
    await result;
    expect(messages()).toEqual(['from the future', 'now']);
  });

  it('goes on after trouble that passes, and tells of it once', async () => {
    const world = createMemoryWorld();
    const expired = () => {
      throw new TowpathError('CREDENTIALS_EXPIRED', 'The AWS credentials have expired', {
        hint: 'aws sso login',
      });
    };
    const now = world.clock.now().getTime();
    const { result, messages } = follow(
      world,
      () => undefined,
      expired,
      expired,
      expired,
      () => world.test.logs.write('a', now, 'back'),
      () => undefined,
    );
    await result;
    expect(messages()).toEqual(['back']);
    const texts = noteTexts(world);
    expect(texts.filter((text) => text.includes('have expired; trying again'))).toHaveLength(1);
    expect(texts).toContain('the log goes on');
  });

  it('gives up trouble that lasts, and what will not pass at once', async () => {
    const world = createMemoryWorld();
    let failure = new TowpathError('AWS_UNREACHABLE', 'no answer');
    let reads = 0;
    world.test.logs.beforeRead = () => {
      reads += 1;
      if (reads > 1) throw failure;
    };
    const before = world.clock.now().getTime();
    await expect(look(world, { follow: true }).result).rejects.toBe(failure);
    expect(world.clock.now().getTime() - before).toBeGreaterThan(15 * minutes);
    failure = new TowpathError('ACCESS_DENIED', 'no');
    reads = 0;
    await expect(look(world, { follow: true }).result).rejects.toBe(failure);
    expect(reads).toBe(2);
  });
});
