/**
 * Puts the local development stack together and takes it apart: control port, Redis, Prometheus, Grafana, the app.
 * Each part's stop is registered before the next part starts, so that a failure half way leaves nothing behind.
 */
import { randomBytes } from 'node:crypto';
import { mkdirSync, rmSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { endLeftovers, openChildRegister } from '../../local-aws/src/state/child-register.ts';
import { openDaemonLog } from '../../local-aws/src/state/daemon-log.ts';
import { writePrivateFile } from '../../local-aws/src/state/private-file.ts';
import { acquireStateLock } from '../../local-aws/src/state/state-lock.ts';
import { createSystemClock } from '../../local-aws/src/system-clock.ts';
import type { Clock, Component, DevService, StackEvent, StackOptions, StackStatus } from './contract.ts';
import { openControlServer } from './control-server.ts';
import { findFreePort } from './free-port.ts';
import { type FrontPort, openFrontPort } from './live-reload/front-port.ts';
import { type LiveApp, startLiveApp } from './live-reload/live-app.ts';
import { scanSource } from './live-reload/scan-source.ts';
import { composeDown } from './servers/compose-servers.ts';
import { SERVER_PROGRAMS, type ServerPorts } from './servers/server-program.ts';
import { startServers } from './servers/start-servers.ts';
import { createProgramStarter, type StartProgram } from './start-program.ts';
import { discoverTasks } from './task-discovery.ts';

/** No part may hold up the end of the others for longer. */
const PART_STOP_LIMIT_MS = 70_000;
const INFO_FILE = 'stack.json';

export interface Stack {
  /** Rejects when it can't start; what had started is stopped then. */
  readonly ready: Promise<StackStatus>;
  /** Also while it starts. Idempotent. */
  stop(): Promise<void>;
}

interface Cleanup {
  readonly name: string;
  readonly run: () => void | Promise<void>;
}

interface Starting {
  readonly options: StackOptions;
  readonly clock: Clock;
  readonly log: (line: string) => void;
  readonly start: StartProgram;
  readonly notify: (event: StackEvent) => void;
  readonly cleanups: Cleanup[];
  /** Aborted when the stack is to stop, perhaps while it starts: nothing is started after it. */
  readonly ending: AbortSignal;
  /** Tells whoever comes second where this one answers. */
  readonly publish: (url: string) => void;
}

/**
 * `ready` rejects with errors that have `message` and, mostly, `code` and `hint`: it runs already, or there is no engine
 * where one was asked for.
 */
export function startStack(given: StackOptions, listener: (event: StackEvent) => void): Stack {
  const options = { ...given, stateDir: resolve(given.stateDir) };
  const cleanups: Cleanup[] = [];
  let log: (line: string) => void = () => undefined;
  const ending = new AbortController();
  let stopping: Promise<void> | undefined;
  const stop = () => {
    ending.abort();
    stopping ??= runCleanups(cleanups, log);
    return stopping;
  };
  const begin = async () => {
    const starting = await openStateDir(options, listener, cleanups, ending.signal);
    log = starting.log;
    return (await startParts(starting))();
  };
  const ready = begin().catch(async (error: unknown) => {
    log(`start failed: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`);
    await stop();
    throw error;
  });
  return { ready, stop };
}

async function openStateDir(
  options: StackOptions,
  listener: (event: StackEvent) => void,
  cleanups: Cleanup[],
  ending: AbortSignal,
): Promise<Starting> {
  const { stateDir, variables } = options;
  mkdirSync(stateDir, { recursive: true, mode: 0o700 });
  const lock = acquireStateLock(stateDir, 'A local development stack');
  cleanups.push({ name: 'lock', run: () => lock.release() });
  const log = openDaemonLog(join(stateDir, 'stack.log'));
  const appLog = openDaemonLog(join(stateDir, 'app.log'));
  const notify = (event: StackEvent) => {
    if (event.type === 'log') appLog(event.line);
    else log(JSON.stringify(event));
    listener(event);
  };
  await endLeftovers(stateDir);
  const children = openChildRegister(stateDir);
  cleanups.push({ name: 'children', run: () => children.close() });
  const clock = createSystemClock(1);
  const start = createProgramStarter(children, log);
  await composeDown({ start, clock, variables, stateDir, onLine: log });
  return { options, clock, log, start, notify, cleanups, ending, publish: (url) => lock.publish(url) };
}

/**
 * Ends what a stack that was killed has left.
 * @returns whether there was anything
 */
export async function cleanStack(options: Pick<StackOptions, 'stateDir' | 'variables'>): Promise<boolean> {
  const stateDir = resolve(options.stateDir);
  mkdirSync(stateDir, { recursive: true, mode: 0o700 });
  const lock = acquireStateLock(stateDir, 'A local development stack');
  try {
    const ended = await endLeftovers(stateDir);
    const children = openChildRegister(stateDir);
    const log = () => undefined;
    const start = createProgramStarter(children, log);
    const clock = createSystemClock(1);
    const down = await composeDown({ start, clock, variables: options.variables, stateDir, onLine: log });
    children.close();
    rmSync(join(stateDir, INFO_FILE), { force: true });
    return ended.length > 0 || down;
  } finally {
    lock.release();
  }
}

async function startParts(starting: Starting): Promise<() => Promise<StackStatus>> {
  const { options, cleanups, ending } = starting;
  const { stateDir, service, localAwsDir } = options;
  const startedAt = new Date().toISOString();
  const discover = () => discoverTasks(localAwsDir);
  let status: () => Promise<StackStatus> = () => Promise.reject(new Error('the stack is starting'));
  const control = await openControlServer({
    status: () => status(),
    targets: async () => (await discover()) ?? [],
  });
  cleanups.push({ name: 'control port', run: () => control.close() });
  starting.publish(control.url);
  const front = await openFrontPort(service.port);
  cleanups.push({ name: 'port of the app', run: () => front.close() });
  const ports = await choosePorts(front.port);
  const servers = await startServers({
    ...starting,
    ports,
    appPort: front.port,
    taskTargetsUrl: `${control.url}/targets`,
    onStop: (name, run) => cleanups.push({ name, run }),
  });
  ending.throwIfAborted();
  const app = runApp(starting, front, servers.redisUrl);
  cleanups.push({ name: 'app', run: () => app.stop() });
  await app.settled;
  ending.throwIfAborted();
  status = async () => ({
    pid: process.pid,
    startedAt,
    withoutCompose: servers.withoutCompose,
    components: [appComponent(service, front, app, stateDir), ...(await servers.components())],
    tasks: (await discover())?.length,
  });
  const infoFile = join(stateDir, INFO_FILE);
  cleanups.push({ name: INFO_FILE, run: () => rmSync(infoFile, { force: true }) });
  writePrivateFile(infoFile, { pid: process.pid, url: control.url });
  return status;
}

async function choosePorts(appPort: number): Promise<ServerPorts> {
  const taken = new Set([appPort]);
  const ports: [string, number][] = [];
  for (const { name, usualPort } of SERVER_PROGRAMS) {
    const port = await findFreePort(usualPort, taken);
    taken.add(port);
    ports.push([name, port]);
  }
  return Object.fromEntries(ports) as Record<keyof ServerPorts, number>;
}

function runApp({ options, clock, start, notify }: Starting, front: FrontPort, redisUrl?: string): LiveApp {
  const { service, variables } = options;
  const secrets = service.secrets.map((name) => [name, randomBytes(32).toString('base64url')] as const);
  return startLiveApp({
    service: {
      ...service,
      environment: {
        ENVIRONMENT: 'local',
        ...Object.fromEntries(secrets),
        ...(redisUrl !== undefined && { REDIS_URL: redisUrl }),
        ...service.environment,
      },
    },
    variables,
    front,
    start,
    clock,
    scan: () => scanSource(service.folder),
    notify,
  });
}

function appComponent(service: DevService, front: FrontPort, app: LiveApp, stateDir: string): Component {
  const problem = app.problem();
  const moved = front.port === service.port ? undefined : `port ${service.port} is taken by another program`;
  return {
    name: 'app',
    title: service.name,
    state: problem === undefined ? 'running' : 'failed',
    runner: 'source',
    url: `http://127.0.0.1:${front.port}`,
    detail: problem ?? moved,
    hint:
      problem === undefined
        ? undefined
        : `mend the source; it is tried again after each change (${join(stateDir, 'app.log')})`,
  };
}

async function runCleanups(cleanups: readonly Cleanup[], log: (line: string) => void): Promise<void> {
  for (const { name, run } of [...cleanups].reverse()) {
    try {
      let timer: NodeJS.Timeout | undefined;
      const late = new Promise<never>((_, reject) => {
        timer = setTimeout(() => reject(new Error('it takes too long')), PART_STOP_LIMIT_MS);
      });
      await Promise.race([run(), late]).finally(() => clearTimeout(timer));
    } catch (error) {
      log(`stopping ${name}: ${error instanceof Error ? error.message : String(error)}`);
    }
  }
}
