import { describe, expect, it } from 'vitest';
import { createMemoryCli } from '../../../test/fakes/memory-cli.ts';
import { sampleDigest, stableSnapshot } from '../../../test/fakes/sample-snapshot.ts';

/** Half an hour of everything but errors; the service was deployed long ago. */
function measured() {
  const cli = createMemoryCli({ columns: 110 });
  const { test, clock } = cli.world;
  test.service.play(stableSnapshot(sampleDigest('a')));
  clock.advance(30 * 60_000);
  const now = clock.now().getTime();
  const course = (value: (minute: number) => number) =>
    Array.from({ length: 30 }, (_, minute) => ({ at: now - (30 - minute) * 60_000, value: value(minute) }));
  test.monitoring.values.set(
    'cpu',
    course((minute) => minute * 2),
  );
  test.monitoring.values.set(
    'requests',
    course(() => 120),
  );
  test.monitoring.values.set(
    'tasks',
    course(() => 3),
  );
  const seconds = course(() => 0.125);
  test.monitoring.values.set('latencyP95', seconds).set('latencyP50', seconds);
  return cli;
}

describe('metrics', () => {
  it('shows a row with its course for each, and why there is none', async () => {
    const { exitCode, out } = await measured().run('metrics', 'test');
    expect(exitCode).toBe(0);
    const [target, head, cpu, memory, tasks, healthy, requests, errors, own, p50, p95, note, end] =
      out.split('\n');
    expect(target).toMatch(/^test on AWS/);
    expect(head).toMatch(/^ +\d\d:\d\d to \d\d:\d\d UTC +latest +min +max$/);
    expect(cpu).toMatch(/^CPU {12}[▁▂▃▄▅ ]+▅ +58 % +0 % +58 %$/);
    expect(memory).toBe('memory         not reported: no task may be running');
    expect(tasks).toMatch(/^tasks running +█+ +3 +3 +3$/);
    expect(healthy).toMatch(/^tasks healthy +not reported/);
    expect(requests).toMatch(/^requests +█+ +120\/min +120\/min +120\/min$/);
    expect(errors).toMatch(/^5xx of tasks +▁+ +0\/min +0\/min +0\/min$/);
    expect(own).toMatch(/^5xx of ALB +▁+ +0\/min +0\/min +0\/min$/);
    expect(p50).toMatch(/^latency p50 +█+ +125 ms/);
    expect(p95).toMatch(/^latency p95/);
    expect(note).toContain('each mark is 1 min');
    expect(end).toBe('');
  });

  it('answers machines with every point', async () => {
    const [answer] = (await measured().run('metrics', 'test', '--json', '--since', '10m')).json();
    expect(answer).toMatchObject({ environment: 'test', periodSeconds: 60 });
    const rows = answer?.metrics as {
      id: string;
      points: unknown[];
      latest: number | null;
      reason?: string;
    }[];
    const cpu = rows.find(({ id }) => id === 'cpu');
    expect(cpu).toMatchObject({ unit: '%', statistic: 'Average', latest: 58, max: 58 });
    expect(cpu?.points.length).toBeGreaterThan(8);
    expect(cpu?.points[0]).toEqual({ time: expect.stringMatching(/Z$/), value: expect.any(Number) });
    expect(rows.find(({ id }) => id === 'memory')).toMatchObject({
      latest: null,
      points: [],
      reason: expect.stringContaining('not reported'),
    });
  });

  it('says that values are still to come after a deployment, and that nothing runs', async () => {
    const cli = createMemoryCli();
    const none = await cli.run('metrics', 'test');
    expect(none.exitCode).toBe(1);
    expect(none.err).toContain('test runs nothing');
    const createdAt = cli.world.clock.now().toISOString();
    const snapshot = stableSnapshot(sampleDigest('a'));
    const deployments = snapshot.deployments.map((each) => ({ ...each, createdAt }));
    cli.world.test.service.play({ ...snapshot, deployments });
    expect((await cli.run('metrics', 'test')).out).toMatch(/^CPU +not yet: the first values come/m);
  });

  it('refuses a --since that is none', async () => {
    const { exitCode, err } = await createMemoryCli().run('metrics', 'test', '--since', 'soon');
    expect(exitCode).toBe(2);
    expect(err).toContain('--since is "soon"');
  });
});
