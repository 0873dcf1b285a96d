/** Several environments at once: which, how many at a time, and that one that fails stops none of the others. */
import { describe, expect, it } from 'vitest';
import { createLadderWorld, type LadderWorld, userArn } from '../../test/fakes/ladder-world.ts';
import { sampleEnvironment, sampleProject } from '../../test/fakes/sample-project.ts';
import { TowpathError } from '../domain/errors.ts';
import { deploySeveral } from './deploy.ts';
import { selectSeveral, sideBySide } from './side-by-side.ts';

const LADDER = ['test', 'qa', 'staging', 'prod'] as const;
const project = sampleProject(LADDER.map((name, index) => sampleEnvironment(name, index)));

describe('selectSeveral', () => {
  it.each<readonly [what: string, names: readonly string[], all: boolean, selected: readonly string[]]>([
    ['all of them', [], true, LADDER],
    ['those that are named', ['qa'], false, ['qa']],
    ['in the order of the ladder', ['prod', 'test'], false, ['test', 'prod']],
    ['each once', ['qa', 'qa', 'test', 'qa'], false, ['test', 'qa']],
  ])('%s', (_what, names, all, selected) => expect(selectSeveral(project, names, all)).toEqual(selected));

  it.each<readonly [what: string, names: readonly string[], all: boolean, code: string, message: string]>([
    ['none', [], false, 'USAGE', 'Which environment? The configuration has: test, qa, staging, prod.'],
    ['names and --all', ['qa'], true, 'USAGE', '--all and names (qa) exclude each other.'],
    ['one that is unknown', ['qa', 'prdo'], false, 'UNKNOWN_ENVIRONMENT', 'There is no environment "prdo".'],
  ])('%s is an error', (_what, names, all, code, message) => {
    expect(() => selectSeveral(project, names, all)).toThrow(
      expect.objectContaining({ code, message: expect.stringContaining(message) }),
    );
  });
});

describe('sideBySide', () => {
  it('says first which, and lets each be heard under its own name', async () => {
    const { ports, events } = createLadderWorld();
    await sideBySide(ports, ['test', 'qa'], async (scoped, name) =>
      scoped.notifier.notify({ type: 'note', text: `from ${name}` }),
    );
    expect(events).toEqual([
      { type: 'several', environments: ['test', 'qa'] },
      { type: 'note', text: 'from test', environment: 'test' },
      { type: 'note', text: 'from qa', environment: 'qa' },
    ]);
  });

  it('waits for all, and gives every outcome in order, whichever came first', async () => {
    const { ports } = createLadderWorld();
    const broken = new Error('no quota');
    const outcomes = await sideBySide(ports, LADDER, async (_scoped, name) => {
      const turns = LADDER.length - LADDER.indexOf(name as (typeof LADDER)[number]);
      for (let turn = 0; turn < turns; turn += 1) await new Promise((resolve) => setImmediate(resolve));
      if (name === 'qa') throw broken;
      return name.toUpperCase();
    });
    expect(outcomes).toEqual([
      { environment: 'test', value: 'TEST' },
      { environment: 'qa', error: broken },
      { environment: 'staging', value: 'STAGING' },
      { environment: 'prod', value: 'PROD' },
    ]);
  });

  it('has four at work at most, and begins the next as soon as one has ended', async () => {
    const { ports } = createLadderWorld();
    const names = Array.from({ length: 10 }, (_, index) => `env${index}`);
    let atWork = 0;
    let most = 0;
    const outcomes = await sideBySide(ports, names, async (_scoped, name) => {
      atWork += 1;
      most = Math.max(most, atWork);
      await new Promise((resolve) => setImmediate(resolve));
      atWork -= 1;
      if (name.endsWith('3')) throw new Error('broken');
      return name;
    });
    expect(most).toBe(4);
    expect(outcomes.map(({ environment }) => environment)).toEqual(names);
    expect(outcomes.filter((outcome) => 'error' in outcome)).toHaveLength(1);
  });
});

describe('deploySeveral', () => {
  const options = {
    generateSecrets: true,
    allowDestroy: false,
    breakGlass: 'first bring-up',
    signal: new AbortController().signal,
  };
  const bringUp = (
    world: LadderWorld,
    names: readonly string[] = LADDER,
    changes: Partial<typeof options> = {},
  ) => deploySeveral(world.as('developer').ports, names, { ...options, ...changes });

  it('builds once, and brings the same release up everywhere', async () => {
    const world = createLadderWorld();
    const outcomes = await bringUp(world);
    expect(outcomes.every((outcome) => 'value' in outcome && outcome.value.changed)).toBe(true);
    expect(new Set(LADDER.map((name) => world.current(name))).size).toBe(1);
    expect(world.journal.filter((line) => line === 'build')).toHaveLength(1);
    for (const name of LADDER) expect(world.at(name).lock.holder).toBeUndefined();
  });

  it('leaves no promotion open behind it: what the trigger opened was done by the deployment itself', async () => {
    const world = createLadderWorld();
    await bringUp(world);
    for (const name of LADDER) expect(world.open(name)).toBeUndefined();
  });

  it('goes on with the others when one fails, and says which and why', async () => {
    const world = createLadderWorld();
    world.at('qa').terraform.applies.push(async () => {
      throw new TowpathError('TERRAFORM_FAILED', 'terraform apply failed: no quota.');
    });
    const outcomes = await bringUp(world);
    expect(outcomes.map((outcome) => ('value' in outcome ? 'done' : outcome.error))).toEqual([
      'done',
      expect.objectContaining({ code: 'TERRAFORM_FAILED' }),
      'done',
      'done',
    ]);
    expect(LADDER.map((name) => world.current(name) !== undefined)).toEqual([true, false, true, true]);
    expect(world.types('qa').at(-1)).toBe('deployment.errored');
  });

  it('is loud about every environment past the ladder', async () => {
    const world = createLadderWorld();
    await bringUp(world, ['test', 'qa']);
    expect(world.events.filter(({ type }) => type === 'warning')).toEqual([
      expect.objectContaining({ environment: 'test', text: expect.stringContaining('first bring-up') }),
      expect.objectContaining({ environment: 'qa', text: expect.stringContaining('past the ladder') }),
    ]);
    for (const name of ['test', 'qa'])
      expect(world.at(name).payloads()[0]).toMatchObject({ kind: 'break-glass', reason: 'first bring-up' });
    expect([...world.at('qa').ledger.values()][0]?.actor).toBe(userArn('developer'));
  });

  it.each([
    ['without the reason that the ladder is left for', undefined, 'NOT_THE_FIRST_ENVIRONMENT'],
    ['with an empty one', '  ', 'USAGE'],
  ])('%s touches none of them', async (_what, breakGlass, code) => {
    const world = createLadderWorld();
    await expect(
      deploySeveral(world.as('developer').ports, ['test', 'qa'], { ...options, breakGlass }),
    ).rejects.toMatchObject({ code });
    expect(world.journal).toEqual([]);
  });

  it('names missing secrets before anything is built', async () => {
    const world = createLadderWorld();
    await expect(bringUp(world, LADDER, { generateSecrets: false })).rejects.toMatchObject({
      code: 'SECRET_MISSING',
    });
    expect(world.journal).not.toContain('build');
  });
});
