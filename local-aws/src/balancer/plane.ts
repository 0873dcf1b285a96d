/** The load balancers of the embedded AWS: real listeners on 127.0.0.1 in front of the tasks' addresses. */
import type {
  Clock,
  ListenerWiring,
  LoadBalancerPlane,
  LoadBalancerTopology,
  LoadBalancerWiring,
  MetricSink,
  Target,
  TargetHealth,
} from '../contract.ts';
import type { AccessLogOptions } from './access-log.ts';
import { parseHealthMatcher } from './health-matcher.ts';
import { ListenerServer } from './listener-server.ts';
import type { LocalPorts } from './local-ports.ts';
import { START_ALLOWANCE_MS, TargetGroup, type TargetKey } from './target-group.ts';
import type { GroupHealth } from './traffic-meter.ts';
import { TrafficReports } from './traffic-reports.ts';

/** The listener that gets the load balancer's own port; without it, the one with the lowest port does. */
const FIRST_LISTENER_PORT = 80;

export interface LoadBalancerPlaneOptions {
  readonly clock: Clock;
  readonly log: (line: string) => void;
  readonly ports: LocalPorts;
  /** Real milliseconds that a new target has for its first healthy answer, whatever the speed. */
  readonly startAllowanceMs?: number;
  /** Gets the metrics of each AWS-side minute. */
  readonly metrics?: MetricSink;
  /** Where access logs are written and delivered; without it there are none. */
  readonly accessLogs?: AccessLogOptions;
}

/** A load balancer with the servers that hold its ports. */
interface Balancer {
  readonly name: string;
  arn: string | undefined;
  /** The server whose port was reserved under the load balancer's name. */
  readonly first: ListenerServer;
  /** Servers of further listeners, by listener port. */
  readonly further: Map<number, ListenerServer>;
  /** Which server answers for which listener port now. */
  served: ReadonlyMap<number, ListenerServer>;
  /** Target groups that its listeners forward to. */
  groups: ReadonlySet<string>;
}

export function createLoadBalancerPlane(options: LoadBalancerPlaneOptions): LoadBalancerPlane {
  return new Plane(options);
}

class Plane implements LoadBalancerPlane {
  readonly #clock: Clock;
  readonly #log: (line: string) => void;
  readonly #ports: LocalPorts;
  readonly #startAllowanceMs: number;
  readonly #balancers = new Map<string, Balancer>();
  readonly #groups = new Map<string, TargetGroup>();
  readonly #reports: TrafficReports;
  readonly #listeners = new Set<(targetGroupArn: string) => void>();
  readonly #changed = new Set<string>();
  /** Changes are made one after the other: each compares with what the one before has left. */
  #last: Promise<unknown> = Promise.resolve();
  #closed = false;

  constructor(options: LoadBalancerPlaneOptions) {
    this.#clock = options.clock;
    this.#log = options.log;
    this.#ports = options.ports;
    this.#startAllowanceMs = options.startAllowanceMs ?? START_ALLOWANCE_MS;
    this.#reports = new TrafficReports({
      clock: this.#clock,
      log: this.#log,
      metrics: options.metrics,
      accessLogs: options.accessLogs,
      standing: (name) => this.#standing(name),
    });
  }

  apply(topology: LoadBalancerTopology): Promise<void> {
    return this.#inTurn(async () => {
      // Before anything is changed: a malformed matcher must not leave half a topology.
      for (const { healthCheck } of topology.targetGroups) parseHealthMatcher(healthCheck.matcher);
      this.#applyGroups(topology);
      await this.#removeBalancers(topology);
      for (const wiring of topology.loadBalancers) await this.#applyBalancer(wiring);
    });
  }

  localPort(loadBalancerArn: string, listenerPort: number): number | undefined {
    for (const balancer of this.#balancers.values()) {
      if (balancer.arn === loadBalancerArn) return balancer.served.get(listenerPort)?.port;
    }
    return undefined;
  }

  reservePort(loadBalancerName: string): Promise<number> {
    return this.#inTurn(async () => (await this.#openBalancer(loadBalancerName)).first.port);
  }

  register(targetGroupArn: string, targets: readonly Target[]): void {
    if (this.#closed) return;
    const group = this.#openGroup(targetGroupArn);
    for (const target of targets) group.register(target);
  }

  deregister(targetGroupArn: string, targets: readonly TargetKey[]): void {
    const group = this.#groups.get(targetGroupArn);
    for (const target of targets) group?.deregister(target);
  }

  health(targetGroupArn: string): readonly TargetHealth[] {
    return this.#groups.get(targetGroupArn)?.health() ?? [];
  }

  onChange(listener: (targetGroupArn: string) => void): void {
    this.#listeners.add(listener);
  }

  async close(): Promise<void> {
    this.#closed = true;
    await this.#last.catch(() => {});
    this.#listeners.clear();
    for (const group of this.#groups.values()) group.close();
    this.#groups.clear();
    await Promise.all([...this.#balancers.values()].map(closeBalancer));
    this.#balancers.clear();
    await this.#reports.close();
  }

  #inTurn<T>(work: () => Promise<T>): Promise<T> {
    const result = this.#last.then(() => {
      if (this.#closed) throw new Error('the load balancers are closed: start the embedded AWS again');
      return work();
    });
    this.#last = result.catch(() => {});
    return result;
  }

  #applyGroups(topology: LoadBalancerTopology): void {
    const inUse = new Set(topology.loadBalancers.flatMap((wiring) => [...decideGroups(wiring)]));
    const present = new Set(topology.targetGroups.map((config) => config.arn));
    for (const [arn, group] of this.#groups) {
      // A group that the control plane never told of has targets that were early, and stays.
      if (present.has(arn) || !group.known) continue;
      group.close();
      this.#groups.delete(arn);
      this.#announce(arn);
    }
    for (const config of topology.targetGroups) {
      this.#openGroup(config.arn).configure(config, inUse.has(config.arn));
    }
  }

  #openGroup(arn: string): TargetGroup {
    let group = this.#groups.get(arn);
    if (group === undefined) {
      group = new TargetGroup({
        clock: this.#clock,
        startAllowanceMs: this.#startAllowanceMs,
        onChange: () => this.#announce(arn),
        onConnectionOpened: () => {
          for (const { name, groups } of this.#balancers.values()) {
            if (groups.has(arn)) this.#reports.meterOf(name)?.connected();
          }
        },
      });
      this.#groups.set(arn, group);
    }
    return group;
  }

  /** Told in a microtask, once for all changes of one turn, so that no caller is re-entered. */
  #announce(arn: string): void {
    this.#changed.add(arn);
    if (this.#changed.size > 1) return;
    queueMicrotask(() => {
      const changed = [...this.#changed];
      this.#changed.clear();
      for (const one of changed) {
        for (const listener of this.#listeners) {
          try {
            listener(one);
          } catch (error) {
            this.#log(`a listener of target health failed for ${one}: ${String(error)}`);
          }
        }
      }
    });
  }

  #standing(name: string): { connections: number; groups: GroupHealth[] } | undefined {
    const balancer = this.#balancers.get(name);
    if (balancer === undefined) return undefined;
    let connections = serversOf(balancer).reduce((sum, server) => sum + server.connections, 0);
    const groups: GroupHealth[] = [];
    for (const targetGroupArn of balancer.groups) {
      const group = this.#groups.get(targetGroupArn);
      if (group === undefined) continue;
      connections += group.openConnections();
      const states = group.health().map(({ state }) => state);
      const count = (wanted: string) => states.filter((state) => state === wanted).length;
      groups.push({ targetGroupArn, healthy: count('healthy'), unhealthy: count('unhealthy') });
    }
    return { connections, groups };
  }

  async #removeBalancers(topology: LoadBalancerTopology): Promise<void> {
    const present = new Set(topology.loadBalancers.map(({ name }) => name));
    for (const balancer of this.#balancers.values()) {
      // A port that is reserved for a load balancer which is still being created stays reserved.
      if (present.has(balancer.name) || balancer.arn === undefined) continue;
      this.#balancers.delete(balancer.name);
      this.#reports.remove(balancer.name);
      for (const { name } of serversOf(balancer)) this.#ports.forget(name);
      await closeBalancer(balancer);
    }
  }

  async #openBalancer(name: string): Promise<Balancer> {
    const existing = this.#balancers.get(name);
    if (existing !== undefined) return existing;
    const first = await ListenerServer.open(this.#ports, name);
    const balancer: Balancer = {
      name,
      arn: undefined,
      first,
      further: new Map(),
      served: new Map(),
      groups: new Set(),
    };
    this.#balancers.set(name, balancer);
    return balancer;
  }

  async #applyBalancer(wiring: LoadBalancerWiring): Promise<void> {
    const balancer = await this.#openBalancer(wiring.name);
    balancer.arn = wiring.arn;
    balancer.groups = decideGroups(wiring);
    this.#reports.configure(wiring);
    const firstPort = decideFirstListener(wiring.listeners);
    const served = new Map<number, ListenerServer>();
    for (const { port } of wiring.listeners) {
      let server = port === firstPort ? balancer.first : balancer.further.get(port);
      if (server === undefined) {
        server = await ListenerServer.open(this.#ports, `${wiring.name}:${port}`);
        balancer.further.set(port, server);
      }
      served.set(port, server);
    }
    balancer.served = served;
    for (const listener of wiring.listeners) {
      served.get(listener.port)?.wire(listener, wiring.idleTimeoutSeconds, {
        group: (arn) => this.#groups.get(arn),
        localPortOf: (port) => balancer.served.get(port)?.port,
        report: (record) => this.#reports.report(wiring.name, record),
        refused: (status) => this.#reports.meterOf(wiring.name)?.refused(status),
        connected: () => this.#reports.meterOf(wiring.name)?.connected(),
      });
    }
    if (firstPort === undefined) balancer.first.unwire();
    for (const [port, server] of balancer.further) {
      if (served.get(port) === server) continue;
      balancer.further.delete(port);
      this.#ports.forget(server.name);
      await server.close();
    }
  }
}

/** Target groups that a load balancer forwards to. Pure. */
function decideGroups({ listeners }: LoadBalancerWiring): ReadonlySet<string> {
  const actions = listeners.flatMap(({ defaultAction, rules = [] }) => [
    defaultAction,
    ...rules.map(({ action }) => action),
  ]);
  return new Set(
    actions.flatMap((action) =>
      action.type === 'forward' ? action.targets.map(({ targetGroupArn }) => targetGroupArn) : [],
    ),
  );
}

/** Listener port that gets the load balancer's own local port. Pure. */
function decideFirstListener(listeners: readonly ListenerWiring[]): number | undefined {
  const ports = listeners.map(({ port }) => port);
  if (ports.length === 0) return undefined;
  return ports.includes(FIRST_LISTENER_PORT) ? FIRST_LISTENER_PORT : Math.min(...ports);
}

async function closeBalancer(balancer: Balancer): Promise<void> {
  await Promise.all(serversOf(balancer).map((server) => server.close()));
}

function serversOf({ first, further }: Balancer): readonly ListenerServer[] {
  return [first, ...further.values()];
}
