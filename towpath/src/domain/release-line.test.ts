/** What a rollback goes back to, after deployments and rollbacks of all kinds. */
import { describe, expect, it } from 'vitest';
import type { DeploymentKind, DeploymentRecord, DeploymentState } from './ledger.ts';
import { releaseBefore } from './release-line.ts';

type Step = readonly [release: string, kind?: DeploymentKind, state?: DeploymentState];

const recordOf = ([id, kind = 'promote', state = 'succeeded']: Step, index: number): DeploymentRecord => ({
  id: `d-${index}`,
  release: { id, imageDigest: `sha256:${id}`, terraformHash: '', sourceCommit: 'none' },
  image: id,
  kind,
  actor: 'arn:aws:iam::1:user/alice',
  startedAt: '2026-01-01T00:00:00.000Z',
  endedAt: '2026-01-01T00:01:00.000Z',
  state,
  cause: undefined,
});

describe('releaseBefore', () => {
  it.each<readonly [what: string, steps: readonly Step[], before: string | undefined]>([
    ['nothing', [], undefined],
    ['the first release', [['a']], undefined],
    ['the second', [['a'], ['b']], 'a'],
    ['a release that came twice', [['a'], ['b'], ['b', 'apply']], 'a'],
    ['failures in between', [['a'], ['x', 'promote', 'failed'], ['b'], ['y', 'promote', 'errored']], 'a'],
    ['a rollback: on along the line, not forward again', [['a'], ['b'], ['c'], ['b', 'rollback']], 'a'],
    ['two rollbacks', [['a'], ['b'], ['c'], ['b', 'rollback'], ['a', 'rollback']], undefined],
    ['a rollback over several', [['a'], ['b'], ['c'], ['a', 'rollback']], undefined],
    ['a rollback that failed', [['a'], ['b'], ['a', 'rollback', 'failed']], 'a'],
    ['a rollback, then forward', [['a'], ['b'], ['a', 'rollback'], ['c']], 'a'],
    ['a rollback, then what it had left', [['a'], ['b'], ['a', 'rollback'], ['b']], 'a'],
    ['a rollback to what was left behind', [['a'], ['b'], ['a', 'rollback'], ['b', 'rollback']], 'a'],
    ['an old release promoted again', [['a'], ['b'], ['a']], 'b'],
    ['its rollback, too', [['a'], ['b'], ['a'], ['b', 'rollback']], 'a'],
  ])('after %s', (_what, steps, before) => {
    expect(releaseBefore(steps.map(recordOf))?.release.id).toBe(before);
  });

  it('is the last success of that release', () => {
    const records = ([['a'], ['a', 'apply'], ['b']] as const).map(recordOf);
    expect(releaseBefore(records)?.id).toBe('d-1');
  });
});
