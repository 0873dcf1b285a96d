import { beforeEach, describe, expect, it, vi } from 'vitest';
import { createMemoryCli } from '../../test/fakes/memory-cli.ts';

const screen = vi.hoisted(() => ({ frames: [] as string[], done: 0 }));

vi.mock('log-update', () => ({
  default: Object.assign((text: string) => void screen.frames.push(text), {
    clear() {},
    done() {
      screen.done += 1;
    },
  }),
}));

const ESCAPE = String.fromCharCode(27);

beforeEach(() => {
  Object.assign(screen, { frames: [], done: 0 });
});

describe('the view of a command', () => {
  it('is redrawn on a terminal while something is done, and left tidy', async () => {
    const cli = createMemoryCli({ terminal: true, columns: 100, env: { NO_COLOR: '1' } });
    const { exitCode, out } = await cli.run('deploy', 'test', '--generate-secrets');
    expect(exitCode).toBe(0);
    for (const stage of ['bootstrap', 'build', 'plan', 'apply', 'verify'])
      expect(screen.frames.some((frame) => frame.includes(` ${stage} `))).toBe(true);
    expect(screen.frames.some((frame) => /us-east-1a .*RUNNING .*healthy/.test(frame))).toBe(true);
    expect(screen.done).toBeGreaterThan(0);
    expect(out).toMatch(/^✓ verify /m);
    expect(out).toMatch(/✓ test now runs r-/);
    expect(out + screen.frames.join('')).not.toContain(ESCAPE);
  });

  it('breaks no word of what it tells at the edge of the terminal, and no next command', async () => {
    const cli = createMemoryCli({ terminal: true, columns: 60, env: { NO_COLOR: '1' } });
    await cli.run('deploy', 'test', '--generate-secrets');
    const { exitCode, out, err } = await cli.run('promote', 'staging');
    const { out: status } = await cli.run('status');
    const told = [out, err, status].join('').split('\n');
    expect([
      exitCode,
      told.filter((line) => line.length > 60 && !/^ *(next:|test |environment )/.test(line)),
    ]).toEqual([2, []]);
  });

  it('is painted on a terminal without NO_COLOR', async () => {
    const { out } = await createMemoryCli({ terminal: true }).run('status');
    expect(out).toContain(ESCAPE);
  });

  it.each([
    ['an answer', ['status'], {}],
    ['a pipe', ['bootstrap', 'test'], { terminal: false }],
    ['--json', ['bootstrap', 'test', '--json'], {}],
  ])('is not redrawn for %s', async (_what, args, options) => {
    const { exitCode, out } = await createMemoryCli({ terminal: true, ...options }).run(...args);
    expect(exitCode).toBe(0);
    expect(out).not.toBe('');
    expect(screen.frames).toEqual([]);
  });
});
