/** For tests: targets that really listen on their own loopback addresses, and a plane in front of them. */
import http from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import type {
  Clock,
  ListenerAction,
  ListenerRule,
  ListenerWiring,
  LoadBalancerPlane,
  LoadBalancerTopology,
  LoadBalancerWiring,
  Target,
  TargetGroupConfig,
  TargetState,
} from '../contract.ts';
import { createLocalPorts } from './local-ports.ts';
import { createLoadBalancerPlane, type LoadBalancerPlaneOptions } from './plane.ts';

export const GROUP = 'arn:aws:elasticloadbalancing:us-east-1:1:targetgroup/web/1';
export const BALANCER = 'arn:aws:elasticloadbalancing:us-east-1:1:loadbalancer/app/web/1';
const WAIT_LIMIT_MS = 5000;
let fixtures = 0;

/** AWS-side intervals pass `speed` times as fast. */
export function clockAt(speed: number): Clock {
  return { now: () => Date.now(), scaled: (awsMs) => awsMs / speed, sleep: (ms) => sleep(ms) };
}

export class BalancerFixture {
  readonly plane: LoadBalancerPlane;
  readonly basePort: number;
  readonly #servers: http.Server[] = [];
  #nextHost = 1;

  constructor(
    options: { speed?: number; startAllowanceMs?: number } & Pick<
      LoadBalancerPlaneOptions,
      'metrics' | 'accessLogs'
    > = {},
  ) {
    // Another range each time, as fetch keeps connections to the ports of the test before; by process, as test
    // files run side by side; below the ports that the system hands out by itself.
    this.basePort = 11_000 + ((process.pid + fixtures++) % 20) * 1000;
    const { metrics, accessLogs } = options;
    this.plane = createLoadBalancerPlane({
      ...(metrics && { metrics }),
      ...(accessLogs && { accessLogs }),
      clock: clockAt(options.speed ?? 100),
      log: () => {},
      startAllowanceMs: options.startAllowanceMs ?? 0,
      ports: createLocalPorts({ log: () => {}, basePort: this.basePort }),
    });
  }

  /** A target on an address of its own; `onLinux` only, as elsewhere 127.0.0.1 is all there is. */
  async target(
    handler: http.RequestListener,
    prepare: (server: http.Server) => void = () => {},
  ): Promise<Target> {
    const host = this.#nextHost++;
    const server = http.createServer(handler);
    prepare(server);
    this.#servers.push(server);
    const address = process.platform === 'linux' ? `127.251.7.${host}` : '127.0.0.1';
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject);
      server.listen(0, address, resolve);
    });
    const { port } = server.address() as AddressInfo;
    return { id: `10.251.7.${host}`, port: 5000, zone: 'us-east-1a', dial: { address, port } };
  }

  async apply(changes: Partial<TopologyOptions> = {}): Promise<string> {
    await this.plane.apply(topologyOf(changes));
    return `http://127.0.0.1:${this.plane.localPort(BALANCER, 80)}`;
  }

  state(id: string): TargetState | undefined {
    return this.plane.health(GROUP).find(({ target }) => target.id === id)?.state;
  }

  async reaches(id: string, state: TargetState | undefined): Promise<void> {
    await until(`${id} is ${state}`, () => this.state(id) === state);
  }

  async close(): Promise<void> {
    await this.plane.close();
    for (const server of this.#servers) {
      server.closeAllConnections();
      server.close();
    }
  }
}

export interface TopologyOptions {
  readonly action: ListenerAction;
  readonly further: readonly ListenerWiring[];
  readonly idleTimeoutSeconds: number;
  readonly rules: readonly ListenerRule[];
  readonly accessLogs: LoadBalancerWiring['accessLogs'];
  readonly moreGroups: readonly TargetGroupConfig[];
  readonly group: Partial<TargetGroupConfig>;
  readonly check: Partial<TargetGroupConfig['healthCheck']>;
}

export const FORWARD: ListenerAction = { type: 'forward', targets: [{ targetGroupArn: GROUP, weight: 1 }] };

export function groupOf(options: Partial<TopologyOptions> = {}): TargetGroupConfig {
  return {
    arn: GROUP,
    name: 'web',
    port: 5000,
    deregistrationDelaySeconds: 10,
    healthCheck: {
      path: '/healthz',
      intervalSeconds: 5,
      timeoutSeconds: 2,
      healthyThreshold: 2,
      unhealthyThreshold: 2,
      matcher: '200',
      ...options.check,
    },
    ...options.group,
  };
}

export function topologyOf(options: Partial<TopologyOptions> = {}): LoadBalancerTopology {
  const first: ListenerWiring = {
    arn: `${BALANCER}/80`,
    port: 80,
    protocol: 'HTTP',
    defaultAction: options.action ?? FORWARD,
    ...(options.rules && { rules: options.rules }),
  };
  return {
    loadBalancers: [
      {
        arn: BALANCER,
        name: 'web',
        idleTimeoutSeconds: options.idleTimeoutSeconds ?? 60,
        listeners: [first, ...(options.further ?? [])],
        ...(options.accessLogs && { accessLogs: options.accessLogs }),
      },
    ],
    targetGroups: [groupOf(options), ...(options.moreGroups ?? [])],
  };
}

export async function until(what: string, holds: () => boolean | Promise<boolean>): Promise<void> {
  const deadline = Date.now() + WAIT_LIMIT_MS;
  while (!(await holds())) {
    if (Date.now() > deadline) throw new Error(`not within ${WAIT_LIMIT_MS} ms: ${what}`);
    await sleep(10);
  }
}
