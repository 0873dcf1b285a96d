import { describe, expect, it } from 'vitest';
import { createMemoryCli, type MemoryCliOptions } from '../../../test/fakes/memory-cli.ts';

function logged(options: MemoryCliOptions = {}) {
  const cli = createMemoryCli(options);
  const now = cli.world.clock.now().getTime();
  cli.world.test.logs.write('0123456789abcdef', now - 2_000, '{"level":"warn","msg":"slow","ms":900}');
  cli.world.test.logs.write('fedcba9876543210', now - 1_000, 'plain text');
  return cli;
}

describe('logs', () => {
  it('leaves standard output to the lines', async () => {
    const { exitCode, out, err } = await logged().run('logs', 'test');
    expect(exitCode).toBe(0);
    const [first, second, end] = out.split('\n');
    expect(first).toMatch(/^\S*12-31 \d\d:\d\d:\d\d\.\d{3} 01234567 WARN {2}slow ms=900$/);
    expect(second).toMatch(/^\S+ (?:\S+ )?fedcba98 plain text$/);
    expect(end).toBe('');
    expect(err).toBe('test on AWS: account 123456789012, us-east-1, as user/developer\n');
  });

  it('answers machines with an object a line, and nothing else', async () => {
    const { exitCode, json, err } = await logged().run('logs', 'test', '--json', '--filter', 'slow');
    expect([exitCode, err]).toEqual([0, '']);
    expect(json()).toEqual([
      {
        time: expect.stringMatching(/Z$/),
        task: '0123456789abcdef',
        level: 'warn',
        message: 'slow',
        fields: { ms: 900 },
      },
    ]);
  });

  it('narrows by task, time and number', async () => {
    const cli = logged();
    expect((await cli.run('logs', 'test', '--task', 'fed')).out).not.toContain('slow');
    expect((await cli.run('logs', 'test', '--since', '1h', '--until', '30m')).out).toBe('');
    expect((await cli.run('logs', 'test', '--limit', '1')).out).toMatch(/^.*plain text\n$/);
  });

  it.each([
    [['--since', 'yesterday'], '--since is "yesterday"'],
    [['--until', '5'], '--until is "5"'],
    [['--limit', '0'], '--limit is "0"'],
    [['--limit', '1e9'], '--limit is "1e9"'],
    [['--follow', '--until', '1m'], '--follow has no end'],
    [['--since', '1m', '--until', '1h'], 'is after --until 1h'],
  ])('refuses %j', async (flags, text) => {
    const { exitCode, out, err } = await logged().run('logs', 'test', ...flags);
    expect([exitCode, out]).toEqual([2, '']);
    expect(err).toContain(text);
  });

  it.each(['signal', 'outputGone'] as const)('with --follow ends well by %s', async (kind) => {
    const controller = new AbortController();
    const cli = logged({ [kind]: controller.signal });
    let reads = 0;
    cli.world.test.logs.beforeRead = () => {
      reads += 1;
      if (reads === 3) controller.abort(new Error('over'));
    };
    const { exitCode, out, err } = await cli.run('logs', 'test', '-f');
    expect(exitCode).toBe(0);
    expect(out.split('\n')).toHaveLength(3);
    expect(err).not.toContain('✗');
  });
});
