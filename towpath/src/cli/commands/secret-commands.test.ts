import { describe, expect, it } from 'vitest';
import { createMemoryCli } from '../../../test/fakes/memory-cli.ts';

describe('secret set', () => {
  it.each([
    ['value\n', 'value'],
    ['value\r\n', 'value'],
    ['two\nlines\n', 'two\nlines'],
    [' kept as it is ', ' kept as it is '],
  ])('reads %j from standard input', async (stdin, value) => {
    const cli = createMemoryCli({ stdin });
    const { exitCode, out } = await cli.run('secret', 'set', 'test', 'app-secret', '--stdin');
    expect(exitCode).toBe(0);
    expect(cli.world.test.secrets.get('app-secret')?.value.reveal()).toBe(value);
    expect(out).toContain('app-secret in test is now version 1; tasks read it when they start');
  });

  it.each([
    ['test', 'towpath deploy test --local'],
    ['prod', 'towpath apply prod --local'],
  ])('for %s names the command that has running tasks use it', async (environment, command) => {
    const cli = createMemoryCli({ stdin: 'value' });
    const { out } = await cli.run('secret', 'set', environment, 'app-secret', '--stdin', '--local');
    expect(out).toContain(`next: ${command}, where some run already`);
  });

  it('generates a value', async () => {
    const cli = createMemoryCli();
    const { json } = await cli.run('secret', 'set', 'test', 'app-secret', '--generate', '--json');
    const value = cli.world.test.secrets.get('app-secret')?.value.reveal() ?? '';
    expect(value.length).toBeGreaterThanOrEqual(32);
    expect(json().at(-1)).toEqual({ type: 'result', environment: 'test', name: 'app-secret', version: 1 });
  });

  it('takes no value as an argument', async () => {
    const cli = createMemoryCli();
    expect((await cli.run('secret', 'set', 'test', 'app-secret', 'hunter-2')).exitCode).toBe(2);
    expect(cli.world.test.secrets.size).toBe(0);
  });

  it('wants one source of the value, not two', async () => {
    const { exitCode, err } = await createMemoryCli().run(
      'secret',
      'set',
      'test',
      'app-secret',
      '--stdin',
      '--generate',
    );
    expect(exitCode).toBe(2);
    expect(err).toContain('--stdin and --generate exclude each other.');
  });

  it('without a terminal says how to pipe it in', async () => {
    const { exitCode, err } = await createMemoryCli().run('secret', 'set', 'test', 'app-secret');
    expect(exitCode).toBe(2);
    expect(err).toContain('--stdin');
  });

  it('suggests the name that was meant', async () => {
    const { exitCode, err } = await createMemoryCli().run('secret', 'set', 'test', 'ap-secret', '--generate');
    expect(exitCode).toBe(2);
    expect(err).toContain('did you mean "app-secret"?');
  });
});

describe('secret list', () => {
  it('shows what is missing and what is there', async () => {
    const cli = createMemoryCli();
    expect((await cli.run('secret', 'list', 'test')).out).toMatch(/^app-secret {2}missing$/m);
    await cli.run('secret', 'set', 'test', 'app-secret', '--generate');
    expect((await cli.run('secret', 'list', 'test')).out).toMatch(/^app-secret {2}version 1 {2}2026-01-01T/m);
    expect((await cli.run('secret', 'list', 'test', '--json')).json()).toEqual([
      {
        environment: 'test',
        secrets: [{ name: 'app-secret', present: true, version: 1, modifiedAt: expect.any(String) }],
      },
    ]);
  });
});
