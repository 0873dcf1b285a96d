/**
 * Starts the embedded AWS and takes it apart: lock, gateway, moto with what earlier runs have left, then the services.
 * Each part's stop is registered before the next part starts, so that a failure half way leaves nothing behind.
 */
import { chmodSync, existsSync, mkdirSync, rmSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import type { MovedPort } from './balancer/local-ports.ts';
import type { Cleanup } from './compose-services.ts';
import type { ControlPlane, TaskDriver } from './contract.ts';
import { createControlPlane } from './gateway/control-plane.ts';
import { startGateway } from './gateway/gateway-server.ts';
import { createIdentities, type Identities } from './identities/create-identities.ts';
import { findMoto } from './moto/find-moto.ts';
import { type MotoProcess, startMoto } from './moto/moto-process.ts';
import type { DockerEngine } from './runtime/docker-engine.ts';
import { removeLeftContainers } from './runtime/docker-leftovers.ts';
import { findDockerEngine } from './runtime/find-docker-engine.ts';
import { type ChildRegister, endLeftovers, openChildRegister } from './state/child-register.ts';
import { openDaemonLog } from './state/daemon-log.ts';
import {
  type BroughtBack,
  type KeptState,
  openKeptState,
  purgeState,
  type Restored,
} from './state/kept-state.ts';
import { writePrivateFile } from './state/private-file.ts';
import { acquireStateLock } from './state/state-lock.ts';

export const accountId = '123456789012';

/** No part may hold up the end of the others for longer. */
const partStopTimeoutMs = 10_000;

export interface DaemonOptions {
  readonly stateDir: string;
  /** undefined: 4700, or one of the 19 ports after it. */
  readonly port: number | undefined;
  /** Divides every interval of AWS; 1 is real time. */
  readonly speed: number;
  readonly region: string;
  /** `docker` runs tasks as containers of their images, and needs an engine; `process` when left out. */
  readonly driver?: TaskDriver['name'];
  /** The pinned requirements file for a virtual environment, when moto is not installed; `moto-repeatable/` is beside it. */
  readonly requirements: string;
  /** The environment of the process, of which little is handed on. */
  readonly environment: Readonly<Record<string, string | undefined>>;
}

export interface DaemonInfo {
  readonly endpoint: string;
  readonly pid: number;
  readonly speed: number;
  readonly startedAt: string;
  readonly region: string;
  readonly accountId: string;
  readonly driver: TaskDriver['name'];
  /** What was there from earlier runs. */
  readonly restored: Restored;
  /** Load balancers whose port somebody else has now. */
  readonly movedPorts: readonly MovedPort[];
}

export interface Daemon {
  readonly info: DaemonInfo;
  /** Resolves when someone asked for the stop over HTTP, or when moto died: then with the reason. */
  readonly ended: Promise<{ readonly failure: string | undefined }>;
  /** Idempotent. */
  stop(): Promise<void>;
}

/** @throws errors with `message` and, mostly, `hint`: state directory locked, port busy, moto missing or broken */
export async function startDaemon(given: DaemonOptions): Promise<Daemon> {
  const options = { ...given, stateDir: resolve(given.stateDir) };
  mkdirSync(options.stateDir, { recursive: true, mode: 0o700 });
  chmodSync(options.stateDir, 0o700);
  const lock = acquireStateLock(options.stateDir);
  const cleanups: Cleanup[] = [{ name: 'lock', run: () => lock.release() }];
  const log = openDaemonLog(join(options.stateDir, 'daemon.log'));
  let stopping: Promise<void> | undefined;
  const stop = () => {
    stopping ??= runCleanups(cleanups, log);
    return stopping;
  };
  try {
    const leftovers = await endLeftovers(options.stateDir);
    if (leftovers.length > 0) log(`ended processes that an earlier run had left: ${leftovers.join(', ')}`);
    if (options.driver !== 'docker') await removeContainers(options.stateDir, log);
    const children = openChildRegister(options.stateDir);
    cleanups.push({ name: 'children', run: () => children.close() });
    return await startParts({
      options,
      // First of all: whoever has no engine should not wait for the rest.
      engine: options.driver === 'docker' ? await findDockerEngine(options.environment) : undefined,
      log,
      children,
      cleanups,
      stop,
      publish: (endpoint) => lock.publish(endpoint),
    });
  } catch (error) {
    log(`start failed: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`);
    await stop();
    throw error;
  }
}

/** The driver `docker` removes what is left itself. No engine is no reason not to start without one. */
async function removeContainers(stateDir: string, log: (line: string) => void): Promise<void> {
  try {
    const removed = await removeLeftContainers(stateDir);
    if (removed > 0) log(`removed ${removed} containers that an earlier run had left`);
  } catch (error) {
    log(error instanceof Error ? error.message : String(error));
  }
}

/**
 * Forgets everything that earlier runs have left in the state directory, running processes included.
 * @returns whether there was a state
 * @throws StateLockedError while a daemon runs on it; ContainersLeftError when their engine does not answer
 */
export async function purge(stateDir: string): Promise<boolean> {
  const folder = resolve(stateDir);
  if (!existsSync(folder)) return false;
  const lock = acquireStateLock(folder);
  try {
    await endLeftovers(folder);
    await removeLeftContainers(folder);
    return purgeState(folder);
  } finally {
    lock.release();
  }
}

interface Starting {
  readonly options: DaemonOptions;
  readonly engine: DockerEngine | undefined;
  readonly log: (line: string) => void;
  readonly children: ChildRegister;
  readonly cleanups: Cleanup[];
  readonly stop: () => Promise<void>;
  readonly publish: (endpoint: string) => void;
}

async function startParts(starting: Starting): Promise<Daemon> {
  const { options, log, cleanups, stop } = starting;
  const { region, stateDir } = options;
  // The port first: a busy one is known at once, not after moto's start.
  const gateway = await startGateway({ port: options.port, region, accountId, log });
  cleanups.push({ name: 'gateway', run: () => gateway.close() });
  starting.publish(gateway.endpoint);
  const kept = openKeptState({ stateDir, region, accountId, log });
  cleanups.push({ name: 'journal', run: () => kept.close() });
  const { moto, client, restored, restoredServices, services } = await startControlPlane(starting, kept);
  const control = createControlPlane(client, { region, accountId });
  const identitiesFile = join(stateDir, 'identities.json');
  cleanups.push({ name: 'identities', run: () => rmSync(identitiesFile, { force: true }) });
  const identities = keepIdentities(control, kept, identitiesFile);
  // The services await them, unless they fail before.
  identities.catch(() => undefined);
  const known = {
    endpoint: gateway.endpoint,
    pid: process.pid,
    speed: options.speed,
    startedAt: new Date().toISOString(),
    region,
    accountId,
    driver: options.driver ?? 'process',
    restored,
  } satisfies Partial<DaemonInfo>;
  let endedBy: (end: { failure: string | undefined }) => void = () => undefined;
  const ended = new Promise<{ failure: string | undefined }>((settle) => {
    endedBy = settle;
  });
  const movedPorts = await services.composeServices(
    {
      stateDir,
      speed: options.speed,
      log,
      cleanups,
      gateway,
      control,
      client,
      motoFailure: () => moto.failure(),
      restoredServices,
      snapshots: kept.snapshots,
      journalSize: () => kept.journalSize(),
      identities,
      createDriver: (surroundings) =>
        services.createTaskDriver(starting.engine, {
          ...surroundings,
          stateDir,
          log,
          track: ({ pid }, alive) => starting.children.track(pid, alive),
        }),
    },
    known,
    () => endedBy({ failure: undefined }),
  );
  void moto.crashed.then((failure) => {
    log(failure);
    endedBy({ failure });
  });
  const infoFile = join(stateDir, 'local.json');
  cleanups.push({ name: 'local.json', run: () => rmSync(infoFile, { force: true }) });
  const info: DaemonInfo = { ...known, movedPorts };
  writePrivateFile(infoFile, info);
  log(`ready on ${info.endpoint}`);
  return { info, ended, stop };
}

async function keepIdentities(
  control: ControlPlane,
  { snapshots }: KeptState,
  file: string,
): Promise<Identities> {
  let identities: Identities | undefined;
  snapshots.add({
    name: 'identities',
    snapshot: () => identities ?? {},
    restore: (saved) => {
      identities = saved as Identities;
    },
  });
  identities = await createIdentities(control, identities);
  snapshots.save('identities');
  writePrivateFile(file, identities);
  return identities;
}

/** Its client goes through the journal. */
interface StartedControlPlane extends BroughtBack {
  readonly moto: MotoProcess;
  readonly services: Services;
}

/** Most of the program: read while moto starts, which takes longer, and not before. */
async function loadServices() {
  const [client, services, driver] = await Promise.all([
    import('./gateway/moto-client.ts'),
    import('./compose-services.ts'),
    import('./runtime/create-task-driver.ts'),
  ]);
  return { ...client, ...services, ...driver };
}

type Services = Awaited<ReturnType<typeof loadServices>>;

async function startControlPlane(starting: Starting, kept: KeptState): Promise<StartedControlPlane> {
  const { options, log, children, cleanups } = starting;
  const { stateDir, requirements, region, environment } = options;
  const program = await findMoto({ stateDir, requirements, path: environment.PATH ?? '', log });
  const track = (pid: number, alive: boolean) => children.track(pid, alive);
  const pythonPath = join(dirname(requirements), 'moto-repeatable');
  const launch = { program, region, accountId, pythonPath, environment, track, log };
  let loading: Promise<Services> | undefined;
  const spawned = () => {
    loading ??= loadServices();
  };
  const moto = await startMoto({ ...launch, spawned });
  cleanups.push({ name: 'moto', run: () => moto.stop() });
  const services = await (loading ?? loadServices());
  const direct = services.createMotoClient(moto.baseUrl);
  cleanups.push({ name: 'moto client', run: () => direct.close() });
  return { moto, services, ...(await kept.bringBack(direct)) };
}

/** Last started, first stopped. A part that fails or hangs does not keep the others. */
async function runCleanups(cleanups: readonly Cleanup[], log: (line: string) => void): Promise<void> {
  for (const { name, run } of [...cleanups].reverse()) {
    let timer: NodeJS.Timeout | undefined;
    const timeout = new Promise<void>((resolve) => {
      timer = setTimeout(() => {
        log(`stop: ${name} did not end within ${partStopTimeoutMs} ms`);
        resolve();
      }, partStopTimeoutMs);
    });
    try {
      await Promise.race([run(), timeout]);
    } catch (error) {
      log(`stop: ${name}: ${error instanceof Error ? error.message : String(error)}`);
    }
    clearTimeout(timer);
  }
  log('stopped');
}
