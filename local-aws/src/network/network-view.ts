/**
 * The network of the embedded AWS as tasks meet it: who reaches them, and whether they reach AWS.
 * Looked up in the control plane and kept until somebody changes the network. What can't be read closes nothing:
 * a gap of the control plane must not fail a task.
 */
import type { ControlPlane } from '../contract.ts';
import { admits, hasWayOut } from './decide-reach.ts';
import { readBalancerPlace, readIngressRules, readInterfaceEndpoints, readRoutes } from './read-network.ts';

/** Answers kept at once. */
const MAX_KEPT = 1_000;

export interface BalancedPlace {
  readonly loadBalancerArn: string;
  /** Security groups of the task. */
  readonly securityGroups: readonly string[];
  readonly port: number;
}

export interface TaskPlace {
  readonly subnetId: string;
  readonly vpcId: string;
  readonly publicIp: boolean;
}

export interface NetworkView {
  /** Whether the load balancer may connect to the task, by its security groups. */
  admits(place: BalancedPlace): Promise<boolean>;
  /** The same, at once: as it was when last looked up, while a newer answer is on its way. */
  admitsNow(place: BalancedPlace): boolean;
  /** Whether a task in the subnet reaches the image registry. */
  reachesRegistry(place: TaskPlace): Promise<boolean>;
  /** Says that the network may have changed. */
  changed(): void;
}

export interface NetworkViewOptions {
  readonly control: ControlPlane;
  /** Address ranges of subnets. */
  readonly cidrsOf: (subnetIds: readonly string[]) => Promise<readonly string[]>;
  readonly log: (line: string) => void;
}

interface Kept {
  readonly version: number;
  readonly answer: Promise<boolean>;
  /** The newest answer that is there. */
  now: boolean;
}

export function createNetworkView({ control, cidrsOf, log }: NetworkViewOptions): NetworkView {
  const kept = new Map<string, Kept>();
  let version = 0;

  function ask(key: string, lookUp: () => Promise<boolean>): Kept {
    const before = kept.get(key);
    if (before?.version === version) return before;
    const answer = lookUp().catch((error: unknown) => {
      log(`network: ${error instanceof Error ? error.message : String(error)}; taken for open`);
      return true;
    });
    const entry: Kept = { version, answer, now: before?.now ?? true };
    void answer.then((open) => {
      entry.now = open;
    });
    kept.delete(key);
    kept.set(key, entry);
    const [oldest] = kept.keys();
    if (kept.size > MAX_KEPT && oldest !== undefined) kept.delete(oldest);
    return entry;
  }

  async function admitted({ loadBalancerArn, securityGroups, port }: BalancedPlace): Promise<boolean> {
    if (securityGroups.length === 0) return true;
    const [balancer, rules] = await Promise.all([
      control.query('elasticloadbalancing', 'DescribeLoadBalancers', {
        'LoadBalancerArns.member.1': loadBalancerArn,
      }),
      control.query('ec2', 'DescribeSecurityGroups', numbered('GroupId', securityGroups)),
    ]);
    const place = readBalancerPlace(balancer);
    if (place === undefined) return true;
    const from = { groups: place.groups, cidrs: await cidrsOf(place.subnets) };
    return admits([...readIngressRules(rules).values()].flat(), port, from);
  }

  async function registryReached({ subnetId, vpcId, publicIp }: TaskPlace): Promise<boolean> {
    const ofVpc = { 'Filter.1.Name': 'vpc-id', 'Filter.1.Value.1': vpcId };
    const [tables, endpoints] = await Promise.all([
      control.query('ec2', 'DescribeRouteTables', ofVpc),
      control.query('ec2', 'DescribeVpcEndpoints', ofVpc),
    ]);
    const routes = readRoutes(tables, subnetId);
    if (routes === undefined || hasWayOut(routes, publicIp)) return true;
    return readInterfaceEndpoints(endpoints).includes(`com.amazonaws.${control.region}.ecr.api`);
  }

  const admission = (place: BalancedPlace) => ask(`admits ${JSON.stringify(place)}`, () => admitted(place));
  return {
    admits: (place) => admission(place).answer,
    admitsNow: (place) => admission(place).now,
    reachesRegistry: (place) => ask(`registry ${JSON.stringify(place)}`, () => registryReached(place)).answer,
    changed() {
      version += 1;
    },
  };
}

function numbered(name: string, values: readonly string[]): Record<string, string> {
  return Object.fromEntries(values.map((value, index) => [`${name}.${index + 1}`, value]));
}
