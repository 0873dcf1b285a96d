/**
 * The services that the embedded AWS itself is, put together on a control plane that runs: metrics and load balancers,
 * images and the tasks that are made of them, scaling, chaos; then the gateway opens on all of it. What comes before
 * them (lock, moto, journal, identities) is the daemon's.
 */
import { join } from 'node:path';
import { startAutoscaler } from './autoscaling/autoscaler.ts';
import { createAutoscalingOverlay } from './autoscaling/autoscaling-overlay.ts';
import { AutoscalingStore } from './autoscaling/autoscaling-store.ts';
import { createLocalPorts, type LocalPorts, type MovedPort } from './balancer/local-ports.ts';
import { createLoadBalancerPlane } from './balancer/plane.ts';
import { createLogObjectWriter } from './balancer/put-log-object.ts';
import { type Chaos, createChaos } from './chaos/create-chaos.ts';
import { type CloudWatch, createCloudWatch } from './cloudwatch/create-cloudwatch.ts';
import type {
  Clock,
  ControlPlane,
  LoadBalancerPlane,
  LocalEnvironment,
  Overlay,
  TaskDriver,
} from './contract.ts';
import { createRuleDescriptionsOverlay } from './ec2/rule-descriptions-overlay.ts';
import { type ImageRegistry, openImageRegistry } from './ecr/open-image-registry.ts';
import { createEcs, type Ecs } from './ecs/index.ts';
import { createElbv2Overlay } from './elbv2/elbv2-overlay.ts';
import { restoreLoadBalancers } from './elbv2/restore-load-balancers.ts';
import { createEventBus } from './events/event-bus.ts';
import { createSessionDesk, sessionPathPrefix } from './exec/session-desk.ts';
import { createConditionsRoute } from './gateway/conditions-route.ts';
import type { Gateway } from './gateway/gateway-server.ts';
import { createMetadataRoute, createScrapeTargetsRoute, createStatusRoute } from './gateway/local-routes.ts';
import type { MotoClient } from './gateway/moto-client.ts';
import type { Identities } from './identities/create-identities.ts';
import type { LocalStatus } from './local-status.ts';
import { createLogMetrics, type LogMetrics } from './logs/log-metrics.ts';
import { createLogsOverlay } from './logs/logs-overlay.ts';
import { noticeWrites } from './network/notice-writes.ts';
import { CloudWatchLogSink } from './runtime/cloudwatch-log-sink.ts';
import { keepParts } from './state/keep-parts.ts';
import { type SnapshotStore, saveBeforeAnswer } from './state/snapshot-store.ts';
import { createSystemClock } from './system-clock.ts';

/** Tasks get this long to end by themselves when the embedded AWS stops. */
const taskStopTimeoutMs = 5_000;

/** Name of the part that is kept. */
const portsPart = 'load-balancer-ports';

/** Tasks, images and load balancers exist in one region; all else is moto's, in every region. */
const regionalServices: ReadonlySet<string> = new Set([
  'ecs',
  'ecr',
  'application-autoscaling',
  'elasticloadbalancing',
]);

/** The stop of one part; the last that was registered runs first. */
export interface Cleanup {
  readonly name: string;
  readonly run: () => void | Promise<void>;
}

/** What the driver of the tasks is made of, but for what the daemon knows about its system. */
export interface TaskSurroundings {
  readonly images: ImageRegistry['images'];
  readonly logs: CloudWatchLogSink;
  readonly clock: Clock;
  readonly endpoint: () => string;
}

/** What is there before the services. */
export interface Foundation {
  readonly stateDir: string;
  readonly speed: number;
  readonly log: (line: string) => void;
  readonly cleanups: Cleanup[];
  readonly gateway: Gateway;
  readonly control: ControlPlane;
  /** moto's, through the journal. */
  readonly client: MotoClient;
  readonly motoFailure: () => string | undefined;
  /** Signing names of the services that have anything from earlier runs. */
  readonly restoredServices: ReadonlySet<string>;
  readonly snapshots: SnapshotStore;
  readonly journalSize: () => LocalStatus['journal'];
  /** Made meanwhile: the control plane loads the code of IAM for them. */
  readonly identities: Promise<Identities>;
  readonly createDriver: (surroundings: TaskSurroundings) => TaskDriver;
}

/**
 * @param info what `local status` says besides what the services know
 * @param requestStop someone asked for the end over HTTP
 * @returns load balancers that did not get the port back that they had
 */
export async function composeServices(
  foundation: Foundation,
  info: Omit<LocalStatus, 'movedPorts' | 'environments' | 'chaos' | 'journal'>,
  requestStop: () => void,
): Promise<readonly MovedPort[]> {
  const { control, log, cleanups, snapshots } = foundation;
  const clock = createSystemClock(foundation.speed);
  const traffic = await startTraffic(foundation, clock);
  const workload = await startWorkload(foundation, clock, traffic);
  const store = new AutoscalingStore();
  const descriptions = createRuleDescriptionsOverlay();
  const { registry: images, ecs } = workload;
  const changed = () => snapshots.touch('chaos');
  const identities = await foundation.identities;
  const chaos = createChaos({ ecs, control, identities, clock, log, changed });
  cleanups.push({ name: 'chaos', run: () => chaos.close() });
  await keepParts(snapshots, { images, ecs, autoscaling: store, descriptions, chaos });
  const autoscaling = startScaling(foundation, { store, ecs, clock, cloudwatch: traffic.cloudwatch });
  // The first to stop: how tasks end with the embedded AWS is not worth keeping.
  cleanups.push({ name: 'snapshots', run: () => snapshots.close() });
  const { driver } = workload;
  const balancers = createElbv2Overlay({ control, plane: traffic.plane, log });
  const status = (): LocalStatus => ({
    ...info,
    driver: driver.description ?? driver.name,
    movedPorts: traffic.ports.moved(),
    environments: ecs.status(),
    chaos: chaos.active(),
    journal: foundation.journalSize(),
  });
  openGateway(foundation, {
    ...workload,
    chaos,
    // In the order in which they are asked.
    overlays: [
      saveBeforeAnswer(ecs.overlay, snapshots, 'ecs'),
      saveBeforeAnswer(autoscaling, snapshots, 'autoscaling'),
      traffic.cloudwatch.overlay,
      noticeWrites(saveBeforeAnswer(balancers, snapshots, portsPart), ecs.networkChanged),
      saveBeforeAnswer(images.overlay, snapshots, 'images'),
      createLogsOverlay(control, traffic.logMetrics),
      noticeWrites(saveBeforeAnswer(descriptions, snapshots, 'rule-descriptions'), ecs.networkChanged),
    ],
    statusRoute: createStatusRoute(status, requestStop),
  });
  return traffic.ports.moved();
}

interface Traffic {
  readonly cloudwatch: CloudWatch;
  readonly logMetrics: LogMetrics;
  readonly plane: LoadBalancerPlane;
  readonly ports: LocalPorts;
}

/** Load balancers, those of earlier runs among them, and the metrics that they report to. */
async function startTraffic(
  { stateDir, control, client, restoredServices, snapshots, cleanups, log }: Foundation,
  clock: Clock,
): Promise<Traffic> {
  const cloudwatch = createCloudWatch({ clock, control, log });
  cleanups.push({ name: 'metrics and alarms', run: () => cloudwatch.stop() });
  const logMetrics = createLogMetrics({ clock, control, sink: cloudwatch.metrics, log });
  cleanups.push({ name: 'metrics of logs', run: () => logMetrics.stop() });
  const { region, accountId } = control;
  const accessLogs = {
    folder: join(stateDir, 'access-logs'),
    accountId,
    region,
    putObject: createLogObjectWriter(client, region),
  };
  const ports = createLocalPorts({ log, changed: () => snapshots.touch(portsPart) });
  snapshots.add({ name: portsPart, ...ports });
  const plane = createLoadBalancerPlane({ clock, log, ports, accessLogs, metrics: cloudwatch.metrics });
  cleanups.push({ name: 'load balancer', run: () => plane.close() });
  // Asking loads a second's worth of moto's code: not where there can be none.
  if (restoredServices.has('elasticloadbalancing')) await restoreLoadBalancers(control, plane);
  return { cloudwatch, logMetrics, plane, ports };
}

interface Workload {
  readonly registry: ImageRegistry;
  readonly driver: TaskDriver;
  readonly sessions: ReturnType<typeof createSessionDesk>;
  readonly ecs: Ecs;
}

/** Images, what runs them, and the scheduler that decides what runs. */
async function startWorkload(
  foundation: Foundation,
  clock: Clock,
  { cloudwatch, logMetrics, plane: balancer }: Traffic,
): Promise<Workload> {
  const { stateDir, speed, gateway, control, snapshots, cleanups, log } = foundation;
  const endpoint = () => gateway.endpoint;
  const now = () => clock.now();
  const onPush = () => snapshots.save('images');
  const registry = await openImageRegistry({ stateDir, control, endpoint, now, onPush });
  const logs = new CloudWatchLogSink({ control, clock, delivered: logMetrics.observe });
  const driver = foundation.createDriver({ images: registry.images, logs, clock, endpoint });
  cleanups.push({ name: 'tasks', run: () => driver.stopAll(taskStopTimeoutMs) });
  const sessions = createSessionDesk({ endpoint, log });
  cleanups.push({ name: 'exec sessions', run: () => sessions.close() });
  const events = createEventBus({ clock, control, sink: cloudwatch.metrics, log });
  cleanups.push({ name: 'event bus', run: () => events.stop() });
  const ecs = createEcs({ clock, control, driver, balancer, sessions, endpoint, speed, log, events });
  cleanups.push({ name: 'scheduler', run: () => ecs.stop() });
  return { registry, driver, sessions, ecs };
}

interface ScalingParts {
  readonly store: AutoscalingStore;
  readonly ecs: Ecs;
  readonly clock: Clock;
  readonly cloudwatch: CloudWatch;
}

/** Application Auto Scaling's API, and what acts on it with each round of the alarms. */
function startScaling({ control, cleanups, log }: Foundation, parts: ScalingParts): Overlay {
  const { store, ecs, clock, cloudwatch } = parts;
  const setDesiredCount = (resourceId: string, count: number, cause: string) =>
    ecs.setDesiredCount(resourceId, count, cause);
  const services = () => ecs.services();
  const autoscaler = startAutoscaler({ store, clock, services, setDesiredCount, log });
  cleanups.push({ name: 'autoscaler', run: () => autoscaler.stop() });
  cloudwatch.start({ services, onRound: (alarms, at) => autoscaler.onRound(alarms, at) });
  return createAutoscalingOverlay({
    store,
    control,
    now: () => clock.now(),
    desiredCount: (resourceId) => findService(ecs.status(), resourceId)?.desired,
    setDesiredCount,
  });
}

/** @param resourceId `service/CLUSTER/NAME` */
function findService(
  environments: readonly LocalEnvironment[],
  resourceId: string,
): LocalEnvironment | undefined {
  return environments.find(({ cluster, service }) => `service/${cluster}/${service}` === resourceId);
}

interface Served extends Workload {
  readonly chaos: Chaos;
  readonly overlays: readonly Overlay[];
  readonly statusRoute: ReturnType<typeof createStatusRoute>;
}

/** From here on calls are answered. */
function openGateway({ gateway, client, motoFailure }: Foundation, served: Served): void {
  const { chaos, overlays, statusRoute, ecs, registry, sessions } = served;
  gateway.open({
    moto: client,
    regionalServices,
    motoFailure,
    admit: chaos.admit,
    overlays,
    routes: [
      createConditionsRoute(ecs.conditions),
      chaos.route,
      // Before the status, whose prefix is shorter.
      createScrapeTargetsRoute(ecs.scrapeTargets),
      statusRoute,
      createMetadataRoute(ecs.metadata),
      registry.route,
    ],
    upgrades: [{ prefix: sessionPathPrefix, upgrade: sessions.upgrade }],
  });
}
