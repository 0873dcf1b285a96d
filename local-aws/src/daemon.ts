/**
 * Puts the embedded AWS together and takes it apart: moto, gateway, registry, scheduler, tasks, load balancer.
 * Each part's stop is registered before the next part starts, so that a failure half way leaves nothing behind.
 */
import { chmodSync, mkdirSync, rmSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { createAutoscalingOverlay } from './autoscaling/autoscaling-overlay.ts';
import { AutoscalingStore } from './autoscaling/autoscaling-store.ts';
import { createLoadBalancerPlane } from './balancer/plane.ts';
import type { Clock, ControlPlane, LocalEnvironment, LocalStatus } from './contract.ts';
import { createRuleDescriptionsOverlay } from './ec2/rule-descriptions-overlay.ts';
import { openImageRegistry } from './ecr/open-image-registry.ts';
import { createEcs } from './ecs/index.ts';
import { createElbv2Overlay } from './elbv2/elbv2-overlay.ts';
import { createConditionsRoute } from './gateway/conditions-route.ts';
import { createControlPlane } from './gateway/control-plane.ts';
import { type Gateway, startGateway } from './gateway/gateway-server.ts';
import { createMetadataRoute, createStatusRoute } from './gateway/local-routes.ts';
import { createMotoClient, type MotoClient } from './gateway/moto-client.ts';
import { createIdentities } from './identities/create-identities.ts';
import { findMoto } from './moto/find-moto.ts';
import { type MotoProcess, startMoto } from './moto/moto-process.ts';
import { noticeWrites } from './network/notice-writes.ts';
import { CloudWatchLogSink } from './runtime/cloudwatch-log-sink.ts';
import { createProcessDriver } from './runtime/process-driver.ts';
import { type ChildRegister, endLeftovers, openChildRegister } from './state/child-register.ts';
import { openDaemonLog } from './state/daemon-log.ts';
import { writePrivateFile } from './state/private-file.ts';
import { acquireStateLock } from './state/state-lock.ts';
import { createSystemClock } from './system-clock.ts';

export const accountId = '123456789012';

/** Tasks get this long to end by themselves when the embedded AWS stops. */
const taskStopTimeoutMs = 5_000;
/** No part may hold up the end of the others for longer. */
const partStopTimeoutMs = 10_000;

/** Tasks, images and load balancers exist in one region; all else is moto's, in every region. */
export const regionalServices: ReadonlySet<string> = new Set([
  'ecs',
  'ecr',
  'application-autoscaling',
  'elasticloadbalancing',
]);

export interface DaemonOptions {
  readonly stateDir: string;
  /** undefined: 4700, or one of the 19 ports after it. */
  readonly port: number | undefined;
  /** Divides every interval of AWS; 1 is real time. */
  readonly speed: number;
  readonly region: string;
  /** The pinned requirements file for a virtual environment, when moto is not installed. */
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
}

export interface Daemon {
  readonly info: DaemonInfo;
  /** Resolves when someone asked for the stop over HTTP, or when moto died: then with the reason. */
  readonly ended: Promise<{ readonly failure: string | undefined }>;
  /** Idempotent. */
  stop(): Promise<void>;
}

interface Cleanup {
  readonly name: string;
  readonly run: () => void | Promise<void>;
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
    const children = openChildRegister(options.stateDir);
    cleanups.push({ name: 'children', run: () => children.close() });
    return await startParts({
      options,
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

interface Starting {
  readonly options: DaemonOptions;
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
  const { moto, client } = await startControlPlane(starting);
  const control = createControlPlane(client, { region, accountId });
  const identities = await createIdentities(control);
  const identitiesFile = join(stateDir, 'identities.json');
  cleanups.push({ name: 'identities', run: () => rmSync(identitiesFile, { force: true }) });
  writePrivateFile(identitiesFile, identities);

  const info: DaemonInfo = {
    endpoint: gateway.endpoint,
    pid: process.pid,
    speed: options.speed,
    startedAt: new Date().toISOString(),
    region,
    accountId,
  };
  let endedBy: (end: { failure: string | undefined }) => void = () => undefined;
  const ended = new Promise<{ failure: string | undefined }>((settle) => {
    endedBy = settle;
  });
  await composeServices(starting, gateway, control, moto, client, info, () =>
    endedBy({ failure: undefined }),
  );
  void moto.crashed.then((failure) => {
    log(failure);
    endedBy({ failure });
  });
  const infoFile = join(stateDir, 'local.json');
  cleanups.push({ name: 'local.json', run: () => rmSync(infoFile, { force: true }) });
  writePrivateFile(infoFile, info);
  log(`ready on ${info.endpoint}`);
  return { info, ended, stop };
}

async function startControlPlane(starting: Starting): Promise<{ moto: MotoProcess; client: MotoClient }> {
  const { options, log, children, cleanups } = starting;
  const { stateDir, requirements, region, environment } = options;
  const program = await findMoto({ stateDir, requirements, path: environment.PATH ?? '', log });
  const track = (pid: number, alive: boolean) => children.track(pid, alive);
  const moto = await startMoto({ program, region, accountId, environment, track, log });
  cleanups.push({ name: 'moto', run: () => moto.stop() });
  const client = createMotoClient(moto.baseUrl);
  cleanups.push({ name: 'moto client', run: () => client.close() });
  return { moto, client };
}

async function composeServices(
  { options, log, children, cleanups }: Starting,
  gateway: Gateway,
  control: ControlPlane,
  moto: MotoProcess,
  client: MotoClient,
  info: DaemonInfo,
  requestStop: () => void,
): Promise<void> {
  const { stateDir, speed } = options;
  const clock: Clock = createSystemClock(speed);
  const endpoint = () => gateway.endpoint;
  const now = () => clock.now();
  const registry = await openImageRegistry({ stateDir, control, endpoint, now });
  const plane = createLoadBalancerPlane({ clock, log });
  cleanups.push({ name: 'load balancer', run: () => plane.close() });
  const driver = createProcessDriver({
    stateDir,
    images: registry.images,
    logs: new CloudWatchLogSink({ control, clock }),
    clock,
    log,
    track: ({ pid }, alive) => children.track(pid, alive),
  });
  cleanups.push({ name: 'tasks', run: () => driver.stopAll(taskStopTimeoutMs) });
  const ecs = createEcs({ clock, control, driver, balancer: plane, endpoint, speed, log });
  cleanups.push({ name: 'scheduler', run: () => ecs.stop() });
  const autoscaling = createAutoscalingOverlay({
    store: new AutoscalingStore(),
    control,
    now,
    desiredCount: (resourceId) => findService(ecs.status(), resourceId)?.desired,
    setDesiredCount: (resourceId, count, cause) => ecs.setDesiredCount(resourceId, count, cause),
  });
  const status = (): LocalStatus => ({ ...info, driver: driver.name, environments: ecs.status() });
  gateway.open({
    moto: client,
    regionalServices,
    motoFailure: () => moto.failure(),
    overlays: [
      ecs.overlay,
      autoscaling,
      noticeWrites(createElbv2Overlay({ control, plane, log }), ecs.networkChanged),
      registry.overlay,
      noticeWrites(createRuleDescriptionsOverlay(), ecs.networkChanged),
    ],
    routes: [
      createConditionsRoute(ecs.conditions),
      createStatusRoute(status, requestStop),
      createMetadataRoute(ecs.metadata),
      registry.route,
    ],
  });
}

/** @param resourceId `service/CLUSTER/NAME` */
function findService(
  environments: readonly LocalEnvironment[],
  resourceId: string,
): LocalEnvironment | undefined {
  return environments.find(({ cluster, service }) => `service/${cluster}/${service}` === resourceId);
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
