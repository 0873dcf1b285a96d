import { describe, expect, it } from 'vitest';
import { createMemoryCli, type MemoryCli } from '../../../test/fakes/memory-cli.ts';

async function deployedTwice(): Promise<MemoryCli> {
  const cli = createMemoryCli();
  await cli.run('deploy', 'test', '--generate-secrets');
  cli.world.clock.advance(3_600_000);
  cli.world.source.digest = `sha256:${'b'.repeat(64)}`;
  await cli.run('deploy', 'test');
  cli.world.clock.advance(120_000);
  return cli;
}

describe('history', () => {
  it('is a table with the newest on top, in absolute and relative time', async () => {
    const { run } = await deployedTwice();
    const { exitCode, out } = await run('history', 'test');
    expect(exitCode).toBe(0);
    const [, header, newest, oldest] = out.split('\n');
    expect(header).toMatch(/^time \(UTC\) +age +who +what +release +outcome +took$/);
    const row = (age: string) =>
      new RegExp(
        `^2026-01-01 \\d\\d:\\d\\d:\\d\\d +${age} +user/developer +deploy +r-[0-9a-f]{12} +\\S+ +\\d`,
      );
    expect(newest).toMatch(row('2 min'));
    expect(oldest).toMatch(row('1 h 2 min'));
  });

  it('shows as many as were asked for, and says how to see the others', async () => {
    const { run } = await deployedTwice();
    const { out } = await run('history', 'test', '--limit', '1');
    expect(out.match(/user\/developer +deploy/g)).toHaveLength(1);
    expect(out).toContain('1 earlier: --limit 2');
  });

  it.each(['0', '-1', 'x', '1.5'])('refuses --limit %s', async (limit) => {
    const { run } = await deployedTwice();
    const { exitCode, err } = await run('history', 'test', `--limit=${limit}`);
    expect(exitCode).toBe(2);
    expect(err).toContain(`"${limit}"`);
  });

  it('says that nothing happened yet', async () => {
    const { exitCode, out } = await createMemoryCli().run('history', 'test');
    expect(exitCode).toBe(0);
    expect(out).toContain('nothing has happened in test yet');
  });

  it('answers machines with one document that holds everything', async () => {
    const { run } = await deployedTwice();
    const { json } = await run('history', 'test', '--json');
    const answers = json();
    expect(answers).toHaveLength(1);
    expect(answers[0]).toMatchObject({ environment: 'test', events: 4, earlier: 0 });
    expect(answers[0]?.entries).toHaveLength(2);
  });

  it('--verify says that the ledger holds', async () => {
    const { run } = await deployedTwice();
    const { exitCode, out } = await run('history', 'test', '--verify');
    expect(exitCode).toBe(0);
    expect(out).toContain('the ledger holds: 4 events of test read');
  });

  it('--verify names the object at fault and exits 1; without it the ledger is refused', async () => {
    const cli = await deployedTwice();
    cli.world.test.ledger.delete(2);
    const verified = await cli.run('history', 'test', '--verify');
    expect(verified.exitCode).toBe(1);
    expect(verified.out).toMatch(/^fault \S*ledger\/00000002\.json missing$/m);
    expect(verified.out).toContain('the ledger does not hold: 1 object of test at fault');
    const machines = await cli.run('history', 'test', '--verify', '--json');
    expect(machines.exitCode).toBe(1);
    expect(machines.json()[0]).toMatchObject({ verified: { holds: false } });
    const refused = await cli.run('history', 'test');
    expect(refused.exitCode).toBe(1);
    expect(refused.err).toContain('event 2 is missing');
  });
});
