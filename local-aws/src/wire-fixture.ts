/**
 * For tests only: a real moto behind a real gateway with all overlays but the scheduler's, and AWS SDK clients for it.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createAutoscalingOverlay } from './autoscaling/autoscaling-overlay.ts';
import { AutoscalingStore } from './autoscaling/autoscaling-store.ts';
import { MetricStore } from './cloudwatch/metric-store.ts';
import { createMetricsOverlay } from './cloudwatch/metrics-overlay.ts';
import type {
  ControlPlane,
  LoadBalancerPlane,
  LoadBalancerTopology,
  Overlay,
  Target,
  TargetHealth,
} from './contract.ts';
import { createRuleDescriptionsOverlay } from './ec2/rule-descriptions-overlay.ts';
import { type ImageRegistry, openImageRegistry } from './ecr/open-image-registry.ts';
import { createElbv2Overlay } from './elbv2/elbv2-overlay.ts';
import { createControlPlane } from './gateway/control-plane.ts';
import { startGateway } from './gateway/gateway-server.ts';
import { createMetadataRoute, createStatusRoute } from './gateway/local-routes.ts';
import { createMotoClient } from './gateway/moto-client.ts';
import { findMoto } from './moto/find-moto.ts';
import { type MotoProcess, startMoto } from './moto/moto-process.ts';
import { createSystemClock } from './system-clock.ts';

export const region = 'us-east-1';
export const accountId = '123456789012';
/** Of metrics and alarms: a minute takes two real seconds. */
export const speed = 30;

/** Remembers what it was told, as a load balancer would carry it out. */
export class RecordingPlane implements LoadBalancerPlane {
  topology: LoadBalancerTopology = { loadBalancers: [], targetGroups: [] };
  readonly targets = new Map<string, Target[]>();
  readonly #ports = new Map<string, number>();

  async apply(topology: LoadBalancerTopology): Promise<void> {
    this.topology = topology;
  }
  localPort(): number | undefined {
    return undefined;
  }
  async reservePort(name: string): Promise<number> {
    const port = this.#ports.get(name) ?? 8000 + this.#ports.size;
    this.#ports.set(name, port);
    return port;
  }
  register(arn: string, targets: readonly Target[]): void {
    this.targets.set(arn, [...(this.targets.get(arn) ?? []), ...targets]);
  }
  deregister(arn: string, leaving: readonly { readonly id: string; readonly port: number }[]): void {
    const left = (this.targets.get(arn) ?? []).filter(
      ({ id, port }) => !leaving.some((target) => target.id === id && target.port === port),
    );
    this.targets.set(arn, left);
  }
  health(arn: string): readonly TargetHealth[] {
    return (this.targets.get(arn) ?? []).map((target) => ({
      target,
      state: 'unhealthy',
      reason: 'Target.ResponseCodeMismatch',
      description: 'Health checks failed with these codes: [404] & <more>',
    }));
  }
  onChange(): void {}
  async close(): Promise<void> {}
}

export interface DesiredCounts {
  readonly counts: Map<string, number>;
  readonly causes: string[];
}

export interface Wire {
  readonly endpoint: string;
  readonly moto: MotoProcess;
  readonly control: ControlPlane;
  readonly registry: ImageRegistry;
  readonly plane: RecordingPlane;
  readonly services: DesiredCounts;
  /** What CloudWatch is asked about. */
  readonly metrics: MetricStore;
  readonly log: readonly string[];
  readonly stopRequests: () => number;
  /** What every SDK client needs; a failed call is made once only, so that nothing hides behind retries. */
  readonly clientOptions: {
    readonly endpoint: string;
    readonly region: string;
    readonly credentials: { readonly accessKeyId: string; readonly secretAccessKey: string };
    readonly maxAttempts: number;
  };
  close(): Promise<void>;
}

export async function startWire(extraOverlays: readonly Overlay[] = []): Promise<Wire> {
  const stateDir = await mkdtemp(join(tmpdir(), 'local-aws-wire-'));
  const log: string[] = [];
  const write = (line: string) => void log.push(line);
  const environment = process.env;
  const program = await findMoto({
    stateDir,
    requirements: 'requirements.txt',
    path: environment.PATH ?? '',
    log: write,
  });
  const moto = await startMoto({
    program,
    region,
    accountId,
    environment,
    track: () => undefined,
    log: write,
  });
  const client = createMotoClient(moto.baseUrl);
  const gateway = await startGateway({ port: undefined, region, accountId, log: write });
  const control = createControlPlane(client, { region, accountId });
  const registry = await openImageRegistry({
    stateDir,
    control,
    endpoint: () => gateway.endpoint,
    now: Date.now,
  });
  const plane = new RecordingPlane();
  const services: DesiredCounts = { counts: new Map(), causes: [] };
  const autoscaling = createAutoscalingOverlay({
    store: new AutoscalingStore(),
    control,
    now: Date.now,
    desiredCount: (resourceId) => services.counts.get(resourceId),
    setDesiredCount: (resourceId, count, cause) => {
      services.counts.set(resourceId, count);
      services.causes.push(cause);
    },
  });
  const clock = createSystemClock(speed);
  const metrics = new MetricStore(clock);
  let stopRequests = 0;
  const { endpoint } = gateway;
  const status = () => ({
    endpoint,
    speed: 1,
    pid: 1,
    startedAt: '',
    driver: 'none',
    region,
    accountId,
    movedPorts: [],
    environments: [],
    chaos: [],
    journal: { calls: 0, bytes: 0 },
  });
  gateway.open({
    moto: client,
    regionalServices: new Set(['ecr']),
    motoFailure: () => moto.failure(),
    overlays: [
      ...extraOverlays,
      autoscaling,
      createMetricsOverlay({ clock, control, store: metrics }),
      createElbv2Overlay({ control, plane, log: write }),
      registry.overlay,
      createRuleDescriptionsOverlay(),
    ],
    routes: [
      createStatusRoute(status, () => {
        stopRequests += 1;
      }),
      createMetadataRoute((taskId, suffix) => (taskId === 'abc' ? { taskId, suffix } : undefined)),
      registry.route,
    ],
  });
  const credentials = { accessKeyId: 'test', secretAccessKey: 'test' };
  return {
    endpoint,
    moto,
    control,
    registry,
    plane,
    services,
    metrics,
    log,
    stopRequests: () => stopRequests,
    clientOptions: { endpoint, region, credentials, maxAttempts: 1 },
    close: async () => {
      await gateway.close();
      await client.close();
      await moto.stop();
      await rm(stateDir, { recursive: true, force: true });
    },
  };
}
