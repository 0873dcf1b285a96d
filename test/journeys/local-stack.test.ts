/**
 * `npm run dev` in a copy of the repository: everything answers, a change of the source arrives, and nothing is left
 * after Ctrl-C, after `kill -9` of whatever, after `stack down`.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import {
  killTree,
  leftoversAfter,
  processTree,
  type RunningProcess,
  survivorsAfter,
} from '../support/process-tree.ts';
import { cleanEnvironment, runCli } from '../support/run-cli.ts';
import { type RunningCommand, startCommand } from '../support/run-command.ts';
import { type TempProject, tempProject } from '../support/temp-project.ts';
import { lastJson, untilOutput } from './environment.ts';

const READY = 'Ctrl-C stops everything';
const READY_LIMIT_MS = 90_000;
const RUN_LIMIT_MS = 240_000;
const END_LIMIT_MS = 20_000;
const CHANGE_LIMIT_MS = 20_000;
/** A developer waits for it; generous on a machine that is busy with other tests. */
const RELOAD_GOAL_MS = 10_000;

interface Component {
  readonly name: string;
  readonly state: string;
  readonly url?: string;
}

let project: TempProject;
let command: RunningCommand | undefined;
let seen: readonly RunningProcess[] = [];

beforeEach(() => {
  project = tempProject();
});
afterEach(async () => {
  if (command !== undefined) killTree(command.pid);
  await runCli(['stack', 'down'], { root: project.path });
  project.remove();
});

/** With an engine, the first start would download images. */
const NATIVE = ['--runner', 'native'] as const;
/** A terminal's Ctrl-C reaches npm and what it started; a signal from a test reaches one process. */
const RUN = [process.execPath, 'scripts/run.mjs', 'dev', ...NATIVE] as const;
const NPM = ['npm', 'run', 'dev', '--', ...NATIVE] as const;

async function dev([program, ...args]: typeof RUN | typeof NPM): Promise<RunningCommand> {
  command = startCommand(program, args, {
    cwd: project.path,
    env: { ...cleanEnvironment(), NO_COLOR: '1' },
    timeoutMs: RUN_LIMIT_MS,
  });
  await untilOutput(command, READY, READY_LIMIT_MS);
  seen = processTree(command.pid);
  return command;
}

async function urls(): Promise<ReadonlyMap<string, string>> {
  const status = lastJson(await runCli(['stack', 'status', '--json'], { root: project.path }));
  const components = status.components as readonly Component[];
  return new Map(components.flatMap(({ name, url }) => (url === undefined ? [] : [[name, url]])));
}

async function until(ask: () => Promise<string>, wanted: string): Promise<number> {
  const began = Date.now();
  let answer = '';
  while (Date.now() - began < CHANGE_LIMIT_MS) {
    answer = await ask();
    if (answer.includes(wanted)) return Date.now() - began;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  throw new Error(`no "${wanted}" within ${CHANGE_LIMIT_MS / 1000} s, but: ${answer}`);
}

async function expectNothingLeft(): Promise<void> {
  expect((await survivorsAfter(seen, END_LIMIT_MS)).map(({ command }) => command)).toEqual([]);
  expect((await leftoversAfter(project.path, END_LIMIT_MS)).map(({ command }) => command)).toEqual([]);
}

it('starts everything, brings a change of the source within seconds, and leaves nothing behind', async () => {
  const running = await dev(RUN);
  const stdout = running.stdout();
  const at = await urls();
  for (const name of ['app', 'redis', 'prometheus']) expect(stdout).toContain(at.get(name));
  const app = at.get('app') ?? '';
  expect(await (await fetch(`${app}/status`)).json()).toMatchObject({
    environment: 'local',
    cache: { mode: 'redis' },
  });
  expect((await fetch(`${at.get('prometheus')}/-/ready`)).status).toBe(200);

  const file = join(project.path, 'app/src/config.ts');
  const source = readFileSync(file, 'utf8');
  const ask = async () => (await fetch(app, { headers: { connection: 'close' } })).text();
  writeFileSync(file, source.replace('Hello from Towpath', 'Hello again'));
  const ms = await until(ask, 'Hello again');
  console.log(`from saving a file to its first answer: ${ms} ms`);
  expect(ms).toBeLessThan(RELOAD_GOAL_MS);

  writeFileSync(file, `${source}\nconst broken = ;\n`);
  await untilOutput(running, 'does not build; the version before goes on', CHANGE_LIMIT_MS);
  await untilOutput(running, 'src/config.ts:', CHANGE_LIMIT_MS);
  expect(await ask()).toContain('Hello again');
  writeFileSync(file, source);
  await until(ask, 'Hello from Towpath');

  running.signal('SIGINT');
  const { exitCode, stdout: all, stderr } = await running.ended;
  expect(exitCode, stderr).toBe(0);
  expect(all).toContain('the stack has stopped; nothing is left running');
  await expectNothingLeft();
});

it('ends with the command, when that is killed with -9', async () => {
  const running = await dev(NPM);
  running.signal('SIGKILL');
  await expectNothingLeft();
});

it('ends well when stack down ends it in another terminal, and says so', async () => {
  const running = await dev(RUN);
  const down = await runCli(['stack', 'down'], { root: project.path });
  expect(down.stdout).toContain('the local development stack has stopped');
  const { exitCode, stdout, stderr } = await running.ended;
  expect(exitCode, stderr).toBe(0);
  expect(stdout).toContain('the stack was stopped from elsewhere, by towpath stack down or a signal');
  await expectNothingLeft();
});

it('runs in the background until it is stopped; what a killed one leaves is found', async () => {
  const up = await runCli(['stack', 'up', ...NATIVE, '--json'], { root: project.path });
  expect(up.exitCode, up.stdout).toBe(0);
  const { pid } = lastJson(up) as { pid: number };
  seen = processTree(pid);
  expect((await runCli(['stack', 'status'], { root: project.path })).stdout).toContain('✓ Prometheus');
  process.kill(pid, 'SIGKILL');
  await expectNothingLeft();
  const again = await runCli(['stack', 'up', ...NATIVE, '--json'], { root: project.path });
  expect(again.exitCode, again.stdout).toBe(0);
  seen = processTree((lastJson(again) as { pid: number }).pid);
  const down = await runCli(['stack', 'down'], { root: project.path });
  expect(down.stdout).toContain('the local development stack has stopped');
  await expectNothingLeft();
});
