import { describe, expect, it } from 'vitest';
import { createLadderWorld } from '../../../test/fakes/ladder-world.ts';
import { createMemoryCli, type MemoryCli } from '../../../test/fakes/memory-cli.ts';
import { sampleTarget, stableSnapshot } from '../../../test/fakes/sample-snapshot.ts';
import { TowpathError } from '../../domain/errors.ts';

async function deployed(): Promise<MemoryCli> {
  const cli = createMemoryCli();
  await cli.run('deploy', 'test', '--generate-secrets');
  return cli;
}

describe('status', () => {
  it('shows the ladder as a table', async () => {
    const cli = await deployed();
    cli.world.clock.advance(3 * 86_400_000 + 4 * 3_600_000);
    const { exitCode, out } = await cli.run('status');
    expect(exitCode).toBe(0);
    const [target, header, test, prod, end] = out.split('\n');
    expect(target).toBe('test, prod on AWS: account 123456789012, us-east-1, as user/developer');
    expect(header).toMatch(/^environment +release +tasks +zones +health +age +url$/);
    expect(test).toMatch(/^test +r-[0-9a-f]{12} +1\/1 +a:1 +1\/1 healthy +3 d 4 h +http:\/\/shop-test-alb/);
    expect(prod).toMatch(/^prod +not bootstrapped +- +- +-$/);
    expect(end).toBe('');
  });

  it('of one environment lists its tasks by zone, with health and image', async () => {
    const cli = await deployed();
    const digest = cli.world.source.digest;
    cli.world.test.service.play(
      stableSnapshot(digest, {
        count: 2,
        targets: [
          sampleTarget('10.0.0.7'),
          sampleTarget('10.0.1.7', { state: 'unhealthy', description: 'got 404' }),
        ],
      }),
    );
    const { out } = await cli.run('status', 'test');
    expect(out).toMatch(/1\/2 healthy/);
    expect(out).toMatch(/^ {2}us-east-1a {2}task00000000 {2}RUNNING {2}healthy +aaaaaaaaaaaa$/m);
    expect(out).toMatch(/^ {2}us-east-1b {2}task10000000 {2}RUNNING {2}unhealthy: got 404 {2}aaaaaaaaaaaa$/m);
  });

  it('tells a failed last deployment with its cause, and who holds the environment', async () => {
    const cli = await deployed();
    cli.world.source.digest = `sha256:${'b'.repeat(64)}`;
    cli.world.test.terraform.applies.push(async () => {
      throw new TowpathError('TERRAFORM_FAILED', 'no quota');
    });
    await cli.run('deploy', 'test');
    const held = await cli.world.test.cloud.lock.acquire('destroy');
    const { out } = await cli.run('status', 'test');
    expect(out).toMatch(/^last deployment d-\S+ of r-[0-9a-f]{12}: errored: no quota$/m);
    expect(out).toMatch(/^! test: destroy by arn:\S+ \(pid \d+ on \S+, alive\) since 2026-/m);
    await held.release();
  });

  it('shows what waits for approval, who may not give it, and what comes next', async () => {
    const world = createLadderWorld();
    const cli = createMemoryCli({ world });
    await cli.run('deploy', 'test', '--generate-secrets');
    await cli.run('promote', 'qa', '--generate-secrets');
    world.clock.advance(120_000);
    const { id, release } = world.open('qa') ?? { id: '', release: { id: '' } };
    const { out } = await cli.run('status', '--local');
    expect(out).toContain(
      `… qa: ${id} promotes ${release.id}, 0 of 1 approvals, asked for by developer (2 min)\n` +
        '  next: somebody other than developer runs: towpath approve qa --local --as reviewer\n',
    );
  });

  it('shows the alarms that ring, since when and what they mean', async () => {
    const cli = await deployed();
    const since = cli.world.clock.now().toISOString();
    const description = 'A task fails its health check. Read its log.';
    cli.world.test.monitoring.alarms = [{ name: 'shop-test-unhealthy-hosts-alarm', since, description }];
    cli.world.clock.advance(720_000);
    const { out, exitCode } = await cli.run('status');
    expect(exitCode).toBe(0);
    expect(out).toContain(
      'alarm test: shop-test-unhealthy-hosts-alarm (12 min)\n  A task fails its health check.\n',
    );
    expect((await cli.run('status', 'test')).out).toContain(
      '  A task fails its health check. Read its log.\n',
    );
    const [answer] = (await cli.run('status', 'test', '--json')).json();
    expect(answer?.environments).toMatchObject([
      { alarms: [{ name: 'shop-test-unhealthy-hosts-alarm', since, description }] },
    ]);
  });

  it('is shown although the alarms may not be read', async () => {
    const cli = await deployed();
    cli.world.test.monitoring.failure = new TowpathError('ACCESS_DENIED', 'no');
    const { out, exitCode } = await cli.run('status');
    expect(exitCode).toBe(0);
    expect(out).toContain("! test: alarms can't be shown: cloudwatch:DescribeAlarms is not allowed\n");
  });

  it('is shown although CloudWatch fails', async () => {
    const cli = await deployed();
    cli.world.test.monitoring.failure = new TowpathError('AWS_CALL_FAILED', 'CloudWatch is down');
    const { out, exitCode } = await cli.run('status');
    expect(exitCode).toBe(0);
    expect(out).toContain("! test: alarms can't be shown: CloudWatch is down\n");
  });

  it('answers machines with one document, and no events', async () => {
    const cli = await deployed();
    const { json } = await cli.run('status', '--json');
    expect(json()).toEqual([
      {
        environments: [
          expect.objectContaining({
            environment: 'test',
            bootstrapped: true,
            current: expect.objectContaining({ state: 'succeeded' }),
            service: expect.objectContaining({ running: 1 }),
          }),
          { environment: 'prod', bootstrapped: false },
        ],
      },
    ]);
  });
});
