/** How evidence is gathered: what is asked, how often, and what becomes of answers that do not come. */
import { describe, expect, it } from 'vitest';
import { sampleSettings } from '../../test/fakes/sample-settings.ts';
import {
  givenUpSnapshot,
  sampleDigest,
  sampleTask,
  startingSnapshot,
} from '../../test/fakes/sample-snapshot.ts';
import { TowpathError } from '../domain/errors.ts';
import type { StateLock } from '../ports.ts';
import { createProgressExplainer, explainError, explainFailure, explainProgress } from './explain-failure.ts';

const DIGEST = sampleDigest('b');
const NOW = new Date('2026-01-01T01:00:00.000Z');

function source(options: { readonly log?: readonly string[]; readonly broken?: boolean } = {}) {
  const asked: string[] = [];
  const answer = async <T>(what: string, value: T): Promise<T> => {
    asked.push(what);
    if (options.broken) throw new TowpathError('ACCESS_DENIED', 'no');
    return value;
  };
  const log = options.log ?? ['boot', 'Error: no config'];
  return {
    asked,
    cloud: {
      service: {
        settings: () => answer('settings', sampleSettings()),
        taskLog: (_id: string, lines: number) => answer('log', log.slice(-lines)),
      },
    },
  };
}

describe('after the fact', () => {
  it('names the cause, the next step and the last log lines', async () => {
    const lines = Array.from({ length: 40 }, (_, index) => `line ${index}`);
    const found = await explainFailure(
      source({ log: lines }).cloud,
      givenUpSnapshot(DIGEST),
      DIGEST,
      'given up',
    );
    expect(found).toMatchObject({ kind: 'crash-at-start', hint: expect.stringContaining('deploy again') });
    expect(found.log).toEqual(lines.slice(-12));
  });

  it('does with what it gets when AWS refuses the rest', async () => {
    const found = await explainFailure(
      source({ broken: true }).cloud,
      givenUpSnapshot(DIGEST),
      DIGEST,
      'given up',
    );
    expect(found).toMatchObject({ kind: 'crash-at-start', log: [] });
  });

  it('falls back to the reason it was given', async () => {
    const snapshot = startingSnapshot(DIGEST);
    const found = await explainFailure(source().cloud, snapshot, DIGEST, 'not stable within 300 s');
    expect(found).toMatchObject({ kind: 'unknown', cause: 'not stable within 300 s', log: [] });
  });
});

describe('while it happens', () => {
  it('asks nothing while there is no trouble', async () => {
    const { cloud, asked } = source();
    expect(await explainProgress(cloud, startingSnapshot(DIGEST), DIGEST, NOW)).toBeUndefined();
    expect(asked).toEqual([]);
  });

  it('explains the first task that fails, once, and keeps it', async () => {
    const { cloud, asked } = source();
    const look = createProgressExplainer(cloud, DIGEST);
    expect(await look(startingSnapshot(DIGEST), NOW)).toBeUndefined();
    const failing = startingSnapshot(DIGEST, { stopped: givenUpSnapshot(DIGEST).stopped });
    const found = await look(failing, NOW);
    expect(found).toMatchObject({ kind: 'crash-at-start' });
    expect(await look(failing, NOW)).toBe(found);
    expect(asked).toEqual(['settings', 'log']);
  });

  it('keeps a guess to itself, reads the settings once, and gives up asking at last', async () => {
    const { cloud, asked } = source({ log: [] });
    const look = createProgressExplainer(cloud, DIGEST);
    const stopped = [sampleTask(1, DIGEST, { status: 'STOPPED', stoppedReason: 'Something new' })];
    for (let i = 0; i < 100; i += 1)
      expect(await look(startingSnapshot(DIGEST, { stopped }), NOW)).toBeUndefined();
    expect(asked.filter((what) => what === 'settings')).toHaveLength(1);
    expect(asked.filter((what) => what === 'log')).toHaveLength(60);
  });

  it('never fails its watcher', async () => {
    const look = createProgressExplainer(source({ broken: true }).cloud, DIGEST);
    expect(await look(givenUpSnapshot(DIGEST), NOW)).toMatchObject({ kind: 'crash-at-start' });
  });
});

describe('an error before any task', () => {
  const lock: StateLock = {
    id: '7',
    who: 'ann@laptop',
    operation: 'OperationTypeApply',
    created: '2026-01-01',
  };
  const terraform = (stateLock: StateLock | undefined) => ({
    terraform: { stateLock: async () => stateLock },
  });
  const locked = new TowpathError('STATE_LOCKED', 'locked');

  it('is explained by the lock that is held', async () => {
    expect(await explainError(terraform(lock), locked, 'qa')).toMatchObject({
      kind: 'state-locked',
      hint: 'towpath unlock qa',
    });
  });

  it('is left alone when the lock is gone, or it is of another kind', async () => {
    expect(await explainError(terraform(undefined), locked, 'qa')).toBeUndefined();
    expect(await explainError(terraform(lock), new TowpathError('ABORTED', 'x'), 'qa')).toBeUndefined();
  });
});
