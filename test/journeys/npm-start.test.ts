/**
 * `npm start` and its ends: from a copy of the repository to a service that answers, and back to nothing, whoever or
 * whatever ends it. The tests run side by side, since each mostly waits for a delay inside the AWS provider.
 */
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import {
  killTree,
  leftovers,
  leftoversAfter,
  processTree,
  type RunningProcess,
  survivors,
  survivorsAfter,
} from '../support/process-tree.ts';
import { cleanEnvironment, runCli } from '../support/run-cli.ts';
import { type CommandResult, type RunningCommand, runCommand, startCommand } from '../support/run-command.ts';
import { sample, sampleTitle } from '../support/sample.ts';
import { type TempProject, tempProject } from '../support/temp-project.ts';
import { lastJson, untilOutput } from './environment.ts';

const READY = 'Ctrl-C stops everything';
const READY_LIMIT_MS = 240_000;
/** Among the first that an apply creates. */
const APPLY_BEGAN = 'create module.ecs.aws_ecs_task_definition.this';
/** Its neighbour, the load balancer, is under way by then and takes a minute. */
const APPLYING = 'create module.load_balancer.aws_lb_target_group.this';
const APPLYING_LIMIT_MS = 120_000;
const EMBEDDED_AWS = 'test on embedded AWS at';
const EMBEDDED_AWS_LIMIT_MS = 60_000;
const RUN_LIMIT_MS = 300_000;
/** An orderly end, Terraform's included. */
const END_LIMIT_MS = 30_000;
/** After `kill -9` nobody is left to do it in order: the kernel and closed pipes do. */
const KILLED_LIMIT_MS = 10_000;
const ENDS_TRIED = 1;
/** Written while the embedded AWS runs; one that is left would be believed by the next command. */
const RUNNING_FILES = ['local.json', 'daemon.lock', 'children.json', 'identities.json'];

class Start {
  readonly project: TempProject = tempProject();
  command: RunningCommand;
  #seen: readonly RunningProcess[] = [];

  constructor(program: readonly [string, ...string[]]) {
    this.command = this.again(program);
  }

  /** The same project once more. */
  again([program, ...args]: readonly [string, ...string[]]): RunningCommand {
    this.command = startCommand(program, args, {
      cwd: this.project.path,
      env: { ...cleanEnvironment(), NO_COLOR: '1' },
      timeoutMs: RUN_LIMIT_MS,
    });
    return this.command;
  }

  /** Its processes now, each remembered for the count at the end. */
  look(): readonly RunningProcess[] {
    const now = processTree(this.command.pid);
    this.#seen = [...this.#seen, ...now];
    return now;
  }

  process(part: string): RunningProcess {
    const found = this.look().find(({ command }) => command.includes(part));
    if (!found) throw new Error(`no process with "${part}" among:\n${this.look().map(show).join('\n')}`);
    return found;
  }

  async ended(limitMs: number): Promise<CommandResult> {
    const startedAt = Date.now();
    const result = await this.command.ended;
    expect(Date.now() - startedAt, result.stdout + result.stderr).toBeLessThan(limitMs);
    return result;
  }

  async expectNothingLeft(limitMs: number): Promise<void> {
    expect((await survivorsAfter(this.#seen, limitMs)).map(show)).toEqual([]);
    expect((await leftoversAfter(this.project.path, limitMs)).map(show)).toEqual([]);
  }

  async expectStartable(): Promise<void> {
    const { path } = this.project;
    const up = await runCli(['local', 'up', '--json'], { cwd: path });
    expect(lastJson(up), up.stdout).toMatchObject({ type: 'result', started: true });
    expect((await runCli(['local', 'down'], { cwd: path })).exitCode).toBe(0);
    const left = readdirSync(join(path, '.towpath', 'local'));
    expect(left.filter((file) => RUNNING_FILES.includes(file))).toEqual([]);
    const git = { cwd: path, env: cleanEnvironment(), timeoutMs: END_LIMIT_MS };
    expect((await runCommand('git', ['status', '--porcelain'], git)).stdout).toBe('');
  }

  remove(): void {
    killTree(this.command.pid);
    for (const { pid } of [...survivors(this.#seen), ...leftovers(this.project.path)]) killTree(pid);
    this.project.remove();
  }
}

const RUN: readonly [string, ...string[]] = [process.execPath, 'scripts/run.mjs', 'start'];

function show({ pid, parentPid, command }: RunningProcess): string {
  return `${pid} (parent ${parentPid}) ${command}`;
}

async function withStart(program: readonly [string, ...string[]], work: (start: Start) => Promise<void>) {
  const start = new Start(program);
  try {
    await work(start);
  } finally {
    start.remove();
  }
}

/** Where the service answers, as it was printed. */
function printedUrl(output: string): string {
  const url = /now runs [^\n]*\n\s*(http:\/\/127\.0\.0\.1:\d+\/)/.exec(output)?.[1];
  if (url === undefined) throw new Error(`no address in:\n${output}`);
  return url;
}

/** Other ends, each a start of its own: `npm test` tries some of them (test/support/sample.ts). */
const ENDS: [title: string, work: () => Promise<void>][] = [
  [
    'says so when its control plane dies, works again, and leaves nothing when it is killed outright',
    () =>
      withStart(RUN, async (start) => {
        await untilOutput(start.command, APPLY_BEGAN, APPLYING_LIMIT_MS);
        process.kill(start.process('moto_server').pid, 'SIGKILL');
        const failed = await start.ended(END_LIMIT_MS);
        expect(failed.exitCode, failed.stdout + failed.stderr).toBe(1);
        expect(failed.stderr).toContain('The embedded AWS ended while terraform apply ran');
        expect(failed.stderr).toContain('daemon.log');
        expect(failed.stderr).not.toMatch(/^\s+at /m);
        await start.expectNothingLeft(0);

        start.again(RUN);
        await untilOutput(start.command, READY, READY_LIMIT_MS);
        expect((await fetch(printedUrl(start.command.stdout()))).status).toBe(200);
        // The task.
        start.process('dist/server.js');
        start.command.signal('SIGKILL');
        await start.expectNothingLeft(KILLED_LIMIT_MS);
        await start.expectStartable();
      }),
  ],
  [
    'ends soon on SIGTERM, in the middle of an apply',
    () =>
      withStart(RUN, async (start) => {
        await untilOutput(start.command, APPLYING, APPLYING_LIMIT_MS);
        start.process('terraform-provider-aws');
        start.command.signal('SIGTERM');
        const result = await start.ended(END_LIMIT_MS);
        expect(result.exitCode, result.stdout + result.stderr).toBe(1);
        expect(result.stderr).toContain('interrupted');
        await start.expectNothingLeft(0);
        await start.expectStartable();
      }),
  ],
  [
    'leaves nothing when the command line is killed outright, in the middle of an apply',
    () =>
      withStart(RUN, async (start) => {
        await untilOutput(start.command, APPLYING, APPLYING_LIMIT_MS);
        start.process('terraform-provider-aws');
        process.kill(start.process('local up --deploy').pid, 'SIGKILL');
        expect((await start.ended(END_LIMIT_MS)).exitCode).not.toBe(0);
        await start.expectNothingLeft(KILLED_LIMIT_MS);
        await start.expectStartable();
      }),
  ],
  [
    'ends on SIGHUP as soon as the embedded AWS is up',
    () =>
      withStart(RUN, async (start) => {
        await untilOutput(start.command, EMBEDDED_AWS, EMBEDDED_AWS_LIMIT_MS);
        start.look();
        start.command.signal('SIGHUP');
        const result = await start.ended(END_LIMIT_MS);
        expect(result.exitCode, result.stdout + result.stderr).toBe(1);
        await start.expectNothingLeft(0);
        await start.expectStartable();
      }),
  ],
];
if (process.platform === 'linux')
  // That of macOS is another `script`, which does not take these flags.
  ENDS.push([
    'ends when its terminal is closed',
    () =>
      withStart(['script', '-qfec', 'npm start', '/dev/null'], async (start) => {
        await untilOutput(start.command, EMBEDDED_AWS, EMBEDDED_AWS_LIMIT_MS);
        start.look();
        // With `script` goes the other end of the terminal: what a closed window is to the programs in it.
        start.command.signal('SIGKILL');
        await start.expectNothingLeft(END_LIMIT_MS);
        await start.expectStartable();
      }),
  ]);

describe.concurrent('npm start', () => {
  it('ends with a service that answers, what to try next, and on Ctrl-C with nothing left', () =>
    withStart(RUN, async (start) => {
      await untilOutput(start.command, READY, READY_LIMIT_MS);
      const output = start.command.stdout();
      const answer = await fetch(printedUrl(output));
      expect(await answer.json()).toMatchObject({ environment: 'test', secretPresent: true });
      for (const stage of [
        'embedded AWS',
        'bootstrap',
        'build',
        'terraform init',
        'plan',
        'apply',
        'verify',
      ]) {
        expect(output).toMatch(new RegExp(`^✓ ${stage} [\\d.]+ (s|min)`, 'm'));
      }
      expect(output).toMatch(/from nothing in \d+/);
      expect(output.slice(output.indexOf('Try next'))).toContain('npx towpath deploy test --local');
      start.look();
      start.command.signal('SIGINT');
      const result = await start.ended(END_LIMIT_MS);
      expect(result, result.stdout + result.stderr).toMatchObject({ exitCode: 0, signal: null });
      expect(result.stdout).toContain('nothing is left running');
      await start.expectNothingLeft(0);
      await start.expectStartable();

      // Once more, and ended from another terminal.
      start.again(RUN);
      await untilOutput(start.command, READY, READY_LIMIT_MS);
      start.look();
      const down = await runCli(['local', 'down', '--purge'], { cwd: start.project.path });
      expect(down.stdout).toContain('all that it held is forgotten');
      const ended = await start.ended(END_LIMIT_MS);
      expect(ended, ended.stdout + ended.stderr).toMatchObject({ exitCode: 0, signal: null });
      expect(ended.stdout).toContain('was stopped from elsewhere, by towpath local down or a signal');
      await start.expectNothingLeft(0);
    }));

  for (const [title, work] of sample(ENDS, ENDS_TRIED))
    it(`${title} (${sampleTitle(ENDS, ENDS_TRIED)})`, work);
});
