import { describe, expect, it } from 'vitest';
import { createMemoryCli } from '../../../test/fakes/memory-cli.ts';
import { sampleExecTask, tellExitCode } from '../../../test/fakes/memory-exec.ts';

function deployed(code: number, output = 'hello\n') {
  const cli = createMemoryCli();
  cli.world.test.exec.tasks = [sampleExecTask('0123456789abcdef')];
  cli.world.test.exec.play = async (command, terminal) => {
    terminal.write(Buffer.from(output + tellExitCode(command, code)));
    return undefined;
  };
  return cli;
}

describe('exec', () => {
  it('leaves standard output to the command, and exits as it does', async () => {
    const run = await deployed(7).run('exec', 'test', '--', 'sh', '-c', 'echo hello; exit 7');
    expect([run.exitCode, run.out]).toEqual([7, 'hello\n']);
    expect(run.err).toContain('test on AWS: account 123456789012');
    expect(run.err).toContain('task 0123456789abcdef in us-east-1a: sh -c echo hello; exit 7');
  });

  it('leaves what follows -- to the command', async () => {
    const cli = deployed(0);
    await cli.run('exec', 'test', '--task', '0123', '--', 'ls', '--json', '--task', 'x');
    expect(cli.world.test.exec.ran[0]?.command).toMatch(/ sh ls --json --task x$/);
  });

  it('answers with one document for machines', async () => {
    const run = await deployed(3).run('exec', 'test', '--json', '--', 'ls');
    expect([run.exitCode, run.json(), run.err]).toEqual([
      3,
      [
        {
          environment: 'test',
          task: '0123456789abcdef',
          zone: 'us-east-1a',
          command: ['ls'],
          exitCode: 3,
          output: 'hello\n',
          truncated: false,
        },
      ],
      '',
    ]);
  });

  it('keeps the end of a long output', async () => {
    const [answer] = (
      await deployed(0, `${'x'.repeat(1_100_000)}end`).run('exec', 'test', '--json', 'ls')
    ).json();
    expect([String(answer?.output).length, String(answer?.output).slice(-3), answer?.truncated]).toEqual([
      1_048_576,
      'end',
      true,
    ]);
  });

  it('says what is wrong and what to do', async () => {
    const run = await createMemoryCli().run('exec', 'test');
    expect([run.exitCode, run.out]).toEqual([1, '']);
    expect(run.err).toContain('test runs nothing yet');
    expect(run.err).toContain('towpath deploy test');
    expect((await createMemoryCli().run('exec')).exitCode).toBe(2);
  });
});
