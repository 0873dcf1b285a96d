import { beforeEach, describe, expect, it } from 'vitest';
import { ACTOR, createMemoryWorld, type MemoryWorld } from '../../test/fakes/memory-world.ts';
import { type LedgerEvent, type LedgerPayload, nextEvent } from '../domain/ledger.ts';
import { makeRelease } from '../domain/release.ts';
import { history, retell } from './history.ts';

const RELEASE = makeRelease({
  imageDigest: `sha256:${'a'.repeat(64)}`,
  terraformHash: 'b'.repeat(64),
  sourceCommit: 'none',
});
const REVIEWER = 'arn:aws:iam::123456789012:user/reviewer';

/** Events a second apart, or at the times that are given. */
function chain(...entries: readonly (readonly [LedgerPayload, { actor?: string; time?: string }?])[]) {
  const events: LedgerEvent[] = [];
  for (const [payload, { actor = ACTOR, time } = {}] of entries) {
    const regular = new Date(events.length * 1000).toISOString();
    events.push(nextEvent(events.at(-1), { time: time ?? regular, actor, payload }));
  }
  return events;
}

const started = (deployment: string, more: object = {}): LedgerPayload => ({
  type: 'deployment.started',
  deployment,
  release: RELEASE,
  image: 'image',
  kind: 'deploy',
  ...more,
});
const opened: LedgerPayload = {
  type: 'promotion.opened',
  promotion: 'p-1',
  kind: 'promote',
  release: RELEASE,
  image: 'image',
  from: 'test',
  trigger: 'auto',
};

describe('retell', () => {
  it('joins a deployment with its outcome, whatever stands between', () => {
    const entries = retell(
      chain(
        [started('d-1')],
        [started('d-2', { kind: 'break-glass', reason: 'fire' })],
        [{ type: 'deployment.failed', deployment: 'd-1', cause: 'exit code 1', restored: true }],
        [{ type: 'deployment.succeeded', deployment: 'd-2' }],
      ),
    );
    expect(entries).toMatchObject([
      {
        sequence: 1,
        what: 'deploy',
        deployment: 'd-1',
        outcome: 'failed',
        reason: 'exit code 1',
        durationMs: 2000,
      },
      { sequence: 2, what: 'break-glass', outcome: 'succeeded', reason: 'fire', durationMs: 2000 },
    ]);
  });

  it('says that the release before was not restored', () => {
    const failed: LedgerPayload = {
      type: 'deployment.failed',
      deployment: 'd-1',
      cause: 'exit code 1',
      restored: false,
    };
    expect(retell(chain([started('d-1')], [failed]))[0]?.reason).toMatch(
      /^exit code 1 \(.*was not restored\)$/,
    );
  });

  it('shows one without an outcome as running, and an outcome without a beginning as it is', () => {
    const entries = retell(
      chain([{ type: 'deployment.errored', deployment: 'd-0', cause: 'no quota' }], [started('d-1')]),
    );
    expect(entries).toMatchObject([
      { what: 'outcome', outcome: 'errored', reason: 'no quota' },
      { what: 'deploy', outcome: 'running', durationMs: undefined },
    ]);
  });

  it('tells of a promotion who opened and approved it, and with what release', () => {
    const entries = retell(
      chain(
        [opened],
        [{ type: 'promotion.approved', promotion: 'p-1' }, { actor: REVIEWER }],
        [started('d-1', { kind: 'promote', promotion: 'p-1' })],
      ),
    );
    expect(entries).toMatchObject([
      { what: 'promotion opened', from: 'test', trigger: 'auto', approvedBy: [] },
      { what: 'approval', actor: REVIEWER, release: RELEASE.id },
      { what: 'promote', approvedBy: [REVIEWER], release: RELEASE.id },
    ]);
  });

  it('tells rejections, what took a promotion its place, and destroys', () => {
    const entries = retell(
      chain(
        [opened],
        [{ type: 'promotion.rejected', promotion: 'p-1', reason: 'not today' }],
        [{ type: 'promotion.superseded', promotion: 'p-1', by: 'p-2' }],
        [{ type: 'environment.destroyed' }],
      ),
    );
    expect(entries.slice(1)).toMatchObject([
      { what: 'rejection', reason: 'not today', release: RELEASE.id },
      { what: 'promotion superseded', reason: 'by p-2' },
      { what: 'destroy', release: undefined },
    ]);
  });

  it('shows clocks that disagree instead of refusing them, and gives no negative duration', () => {
    const entries = retell(
      chain(
        [started('d-1'), { time: '2026-01-01T12:00:00.000Z' }],
        [{ type: 'deployment.succeeded', deployment: 'd-1' }, { time: '2026-01-01T11:00:00.000Z' }],
        [{ type: 'environment.destroyed' }, { time: '2026-01-01T10:00:00.000Z' }],
      ),
    );
    expect(entries).toMatchObject([
      { sequence: 1, outcome: 'succeeded', durationMs: undefined, clockWentBack: false },
      { sequence: 3, what: 'destroy', clockWentBack: true },
    ]);
  });
});

describe('history', () => {
  let world: MemoryWorld;
  beforeEach(async () => {
    world = createMemoryWorld();
    let last: LedgerEvent | undefined;
    for (const deployment of ['d-1', 'd-2', 'd-3']) {
      last = await world.test.cloud.ledger.append(last, started(deployment));
      last = await world.test.cloud.ledger.append(last, { type: 'deployment.succeeded', deployment });
    }
  });

  it('is newest first, and says how much it left out', async () => {
    const result = await history(world.ports, 'test', { limit: 2, verify: false });
    expect(result).toMatchObject({ environment: 'test', events: 6, earlier: 1, verified: undefined });
    expect(result.entries.map(({ deployment }) => deployment)).toEqual(['d-3', 'd-2']);
  });

  it('is refused for a ledger that somebody changed, and tells what is left of it when it is to be verified', async () => {
    const second = world.test.ledger.get(3);
    if (second) world.test.ledger.set(3, { ...second, actor: REVIEWER });
    await expect(history(world.ports, 'test', { limit: undefined, verify: false })).rejects.toMatchObject({
      code: 'LEDGER_CORRUPT',
    });
    const result = await history(world.ports, 'test', { limit: undefined, verify: true });
    expect(result.entries).toHaveLength(3);
    expect(result.verified).toMatchObject({
      holds: false,
      problems: [{ object: expect.stringContaining('ledger/00000003.json'), message: 'changed' }],
    });
  });

  it('holds when nobody changed it', async () => {
    const result = await history(world.ports, 'test', { limit: undefined, verify: true });
    expect(result.verified).toEqual({ holds: true, problems: [], notes: [] });
  });
});
