import { describe, expect, it } from 'vitest';
import { createMemoryCli } from '../../../test/fakes/memory-cli.ts';
import { createMemoryWorld } from '../../../test/fakes/memory-world.ts';
import { TowpathError } from '../../domain/errors.ts';

describe('local up', () => {
  it('starts it detached, ten times as fast as real time', async () => {
    const cli = createMemoryCli();
    const { exitCode, out } = await cli.run('local', 'up');
    expect(exitCode).toBe(0);
    expect(cli.localAws.starts).toEqual([{ speed: 10, port: undefined, attached: false }]);
    expect(out).toContain(
      '✓ embedded AWS at http://127.0.0.1:4566 (account 123456789012, us-east-1, speed 10',
    );
    expect(cli.localAws.running).toBe(true);
  });

  it('takes speed and port, and says when it was running', async () => {
    const cli = createMemoryCli();
    await cli.run('local', 'up', '--speed', '2.5', '--port', '5001');
    expect(cli.localAws.starts).toEqual([{ speed: 2.5, port: 5001, attached: false }]);
    const again = await cli.run('local', 'up', '--json');
    expect(again.json().at(-1)).toMatchObject({ type: 'result', started: false, speed: 2.5 });
    expect(again.json().find(({ type }) => type === 'stage.end')?.detail).toContain('was running');
  });

  it.each([
    ['--speed', 'fast'],
    ['--speed', '0'],
    ['--speed', '1001'],
    ['--port', '65536'],
    ['--port', '0'],
    ['--port', '80.5'],
  ])('refuses %s %s with what is allowed', async (flag, value) => {
    const cli = createMemoryCli();
    const { exitCode, err } = await cli.run('local', 'up', flag, value);
    expect(exitCode).toBe(2);
    expect(err).toMatch(new RegExp(`${flag} must be a .*number from .* got "${value}"`));
    expect(cli.localAws.starts).toEqual([]);
  });

  it('passes on why it did not start', async () => {
    const cli = createMemoryCli();
    cli.localAws.failStart = new TowpathError('PORT_BUSY', 'Port 4566 is taken.', { hint: '--port 4567' });
    const { exitCode, err } = await cli.run('local', 'up');
    expect(exitCode).toBe(1);
    expect(err).toBe('✗ Port 4566 is taken.\n  next: --port 4567\n');
  });
});

describe('local up --deploy', () => {
  const untilReady = async (happened: () => boolean) => {
    for (let turn = 0; turn < 500 && !happened(); turn += 1)
      await new Promise((resolve) => setImmediate(resolve));
    expect(happened()).toBe(true);
  };

  it('deploys the first environment, stays until it is interrupted, then stops what it started', async () => {
    const interrupt = new AbortController();
    const cli = createMemoryCli({
      world: createMemoryWorld({ target: 'local' }),
      signal: interrupt.signal,
    });
    const run = cli.run('local', 'up', '--deploy', '--speed', '20');
    await untilReady(() => cli.world.test.payloads().at(-1)?.type === 'deployment.succeeded');
    expect(cli.localAws.running).toBe(true);
    interrupt.abort(new Error('received SIGINT'));
    const { exitCode, out, err } = await run;
    expect(exitCode).toBe(0);
    expect(err).toBe('');
    expect(cli.localAws.starts).toEqual([{ speed: 20, port: undefined, attached: true }]);
    expect(cli.opened.map(({ local }) => local)).toEqual([true]);
    expect(out).toContain('Try next, in another terminal:');
    expect(out).toMatch(/from nothing in [\d.]+ s; time in the embedded AWS runs 20 times as fast/);
    expect(out).toMatch(/the embedded AWS has stopped; nothing is left running\n$/);
    expect(cli.localAws.running).toBe(false);
  });

  it('leaves one that was running before as it was', async () => {
    const cli = createMemoryCli({ world: createMemoryWorld({ target: 'local' }) });
    cli.localAws.running = true;
    const { exitCode, out } = await cli.run('local', 'up', '--deploy');
    expect(exitCode).toBe(0);
    expect(out).toContain('The embedded AWS was running before and runs on.');
    expect(cli.localAws.running).toBe(true);
  });

  it('stops what it started when the deployment fails', async () => {
    const cli = createMemoryCli();
    cli.world.source.broken = new TowpathError('BUILD_FAILED', 'it does not build');
    const { exitCode, err } = await cli.run('local', 'up', '--deploy');
    expect(exitCode).toBe(1);
    expect(err).toContain('it does not build');
    expect(cli.localAws.running).toBe(false);
  });

  it('is an error when the embedded AWS ends by itself', async () => {
    const cli = createMemoryCli();
    const run = cli.run('local', 'up', '--deploy', '--json');
    await untilReady(() => cli.world.test.payloads().at(-1)?.type === 'deployment.succeeded');
    cli.localAws.die('signal SIGKILL');
    const { exitCode, json } = await run;
    expect(exitCode).toBe(1);
    expect(json().filter(({ type }) => type === 'result')).toMatchObject([{ ready: true, changed: true }]);
    expect(json().at(-1)).toMatchObject({
      type: 'error',
      code: 'LOCAL_START_FAILED',
      message: expect.stringContaining('signal SIGKILL'),
    });
  });
});

describe('local down', () => {
  it('says whether there was anything to stop', async () => {
    const cli = createMemoryCli();
    await cli.run('local', 'up');
    expect((await cli.run('local', 'down')).out).toBe('the embedded AWS has stopped\n');
    const again = await cli.run('local', 'down', '--json');
    expect(again).toMatchObject({ exitCode: 0 });
    expect(again.json()).toEqual([{ type: 'result', outcome: 'not running' }]);
  });
});

describe('local env', () => {
  it('prints lines for a shell, for the identity that was asked for', async () => {
    const cli = createMemoryCli();
    cli.localAws.running = true;
    const developer = await cli.run('local', 'env');
    expect(developer.out.split('\n')).toEqual([
      "export AWS_ENDPOINT_URL='http://127.0.0.1:4566'",
      "export AWS_ACCESS_KEY_ID='AKIADEVELOPER'",
      "export AWS_SECRET_ACCESS_KEY='developer-key'",
      "export AWS_REGION='us-east-1'",
      "export AWS_DEFAULT_REGION='us-east-1'",
      "export AWS_EC2_METADATA_DISABLED='true'",
      '',
    ]);
    expect((await cli.run('local', 'env', '--as', 'reviewer')).out).toContain('AKIAREVIEWER');
    expect((await cli.run('local', 'env', '--as', 'nobody')).exitCode).toBe(2);
  });
});

describe('local status', () => {
  it('has endpoint, speed and environments', async () => {
    const cli = createMemoryCli();
    cli.localAws.running = true;
    expect((await cli.run('local', 'status')).out).toContain('no environment runs a service yet');
    cli.localAws.environments = [
      {
        name: 'test',
        url: 'http://127.0.0.1:8080',
        desired: 1,
        running: 1,
        tasks: [
          {
            id: '0123456789abcdef',
            zone: 'us-east-1a',
            address: '127.2.101.7:5000',
            lastStatus: 'RUNNING',
            health: 'healthy',
          },
        ],
      },
    ];
    const human = await cli.run('local', 'status');
    expect(human.out).toContain('test 1/1 tasks http://127.0.0.1:8080');
    expect(human.out).toMatch(/us-east-1a {2}0123456789ab {2}RUNNING {2}healthy {2}127\.2\.101\.7:5000/);
    const machine = await cli.run('local', 'status', '--json');
    expect(machine.json()).toEqual([
      {
        endpoint: 'http://127.0.0.1:4566',
        speed: 1,
        pid: 4711,
        startedAt: '2026-01-01T00:00:00.000Z',
        environments: cli.localAws.environments,
      },
    ]);
  });

  it.each(['status', 'env'])('%s without one running names the command that starts it', async (verb) => {
    const { exitCode, err } = await createMemoryCli().run('local', verb);
    expect(exitCode).toBe(1);
    expect(err).toBe('✗ The embedded AWS is not running.\n  next: towpath local up\n');
  });
});
