import { describe, expect, it } from 'vitest';
import { createMemoryCli } from '../../../test/fakes/memory-cli.ts';

function deployed(exitCode: number) {
  const cli = createMemoryCli();
  const { oneOff } = cli.world.test;
  oneOff.deployed = true;
  oneOff.looks = [{ status: 'STOPPED', exitCode, reason: undefined }];
  oneOff.log = ['migrating', 'done'];
  return cli;
}

describe('run', () => {
  it('prints the log alone on standard output, and exits as the command does', async () => {
    const cli = deployed(5);
    const run = await cli.run('run', 'test', '--', 'npm', 'run', 'migrate', '--json');
    expect([run.exitCode, run.out]).toEqual([5, 'migrating\ndone\n']);
    expect(run.err).toContain('task task-1: npm run migrate --json');
    expect(cli.world.test.oneOff.started).toEqual([['npm', 'run', 'migrate', '--json']]);
  });

  it('answers with one document for machines', async () => {
    const run = await deployed(0).run('run', 'test', '--json', '--', 'ls');
    expect([run.exitCode, run.json()]).toEqual([
      0,
      [{ environment: 'test', task: 'task-1', command: ['ls'], exitCode: 0, log: ['migrating', 'done'] }],
    ]);
  });

  it('wants a command, and a time that is one', async () => {
    expect((await deployed(0).run('run', 'test')).exitCode).toBe(2);
    for (const timeout of ['0', 'x', '1.5', '100000']) {
      const run = await deployed(0).run('run', 'test', '--timeout', timeout, '--', 'ls');
      expect([run.exitCode, run.err]).toEqual([2, expect.stringContaining(`"${timeout}"`)]);
    }
  });
});
