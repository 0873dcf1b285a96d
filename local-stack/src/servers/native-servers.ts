/** Runs the servers of the stack as programs of this computer, those that are installed. */
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { findProgram } from '../../../local-aws/src/runtime/program-lookup.ts';
import { openDaemonLog } from '../../../local-aws/src/state/daemon-log.ts';
import type { Clock, Component } from '../contract.ts';
import type { Program, StartProgram } from '../start-program.ts';
import type { ServerProgram, ServerSurroundings } from './server-program.ts';
import { untilReady } from './until-ready.ts';

const READY_LIMIT_MS = 30_000;

export interface RunningServer {
  /** As it is now. */
  component(): Component | Promise<Component>;
}

export interface NativeServerOptions {
  readonly around: Omit<ServerSurroundings, 'program' | 'folder'>;
  readonly stateDir: string;
  readonly start: StartProgram;
  readonly clock: Clock;
  /** Told as soon as there is something to stop. */
  readonly onStop: (name: string, stop: () => Promise<void>) => void;
  readonly variables: Readonly<Record<string, string | undefined>>;
}

/** @returns its path; undefined where none of its names is on the PATH */
export async function findServerProgram(
  { programs }: ServerProgram,
  path: string | undefined,
): Promise<string | undefined> {
  for (const name of programs) {
    const found = await findProgram(name, { rootfs: '/', workingDirectory: '/', hostPath: path ?? '' });
    if (found !== undefined) return found;
  }
  return undefined;
}

/** The component of a server whose program is not there. */
export function missingServer(server: ServerProgram): Component {
  return {
    name: server.name,
    title: server.title,
    state: 'missing',
    runner: 'native',
    url: undefined,
    detail: `${server.programs.join(' or ')} is not on the PATH`,
    hint: server.install,
  };
}

export async function startNativeServer(
  server: ServerProgram,
  program: string,
  options: NativeServerOptions,
): Promise<RunningServer> {
  const { around, stateDir, start, clock, onStop, variables } = options;
  const folder = join(stateDir, server.name);
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const logFile = join(stateDir, `${server.name}.log`);
  const surroundings = { ...around, folder, program };
  const running = start({
    command: [program, ...server.args(surroundings)],
    cwd: folder,
    env: { ...variables, ...server.environment?.(surroundings) },
    onLine: openDaemonLog(logFile),
  });
  onStop(server.title, () => running.stop());
  let end: string | undefined;
  void running.ended.then(({ reason }) => {
    end = reason;
  });
  const port = around.ports[server.name];
  const failure = await untilReady(server, port, READY_LIMIT_MS, clock, () => end);
  if (failure !== undefined) await running.stop();
  return { component: () => describe(server, port, running, failure, end, logFile) };
}

function describe(
  server: ServerProgram,
  port: number,
  running: Program,
  failure: string | undefined,
  end: string | undefined,
  logFile: string,
): Component {
  const { name, title, usualPort } = server;
  const base = { name, title, runner: 'native' as const, url: server.url(port) };
  if (failure !== undefined) {
    const last = running.tail().at(-1);
    const detail = last === undefined ? failure : `${failure}; its last line: ${last}`;
    return { ...base, state: 'failed', url: undefined, detail, hint: `see ${logFile}` };
  }
  if (end !== undefined)
    return {
      ...base,
      state: 'ended',
      url: undefined,
      detail: `it ended by itself: ${end}`,
      hint: `see ${logFile}`,
    };
  const detail = port === usualPort ? undefined : `port ${usualPort} is taken by another program`;
  return { ...base, state: 'running', detail, hint: undefined };
}
