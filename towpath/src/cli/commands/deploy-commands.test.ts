import { describe, expect, it } from 'vitest';
import { createMemoryCli, type MemoryCli } from '../../../test/fakes/memory-cli.ts';
import { createMemoryWorld } from '../../../test/fakes/memory-world.ts';
import { sampleEnvironment } from '../../../test/fakes/sample-project.ts';
import { SAMPLE_URL } from '../../../test/fakes/sample-snapshot.ts';
import { TowpathError } from '../../domain/errors.ts';

async function deployed(options?: Parameters<typeof createMemoryCli>[0]): Promise<MemoryCli> {
  const cli = createMemoryCli(options);
  expect((await cli.run('deploy', 'test', '--generate-secrets')).exitCode).toBe(0);
  return cli;
}

describe('deploy', () => {
  it('tells people target, stages, plan, release, tasks and the address', async () => {
    const { exitCode, out, err } = await createMemoryCli().run('deploy', 'test', '--generate-secrets');
    expect(exitCode).toBe(0);
    expect(err).toBe('');
    const lines = out.split('\n');
    expect(lines[0]).toBe('test on AWS: account 123456789012, us-east-1, as user/developer');
    expect(lines).toContain('  secret app-secret: generated (32 random bytes)');
    expect(lines).toContain('  plan: 3 to add, 0 to change, 0 to destroy');
    expect(lines).toContain('  tasks 1/1 running · us-east-1a 1 running · targets 1 healthy');
    for (const stage of ['bootstrap', 'build', 'terraform init', 'plan', 'apply', 'verify'])
      expect(out).toMatch(new RegExp(`^✓ ${stage} [\\d.]+ s`, 'm'));
    expect(out).toMatch(new RegExp(`✓ test now runs r-[0-9a-f]{12}\n  ${SAMPLE_URL}/\n$`));
  });

  it('says on the embedded AWS where that is', async () => {
    const cli = createMemoryCli({ world: createMemoryWorld({ target: 'local' }) });
    const { out } = await cli.run('deploy', 'test', '--local', '--generate-secrets');
    expect(out).toMatch(/^test on embedded AWS at http:\/\/127\.0\.0\.1:4566: account/);
  });

  it('streams one JSON object a line, the result last', async () => {
    const { exitCode, json, err } = await createMemoryCli().run(
      'deploy',
      'test',
      '--generate-secrets',
      '--json',
    );
    expect(exitCode).toBe(0);
    expect(err).toBe('');
    const types = json().map(({ type }) => type);
    for (const type of ['target', 'note', 'stage.start', 'stage.end', 'terraform.plan', 'release', 'rollout'])
      expect(types).toContain(type);
    expect(json().at(-1)).toMatchObject({
      type: 'result',
      environment: 'test',
      url: SAMPLE_URL,
      changed: true,
    });
  });

  it('again says that it already ran', async () => {
    const { exitCode, out } = await (await deployed()).run('deploy', 'test');
    expect(exitCode).toBe(0);
    expect(out).toMatch(/✓ test already ran r-/);
  });

  it('without a terminal asks nothing and names the missing secret', async () => {
    const { exitCode, err } = await createMemoryCli().run('deploy', 'test');
    expect(exitCode).toBe(2);
    expect(err).toContain('test has no value for: app-secret.');
    expect(err).toContain('next: towpath secret set test app-secret');
  });

  it('that fails says so on standard error and ends with 1', async () => {
    const cli = await deployed();
    cli.world.source.broken = new TowpathError('BUILD_FAILED', 'npm run build ended with 1.', {
      context: ["error TS2304: Cannot find name 'x'."],
    });
    const { exitCode, out, err } = await cli.run('deploy', 'test');
    expect(exitCode).toBe(1);
    expect(out).toMatch(/^✗ build /m);
    expect(err).toBe("✗ npm run build ended with 1.\n  │ error TS2304: Cannot find name 'x'.\n");
  });

  it('passes --break-glass on with its reason', async () => {
    const cli = createMemoryCli();
    expect((await cli.run('deploy', 'prod', '--generate-secrets')).exitCode).toBe(2);
    const run = await cli.run('deploy', 'prod', '--generate-secrets', '--break-glass', 'the shop is down');
    expect(run.exitCode).toBe(0);
    expect(cli.world.at('prod').payloads()[0]).toMatchObject({ reason: 'the shop is down' });
  });
});

describe('secrets', () => {
  it('are in no line of any format', async () => {
    const cli = createMemoryCli({ stdin: 'hunter-2-is-a-secret\n' });
    let seen = '';
    for (const format of [[], ['--json'], ['--verbose']]) {
      for (const args of [
        ['secret', 'set', 'test', 'app-secret', '--stdin'],
        ['deploy', 'test'],
        ['plan', 'test', '--from-source'],
        ['secret', 'list', 'test'],
        ['status', 'test'],
      ]) {
        const { exitCode, out, err } = await cli.run(...args, ...format);
        expect(exitCode).toBe(0);
        seen += out + err;
      }
    }
    expect(cli.world.test.secrets.get('app-secret')?.value.reveal()).toBe('hunter-2-is-a-secret');
    expect(seen).toContain('app-secret');
    expect(seen).not.toContain('hunter-2');
  });
});

describe('plan', () => {
  it('of several says which is whose, and nothing about one that changes nothing', async () => {
    const cli = await deployed();
    await cli.run('bootstrap', 'prod');
    const { exitCode, out } = await cli.run('plan', '--all');
    expect(exitCode).toBe(0);
    expect(out).toMatch(/^prod\n.*\w/m);
    expect(out).not.toMatch(/^test$/m);
  });

  it('shows what Terraform says, and counts it for machines', async () => {
    const cli = await deployed();
    const same = await cli.run('plan', 'test');
    expect(same.exitCode).toBe(0);
    expect(same.out).toContain('plan: nothing to change');
    cli.world.source.digest = `sha256:${'b'.repeat(64)}`;
    const human = await cli.run('plan', 'test', '--from-source');
    expect(human.out).toContain('plan: 1 to add, 1 to change, 1 to destroy');
    expect(human.out).toContain('# module.ecs.aws_ecs_task_definition.this will be replaced');
    const machine = await cli.run('plan', 'test', '--from-source', '--json');
    expect(machine.json().at(-1)).toMatchObject({
      type: 'result',
      counts: { add: 1, change: 1, destroy: 1 },
      summary: { empty: false },
    });
  });
});

describe('destroy', () => {
  it('without a terminal and without --yes ends with 3 and touches nothing', async () => {
    const cli = await deployed();
    const { exitCode, err } = await cli.run('destroy', 'test');
    expect(exitCode).toBe(3);
    expect(err).toContain('next: towpath destroy test --yes');
    expect(cli.world.test.terraform.applied).toBeDefined();
  });

  it('says how much is gone and what stays', async () => {
    const cli = await deployed();
    const first = await cli.run('destroy', 'test', '--yes');
    expect(first.exitCode).toBe(0);
    expect(first.out).toContain(
      '✓ test: 3 resources destroyed; state bucket, lock table, ledger and images stay',
    );
    const second = await cli.run('destroy', 'test', '--yes');
    expect(second.out).toContain('test has nothing to destroy');
    const third = await cli.run('destroy', 'test', '--yes', '--json');
    expect(third.json().at(-1)).toEqual({ type: 'result', environment: 'test', destroyed: 0 });
  });

  it('of a protected environment needs --allow-destroy too', async () => {
    const environments = [{ ...sampleEnvironment('test', 0), protected: true }];
    const cli = await deployed({ world: createMemoryWorld({ environments }) });
    expect((await cli.run('destroy', 'test', '--yes')).exitCode).toBe(1);
    expect((await cli.run('destroy', 'test', '--yes', '--allow-destroy')).exitCode).toBe(0);
  });
});
