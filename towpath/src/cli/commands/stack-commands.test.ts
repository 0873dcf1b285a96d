import { describe, expect, it } from 'vitest';
import { createMemoryCli } from '../../../test/fakes/memory-cli.ts';
import { TowpathError } from '../../domain/errors.ts';

const missing = {
  name: 'grafana',
  title: 'Grafana',
  state: 'missing',
  runner: 'native',
  detail: 'grafana-server is not on the PATH',
  hint: 'brew install grafana',
} as const;

const turns = async (happened: () => boolean) => {
  for (let turn = 0; turn < 500 && !happened(); turn += 1)
    await new Promise((resolve) => setImmediate(resolve));
  expect(happened()).toBe(true);
};

describe('stack up', () => {
  it('starts it in the background, shows where everything is, what is missing, and how to get it', async () => {
    const cli = createMemoryCli();
    const { state } = cli.stack;
    cli.stack.state = {
      ...state,
      components: [...state.components, missing],
      withoutCompose: 'no container engine answers',
    };
    const { exitCode, out } = await cli.run('stack', 'up');
    expect(exitCode).toBe(0);
    expect(cli.stack.starts).toEqual([{ runner: undefined, attached: false }]);
    expect(out).toContain(
      '✓ app      http://127.0.0.1:5000  from the source, live reload\n– Grafana  missing\n',
    );
    expect(out).toContain('! Grafana: grafana-server is not on the PATH\n  next: brew install grafana\n');
    expect(out).toContain('the compose file is not used: no container engine answers\n');
    expect(out).toContain('towpath stack down stops it');
    expect(cli.stack.running).toBe(true);
  });

  it('takes who is to run the servers, and refuses anybody else', async () => {
    const cli = createMemoryCli();
    await cli.run('stack', 'up', '--runner', 'native');
    expect(cli.stack.starts).toEqual([{ runner: 'native', attached: false }]);
    const refused = await createMemoryCli().run('stack', 'up', '--runner', 'docker');
    expect(refused.exitCode).toBe(2);
    expect(refused.err).toContain('--runner must be compose or native, got "docker".');
  });

  it('leaves one that runs as it is', async () => {
    const cli = createMemoryCli();
    cli.stack.running = true;
    const { exitCode, out } = await cli.run('stack', 'up', '--foreground');
    expect(exitCode).toBe(0);
    expect(out).toContain('it was running before and runs on');
    expect(cli.stack.running).toBe(true);
  });

  it('passes on why it did not start', async () => {
    const cli = createMemoryCli();
    cli.stack.failStart = new TowpathError('STACK_START_FAILED', 'It did not start: exit code 1.');
    const { exitCode, err } = await cli.run('stack', 'up');
    expect(exitCode).toBe(1);
    expect(err).toContain('✗ It did not start: exit code 1.');
  });
});

describe('stack up --foreground', () => {
  it('shows what the app writes and what becomes of changes, and stops everything at Ctrl-C', async () => {
    const interrupt = new AbortController();
    const cli = createMemoryCli({ signal: interrupt.signal });
    const run = cli.run('stack', 'up', '--foreground');
    await turns(() => cli.stack.running);
    await new Promise((resolve) => setImmediate(resolve));
    cli.stack.tell({ type: 'log', line: '{"level":"info","msg":"request","path":"/"}' });
    const reload = { type: 'reload', ms: 640, changed: ['src/a.ts', 'b', 'c', 'd'], output: [] } as const;
    cli.stack.tell({ ...reload, outcome: 'running' });
    cli.stack.tell({
      ...reload,
      outcome: 'build failed',
      changed: ['src/a.ts'],
      output: ['src/a.ts:1: no', 'x'],
    });
    cli.stack.tell({ ...reload, outcome: 'start failed', output: ['shown above', 'exit code 1'] });
    interrupt.abort(new Error('received SIGINT'));
    const { exitCode, out } = await run;
    expect(exitCode).toBe(0);
    expect(cli.stack.starts).toEqual([{ runner: undefined, attached: true }]);
    expect(out).toMatch(/\d INFO {2}request path=\/\n/);
    expect(out).toContain('✓ src/a.ts, b, c and 1 more changed, runs again after 0.6 s\n');
    expect(out).toContain(
      '✗ with src/a.ts changed the app does not build; the version before goes on\n  src/a.ts:1: no\n  x\n',
    );
    expect(out).toContain('does not start; the version before goes on\n  exit code 1\n');
    expect(out).not.toContain('shown above');
    expect(out).toMatch(/the stack has stopped; nothing is left running\n$/);
    expect(cli.stack.running).toBe(false);
  });

  it('ends well when stack down ends it, says so, and leaves the next one alone', async () => {
    const cli = createMemoryCli();
    const run = cli.run('stack', 'up', '--foreground', '--json');
    await turns(() => cli.stack.running);
    cli.stack.endElsewhere();
    // Whoever ended it may have started another one already.
    cli.stack.running = true;
    const { exitCode, json } = await run;
    expect(exitCode).toBe(0);
    expect(json().at(-1)).toEqual({ type: 'result', stopped: true, from: 'elsewhere' });
    expect(cli.stack.running).toBe(true);
  });

  it('is an error when it ends by itself', async () => {
    const cli = createMemoryCli();
    const run = cli.run('stack', 'up', '--foreground', '--json');
    await turns(() => cli.stack.running);
    cli.stack.die('signal SIGKILL');
    const { exitCode, json } = await run;
    expect(exitCode).toBe(1);
    expect(json().at(-1)).toMatchObject({ type: 'error', code: 'STACK_START_FAILED' });
  });
});

describe('stack down', () => {
  it.each([
    [{ running: true, killed: false }, 'the local development stack has stopped\n'],
    [{ running: false, killed: true }, 'had been killed; what it left has been ended\n'],
    [{ running: false, killed: false }, 'the local development stack was not running\n'],
  ])('of %o says what it did', async (state, text) => {
    const cli = createMemoryCli();
    Object.assign(cli.stack, state);
    const { exitCode, out } = await cli.run('stack', 'down');
    expect(exitCode).toBe(0);
    expect(out).toContain(text);
  });
});

describe('stack status', () => {
  it('shows components and the tasks that Prometheus scrapes', async () => {
    const cli = createMemoryCli();
    cli.stack.running = true;
    cli.stack.state = { ...cli.stack.state, tasks: 3 };
    const { out } = await cli.run('stack', 'status');
    expect(out).toContain('pid 4711, since 2026-01-01T00:00:00.000Z\n✓ app');
    expect(out).toContain('tasks of the embedded AWS: Prometheus scrapes 3 tasks\n');
  });

  it('fails with the next command when it does not run', async () => {
    const { exitCode, err } = await createMemoryCli().run('stack', 'status');
    expect(exitCode).toBe(1);
    expect(err).toBe('✗ The local development stack is not running.\n  next: towpath stack up\n');
  });
});
