import { describe, expect, it } from 'vitest';
import { createMemoryCli } from '../../test/fakes/memory-cli.ts';
import { ERROR_CATALOGUE, type ErrorCode, TowpathError } from '../domain/errors.ts';

const ESCAPE = String.fromCharCode(27);
const STACK = /^\s+at /m;

describe('usage', () => {
  const misspelt: readonly (readonly [string, readonly string[], string])[] = [
    ['command', ['deplyo', 'test'], 'deploy'],
    ['flag', ['deploy', 'test', '--generate-secret'], '--generate-secrets'],
    ['global flag', ['status', '--jsn'], '--json'],
    ['command of a group', ['secret', 'lst', 'test'], 'list'],
  ];

  it.each(misspelt)('of an unknown %s ends with 2 and a suggestion', async (_what, args, suggestion) => {
    const cli = createMemoryCli();
    const { exitCode, out, err } = await cli.run(...args);
    expect(exitCode).toBe(2);
    expect(out).toBe('');
    expect(err).toMatch(/✗ unknown (command|option)/);
    expect(err).toContain(`next: did you mean ${suggestion}?`);
    expect(cli.opened).toEqual([]);
  });

  it.each(misspelt)('of an unknown %s says the same with --json', async (_what, args, suggestion) => {
    const run = await createMemoryCli().run(...args, '--json');
    expect(run.exitCode).toBe(2);
    expect(run.err).toBe('');
    expect(run.json()).toEqual([
      expect.objectContaining({
        type: 'error',
        code: 'USAGE',
        exitCode: 2,
        message: expect.stringMatching(/^unknown (command|option) '[^'\n]+'$/),
        hint: expect.stringContaining(`did you mean ${suggestion}?`),
      }),
    ]);
  });

  it.each([
    ['no command', [], 'A command is missing.', 'towpath --help'],
    ['a group without its command', ['secret'], 'A command is missing.', 'towpath secret --help'],
    ['a missing argument', ['bootstrap'], "'environment'", 'towpath bootstrap --help'],
    ['one argument too many', ['bootstrap', 'test', 'prod'], 'too many', 'towpath bootstrap --help'],
    ['an unknown command of a group', ['secret', 'drop'], "'drop'", 'towpath secret --help'],
    ['an option like no other', ['local', 'up', '--quietly'], "'--quietly'", 'towpath local up --help'],
    [
      'a flag without its value',
      ['deploy', 'test', '--break-glass'],
      '--break-glass',
      'towpath deploy --help',
    ],
    ['a flag that is needed', ['reject', 'qa'], '--reason', 'towpath reject qa --reason "why"'],
  ])('of %s ends with 2 and names what helps', async (_what, args, message, next) => {
    const { exitCode, err } = await createMemoryCli().run(...args);
    expect(exitCode).toBe(2);
    expect(err).toContain(message);
    expect(err).toContain(`next: ${next}\n`);
  });

  it('points to the help that shows what was meant', async () => {
    const { err } = await createMemoryCli().run('local', 'up', '--sped', '3');
    expect(err).toContain('next: did you mean --speed? towpath local up --help shows all\n');
  });

  it('keeps to NO_COLOR, and paints on a terminal without it', async () => {
    const plain = await createMemoryCli({ terminal: true, env: { NO_COLOR: '1' } }).run('nothing');
    expect(plain.err).not.toContain(ESCAPE);
    const painted = await createMemoryCli({ terminal: true }).run('nothing');
    expect(painted.err).toContain(ESCAPE);
    expect((await createMemoryCli().run('nothing')).err).not.toContain(ESCAPE);
  });
});

describe('help and version', () => {
  it('lists every verb, the exit codes and the way to the embedded AWS', async () => {
    const { exitCode, out, err } = await createMemoryCli().run('--help');
    expect(exitCode).toBe(0);
    expect(err).toBe('');
    for (const verb of ['sync', 'bootstrap', 'build', 'plan', 'deploy', 'status', 'unlock', 'destroy'])
      expect(out).toMatch(new RegExp(`^ {2}${verb}\\b`, 'm'));
    expect(out).toContain('Exit codes: 0 done, 1 failed, 2 usage or configuration');
    expect(out).toContain('TOWPATH_TARGET=local');
  });

  it('explains the flags of one verb', async () => {
    const { exitCode, out } = await createMemoryCli().run('deploy', '--help');
    expect(exitCode).toBe(0);
    expect(out).toMatch(/--break-glass <why>\s+deploy past the ladder; the reason is recorded/);
    expect(out).toContain('--json');
  });

  const commands: readonly (readonly string[])[] = [
    [],
    ...['deploy', 'logs', 'exec', 'run', 'reject', 'secret', 'local', 'stack'].map((verb) => [verb]),
    ['local', 'up'],
    ['local', 'chaos'],
  ];
  it.each(commands)('fits into 80 columns: %s %s', async (...path) => {
    const { out } = await createMemoryCli().run(...path, '--help');
    expect(out.split('\n').filter((line) => line.length > 80)).toEqual([]);
  });

  it("has a verb's own flags before those of every command", async () => {
    const { out } = await createMemoryCli().run('deploy', '--help');
    expect(out.indexOf('--break-glass')).toBeLessThan(out.indexOf('With every command:'));
    expect(out.indexOf('With every command:')).toBeLessThan(out.indexOf('--json'));
  });

  it('prints the version', async () => {
    expect(await createMemoryCli().run('--version')).toMatchObject({ exitCode: 0, out: '9.8.7\n' });
  });
});

describe('errors', () => {
  const codes = Object.keys(ERROR_CATALOGUE) as ErrorCode[];

  it.each(codes)('%s ends with its exit code in both formats', async (code) => {
    const failOpen = new TowpathError(code, `It went wrong at "${code}".`, {
      hint: 'mend it',
      problems: [{ path: 'environments[2].cidr', message: 'must not overlap' }],
      context: ['the last line of a log'],
    });
    const human = await createMemoryCli({ failOpen }).run('deploy', 'test');
    expect(human.exitCode).toBe(ERROR_CATALOGUE[code]);
    expect(human.out).toBe('');
    expect(human.err).toBe(
      [
        `✗ It went wrong at "${code}".`,
        '  environments[2].cidr: must not overlap',
        '  │ the last line of a log',
        '  next: mend it',
        '',
      ].join('\n'),
    );
    const machine = await createMemoryCli({ failOpen }).run('status', '--json');
    expect(machine.exitCode).toBe(ERROR_CATALOGUE[code]);
    expect(machine.err).toBe('');
    expect(machine.json()).toEqual([
      {
        type: 'error',
        code,
        exitCode: ERROR_CATALOGUE[code],
        message: `It went wrong at "${code}".`,
        hint: 'mend it',
        problems: [{ path: 'environments[2].cidr', message: 'must not overlap' }],
        context: ['the last line of a log'],
      },
    ]);
  });

  it('of ours end with 70 and ask for a report', async () => {
    const failOpen = new TypeError('x is not a function');
    const human = await createMemoryCli({ failOpen }).run('status');
    expect(human.exitCode).toBe(70);
    expect(human.err).toContain('This is a bug in Towpath: x is not a function');
    expect(human.err).toContain('--verbose');
    const machine = await createMemoryCli({ failOpen }).run('status', '--json');
    expect(machine.exitCode).toBe(70);
    expect(machine.json()).toMatchObject([{ type: 'error', code: 'BUG', exitCode: 70 }]);
  });

  it('that are no errors at all are told, too', async () => {
    const { exitCode, err } = await createMemoryCli({ failOpen: 'just words' }).run('status');
    expect(exitCode).toBe(70);
    expect(err).toContain('just words');
  });

  it('show stack and causes only with --verbose', async () => {
    const failOpen = new TowpathError('AWS_CALL_FAILED', 'no answer', { cause: new Error('socket hang up') });
    for (const format of [[], ['--json']]) {
      const quiet = await createMemoryCli({ failOpen }).run('status', ...format);
      expect(quiet.out + quiet.err).not.toMatch(/\bat .*:\d+:\d+|socket hang up/);
    }
    const verbose = await createMemoryCli({ failOpen }).run('status', '--verbose');
    expect(verbose.err).toMatch(STACK);
    expect(verbose.err).toContain('socket hang up');
    expect(verbose.err).toContain('[AWS_CALL_FAILED]');
    const json = await createMemoryCli({ failOpen }).run('status', '--verbose', '--json');
    expect(json.json()[0]?.stack).toMatch(STACK);
  });
});

describe('an interrupt', () => {
  it('ends with 1 and is no bug, whatever error it surfaced as', async () => {
    const options = { signal: AbortSignal.abort(), failOpen: new Error('received SIGINT') };
    const human = await createMemoryCli(options).run('deploy', 'test');
    expect(human.exitCode).toBe(1);
    expect(human.err).toBe('✗ Interrupted.\n  next: the same command goes on where this one stopped\n');
    const machine = await createMemoryCli(options).run('deploy', 'test', '--json');
    expect(machine.exitCode).toBe(1);
    expect(machine.json().at(-1)).toMatchObject({ type: 'error', code: 'ABORTED', exitCode: 1 });
  });
});

it('an interrupt that something else has named already gets what comes next, too', async () => {
  const failOpen = new TowpathError('ABORTED', 'terraform apply was interrupted; it saved its state.');
  const { exitCode, err } = await createMemoryCli({ signal: AbortSignal.abort(), failOpen }).run('deploy');
  expect(exitCode).toBe(1);
  expect(err).toBe(`✗ ${failOpen.message}\n  next: the same command goes on where this one stopped\n`);
});

describe('global options', () => {
  it('reach the composition root from flags', async () => {
    const cli = createMemoryCli();
    await cli.run('status', '--local', '--as', 'reviewer', '--config', 'other.config.ts', '--verbose');
    expect(cli.opened).toEqual([
      { json: false, verbose: true, local: true, as: 'reviewer', config: 'other.config.ts' },
    ]);
  });

  it.each([
    ['local', true],
    ['aws', false],
    [undefined, false],
  ])('take TOWPATH_TARGET=%s', async (target, local) => {
    const cli = createMemoryCli({ env: { TOWPATH_TARGET: target } });
    await cli.run('status');
    expect(cli.opened[0]?.local).toBe(local);
  });
});
