import { hostname } from 'node:os';
import { describe, expect, it } from 'vitest';
import { createMemoryCli } from '../../../test/fakes/memory-cli.ts';

const TARGET = 'test on AWS: account 123456789012, us-east-1, as user/developer';

describe('sync', () => {
  it('says what it wrote, and then that there is nothing to do', async () => {
    const cli = createMemoryCli();
    cli.world.workspace.environments.clear();
    const first = await cli.run('sync');
    expect(first.exitCode).toBe(0);
    expect(first.out.split('\n')).toContain('wrote infra/envs/test/backend.hcl');
    const second = await cli.run('sync');
    expect(second).toMatchObject({ exitCode: 0, out: 'infra/envs is in step with towpath.config.ts\n' });
  });

  it('with --check ends with 1 when files are stale, and names them and the next command', async () => {
    const cli = createMemoryCli();
    cli.world.workspace.environments.set('test', {});
    const { exitCode, out } = await cli.run('sync', '--check');
    expect(exitCode).toBe(1);
    expect(out).toBe(
      'stale: infra/envs/test/backend.hcl\nstale: infra/envs/test/terraform.tfvars.json\nnext: towpath sync\n',
    );
    expect(cli.world.workspace.environments.get('test')).toEqual({});
  });

  it('answers machines with one document', async () => {
    const cli = createMemoryCli();
    cli.world.workspace.environments.set('old', {});
    const { exitCode, json } = await cli.run('sync', '--json');
    expect(exitCode).toBe(0);
    expect(json()).toEqual([{ written: [], stale: [], stray: ['infra/envs/old'] }]);
  });
});

describe('bootstrap', () => {
  it('says where, what, and what comes next', async () => {
    const { exitCode, out } = await createMemoryCli().run('bootstrap', 'test');
    expect(exitCode).toBe(0);
    expect(out.split('\n')).toEqual([
      TARGET,
      '→ bootstrap',
      expect.stringMatching(
        /^✓ bootstrap 0\.0 s \(state bucket created, lock table created, repository created\)$/,
      ),
      'next: towpath deploy test',
      '',
    ]);
  });

  it('names the verb that fills an environment further up', async () => {
    const { out } = await createMemoryCli().run('bootstrap', 'prod');
    expect(out).toContain('next: towpath promote prod\n');
  });

  it('keeps --local in what comes next', async () => {
    const { out } = await createMemoryCli().run('bootstrap', 'test', '--local');
    expect(out).toContain('next: towpath deploy test --local');
  });

  it('streams events and a result to machines', async () => {
    const { json } = await createMemoryCli().run('bootstrap', 'test', '--json');
    expect(json().map(({ type }) => type)).toEqual(['target', 'stage.start', 'stage.end', 'result']);
    expect(json().at(-1)).toEqual({
      type: 'result',
      environment: 'test',
      stateBucket: 'created',
      lockTable: 'created',
      repository: 'created',
    });
  });
});

describe('build', () => {
  it('prints release and image', async () => {
    const cli = createMemoryCli();
    const { exitCode, out } = await cli.run('build');
    expect(exitCode).toBe(0);
    expect(out).toMatch(/\nrelease r-[0-9a-f]{12}\nimage {3}\S+@sha256:a{64}\n$/);
    const machine = await cli.run('build', '--json');
    expect(machine.json().at(-1)).toMatchObject({
      type: 'result',
      release: { imageDigest: expect.stringMatching(/^sha256:/) },
    });
  });
});

describe('unlock', () => {
  it('says that nobody holds the environment', async () => {
    const { exitCode, out } = await createMemoryCli().run('unlock', 'test');
    expect(exitCode).toBe(0);
    expect(out).toBe(`${TARGET}\nnobody holds test\n`);
  });

  it('says who held it, how they are, and what is free now', async () => {
    const cli = createMemoryCli();
    cli.world.test.lock.holder = {
      id: 'lock-1',
      operation: 'deploy',
      actor: 'arn:aws:iam::123456789012:user/reviewer',
      host: hostname(),
      pid: process.pid,
      processStart: 'long ago',
      since: '2026-01-01T00:00:00.000Z',
      renewedAt: '2026-01-01T00:00:00.000Z',
    };
    cli.world.test.terraform.lock = {
      id: 'state-1',
      who: 'me@here',
      operation: 'OperationTypeApply',
      created: '2026-01-01T00:00:01Z',
    };
    const { exitCode, out } = await cli.run('unlock', 'test');
    expect(exitCode).toBe(0);
    expect(out).toMatch(/deploy by arn:\S+user\/reviewer .*: is not running any more\n/);
    expect(out).toContain('OperationTypeApply by me@here since 2026-01-01T00:00:01Z\n');
    expect(out).toContain('freed: state lock, environment lock\n');
  });

  it('refuses while the holder lives, and goes on with --force', async () => {
    const cli = createMemoryCli();
    const held = await cli.world.test.cloud.lock.acquire('destroy');
    const refused = await cli.run('unlock', 'test', '--json');
    expect(refused.exitCode).toBe(1);
    expect(refused.json().at(-1)).toMatchObject({ type: 'error', code: 'LOCK_HOLDER_ALIVE' });
    const forced = await cli.run('unlock', 'test', '--force', '--json');
    expect(forced.exitCode).toBe(0);
    expect(forced.json().at(-1)).toMatchObject({
      type: 'result',
      environment: 'test',
      holder: { id: held.info.id, liveness: 'alive' },
      freed: ['environment lock'],
    });
    await held.release();
  });
});
