import { describe, expect, it } from 'vitest';
import type { DeploymentRecord, DeploymentState, LedgerState } from './ledger.ts';
import { decideRelease, decideReleaseWindows, ranRelease } from './release-tasks.ts';

const at = (minute: number) => Date.parse('2026-01-01T00:00:00.000Z') + minute * 60_000;

function record(
  release: string,
  started: number,
  ended: number | undefined,
  state: DeploymentState = 'succeeded',
): DeploymentRecord {
  return {
    id: `d-${started}`,
    release: { id: release, imageDigest: `sha256:${release}`, terraformHash: 't', sourceCommit: 'none' },
    image: '',
    kind: 'deploy',
    actor: 'arn',
    startedAt: new Date(at(started)).toISOString(),
    endedAt: ended === undefined ? undefined : new Date(at(ended)).toISOString(),
    state,
    cause: undefined,
  };
}

const window = (from: number, to?: number) => ({ from: at(from), to: to === undefined ? undefined : at(to) });

describe('the windows of a release', () => {
  it.each([
    ['r-a', [record('r-a', 0, 5)], [window(0)]],
    ['r-b', [record('r-a', 0, 5)], []],
    ['r-a', [record('r-a', 0, 5), record('r-b', 10, 15)], [window(0, 10)]],
    ['r-b', [record('r-a', 0, 5), record('r-b', 10, 15, 'failed')], [window(10, 15)]],
    ['r-a', [record('r-a', 0, 5), record('r-b', 10, 15, 'failed')], [window(0, 10), window(15)]],
    ['r-a', [record('r-a', 0, 5), record('r-a', 10, 15)], [window(0)]],
    ['r-b', [record('r-a', 0, 5), record('r-b', 10, undefined, 'running')], [window(10)]],
    ['r-a', [record('r-a', 0, 5, 'errored')], [window(0, 5)]],
    ['r-a', [record('r-a', 0, 5), record('r-b', 10, 15), record('r-a', 20, 25)], [window(0, 10), window(20)]],
  ])('%s #%#', (release, deployments, expected) => {
    expect(decideReleaseWindows(deployments, release)).toEqual(expected);
  });
});

describe('a task', () => {
  const { release } = record('r-a', 0, 5);
  const windows = [window(0, 10)];
  it.each([
    ['started in the window', 5, undefined, true],
    ['started after it', 10, undefined, false],
    ['started in it with another image', 5, 'sha256:r-b', false],
    ['started after it with the image', 12, 'sha256:r-a', true],
  ])('%s', (_name, minute, digest, expected) => {
    const digests = new Map(digest === undefined ? [] : [['x', digest]]);
    expect(ranRelease({ task: 'x', createdAt: at(minute) }, release, windows, digests)).toBe(expected);
  });
});

describe('which release is meant', () => {
  const deployments = [record('r-aa', 0, 5), record('r-ab', 10, 15), record('r-b', 20, 25, 'failed')];
  const ledger: LedgerState = {
    deployments,
    current: deployments[1],
    open: undefined,
    unsettled: undefined,
    last: undefined,
  };
  it.each([
    ['current', 'r-ab'],
    ['previous', 'r-aa'],
    ['r-aa', 'r-aa'],
    ['r-b', 'r-b'],
  ])('%s is %s', (wanted, id) =>
    expect(decideRelease({ name: 'test', position: 0 }, ledger, wanted).id).toBe(id),
  );

  it.each([
    ['r-a', 'UNKNOWN_RELEASE', 'r-aa, r-ab'],
    ['r-x', 'UNKNOWN_RELEASE', 'r-aa, r-ab, r-b'],
  ])('%s is none', (wanted, code, text) => {
    expect(() => decideRelease({ name: 'test', position: 0 }, ledger, wanted)).toThrow(
      expect.objectContaining({ code, message: expect.stringContaining(text) }),
    );
  });

  it('is none where nothing has run', () => {
    const empty = { ...ledger, deployments: [], current: undefined };
    expect(() => decideRelease({ name: 'test', position: 0 }, empty, 'current')).toThrow(
      expect.objectContaining({ code: 'NOT_DEPLOYED' }),
    );
    const first = { ...ledger, deployments: deployments.slice(0, 1) };
    expect(() => decideRelease({ name: 'test', position: 0 }, first, 'previous')).toThrow(
      expect.objectContaining({ code: 'UNKNOWN_RELEASE' }),
    );
  });
});
