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

  it('takes a driver', async () => {
    const cli = createMemoryCli();
    await cli.run('local', 'up', '--driver', 'docker');
    expect(cli.localAws.starts).toEqual([{ speed: 10, port: undefined, driver: 'docker', attached: false }]);
    const refused = await createMemoryCli().run('local', 'up', '--driver', 'podman');
    expect(refused.exitCode).toBe(2);
    expect(refused.err).toContain('--driver must be process or docker, got "podman".');
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

  it('ends well when a down command ends the embedded AWS, says so, and leaves the next one alone', async () => {
    const cli = createMemoryCli({ world: createMemoryWorld({ target: 'local' }) });
    const run = cli.run('local', 'up', '--deploy');
    await untilReady(() => cli.world.test.payloads().at(-1)?.type === 'deployment.succeeded');
    cli.localAws.endElsewhere();
    // Whoever ended it may have started another one already.
    cli.localAws.running = true;
    const { exitCode, out, err } = await run;
    expect({ exitCode, err }).toEqual({ exitCode: 0, err: '' });
    expect(out).toMatch(
      /the embedded AWS was stopped from elsewhere, by towpath local down or a signal; nothing is left running\n$/,
    );
    expect(cli.localAws.running).toBe(true);
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
    expect((await cli.run('local', 'down')).out).toBe(
      'the embedded AWS has stopped; towpath local up brings back what it held\n',
    );
    const again = await cli.run('local', 'down', '--json');
    expect(again).toMatchObject({ exitCode: 0 });
    expect(again.json()).toEqual([{ type: 'result', outcome: 'not running' }]);
  });
});

const environment = (running: number, health: string) => ({
  name: 'test',
  url: 'http://127.0.0.1:8080',
  desired: 2,
  running,
  tasks: [{ id: 'a1', zone: 'us-east-1a', address: '127.3.101.4:5000', lastStatus: 'RUNNING', health }],
});

describe('state of an earlier run', () => {
  it('is brought back with progress, and counted when its tasks are healthy', async () => {
    const cli = createMemoryCli();
    cli.localAws.keptCalls = 120;
    cli.localAws.environments = [environment(1, 'initial')];
    setTimeout(() => {
      cli.localAws.environments = [environment(2, 'healthy')];
    }, 50);
    const { exitCode, out } = await cli.run('local', 'up');
    expect(exitCode).toBe(0);
    expect(out).toContain('making earlier calls again: 1 of 120');
    expect(out).toContain('✓ 1 environment back: 2 tasks running');
    const again = await cli.run('local', 'up', '--json');
    expect(again.json().at(-1)).not.toHaveProperty('back');
  });

  it('tells of a load balancer whose port somebody else has now', async () => {
    const moved = { name: 'devops-app-test-alb', from: 8123, to: 8124 };
    const cli = createMemoryCli();
    cli.localAws.movedPorts = [moved];
    expect((await cli.run('local', 'up')).out).toContain(
      '! load balancer devops-app-test-alb has port 8124 now: another program of this computer has 8123\n',
    );
    // Only a start finds it out.
    expect((await cli.run('local', 'up')).out).not.toContain('8124');
    cli.localAws.running = false;
    const machine = (await cli.run('local', 'up', '--json')).json();
    expect(machine.filter(({ type }) => type === 'warning')).toHaveLength(1);
    expect(machine.at(-1)).toMatchObject({ type: 'result', movedPorts: [moved] });
  });

  it('is back also where no service runs', async () => {
    const cli = createMemoryCli();
    cli.localAws.keptCalls = 120;
    expect((await cli.run('local', 'up')).out).toContain(
      '✓ what it held is back; no environment runs a service\n',
    );
  });

  it('is kept by local down, and forgotten with --purge', async () => {
    const cli = createMemoryCli();
    cli.localAws.keptCalls = 120;
    cli.localAws.running = true;
    expect((await cli.run('local', 'down', '--json')).json()).toEqual([
      { type: 'result', outcome: 'stopped' },
    ]);
    expect(cli.localAws.keptCalls).toBe(120);
    const purged = await cli.run('local', 'down', '--purge');
    expect(purged.out).toBe('the embedded AWS was not running; all that it held is forgotten\n');
    const again = await cli.run('local', 'down', '--purge', '--json');
    expect(again.json().at(-1)).toMatchObject({ outcome: 'not running', purged: 'nothing to forget' });
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
        chaos: [],
      },
    ]);
  });

  it('tells what the next start will take, and how it gets short again', async () => {
    const cli = createMemoryCli();
    cli.localAws.running = true;
    cli.localAws.kept = { journal: { calls: 359, bytes: 1_130_043 }, restored: { calls: 0, ms: 0 } };
    const short = (await cli.run('local', 'status')).out;
    expect(short).toContain('kept: 359 calls, 1.1 MB; the next start makes them again, in about 2 s\n');
    expect(short).not.toContain('--purge');
    cli.localAws.kept = {
      journal: { calls: 35_000, bytes: 20_000_000 },
      restored: { calls: 20_000, ms: 50_000 },
    };
    const long = (await cli.run('local', 'status')).out;
    expect(long).toContain('35000 calls, 20.0 MB; the next start makes them again, in about 88 s\n');
    expect(long).toContain('! towpath local down --purge forgets them');
  });

  it.each(['status', 'env'])('%s without one running names the command that starts it', async (verb) => {
    const { exitCode, err } = await createMemoryCli().run('local', verb);
    expect(exitCode).toBe(1);
    expect(err).toBe('✗ The embedded AWS is not running.\n  next: towpath local up\n');
  });
});
