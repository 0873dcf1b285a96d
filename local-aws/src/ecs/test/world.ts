/**
 * The ECS part with everything around it replaced, and a client for its API.
 */
import type { AwsRequest } from '../../contract.ts';
import { createEcs, type Ecs, type EcsOptions } from '../index.ts';
import { createAddressBook } from '../lifecycle/addresses.ts';
import type { Json } from '../model.ts';
import { createFakeBalancer, type FakeBalancer } from './fake-balancer.ts';
import { createFakeClock, type FakeClock } from './fake-clock.ts';
import {
  ACCOUNT,
  CLUSTER,
  createFakeControl,
  type FakeControl,
  REGION,
  SUBNETS,
  TARGET_GROUP,
} from './fake-control.ts';
import { createFakeDriver, type FakeDriver } from './fake-driver.ts';

export interface DeploymentShape {
  readonly id: string;
  readonly status: string;
  readonly taskDefinition: string;
  readonly rolloutState: string;
  readonly rolloutStateReason: string;
  readonly runningCount: number;
  readonly failedTasks: number;
}

export interface ServiceShape extends Json {
  readonly serviceArn: string;
  readonly status: string;
  readonly desiredCount: number;
  readonly runningCount: number;
  readonly pendingCount: number;
  readonly taskDefinition: string;
  readonly deployments: readonly DeploymentShape[];
  readonly events: readonly { readonly message: string }[];
}

export interface TaskShape extends Json {
  readonly taskArn: string;
  readonly lastStatus: string;
  readonly desiredStatus: string;
  readonly availabilityZone: string;
  readonly stopCode?: string;
  readonly stoppedReason?: string;
  readonly taskDefinitionArn: string;
  readonly containers: readonly {
    readonly exitCode?: number;
    readonly reason?: string;
    readonly image: string;
  }[];
}

export interface World {
  readonly clock: FakeClock;
  readonly control: FakeControl;
  readonly driver: FakeDriver;
  readonly balancer: FakeBalancer;
  readonly ecs: Ecs;
  readonly logs: string[];
  /** Commands that sessions were prepared for. */
  readonly prepared: readonly string[];
  /** One API call; errors are thrown as AwsError. undefined = the call would have gone to moto. */
  call<T = Json>(action: string, input: Json): Promise<T>;
  service(name?: string): Promise<ServiceShape>;
  tasks(): Promise<readonly TaskShape[]>;
  /** Advances in steps until `check` holds; throws after `limitMs`. */
  until(check: (service: ServiceShape) => boolean, limitMs?: number): Promise<ServiceShape>;
}

const STEP_MS = 250;
const DEFAULT_LIMIT_MS = 600_000;

export interface WorldOptions
  extends Partial<Pick<EcsOptions, 'addresses' | 'decide' | 'drainPollMs' | 'events' | 'sessions'>> {
  readonly clock?: FakeClock;
}

export function createWorld({ clock = createFakeClock(), sessions, ...changes }: WorldOptions = {}): World {
  const control = createFakeControl();
  const driver = createFakeDriver(clock);
  const balancer = createFakeBalancer(clock);
  balancer.answers = (target) =>
    (target.reachable?.() ?? true) &&
    driver
      .alive()
      .some(
        (process) =>
          process.spec.privateIp === target.id && process.behaviour.kind === 'serve' && !process.frozen,
      );
  const logs: string[] = [];
  const prepared: string[] = [];
  const ecs = createEcs({
    clock,
    control,
    driver,
    balancer,
    sessions: sessions ?? {
      prepare(_task, command) {
        prepared.push(command);
        return { sessionId: 'ecs-execute-command-1', streamUrl: 'ws://127.0.0.1:1/', tokenValue: 'token' };
      },
    },
    endpoint: () => 'http://127.0.0.1:4700',
    speed: 1,
    log: (line) => logs.push(line),
    addresses: createAddressBook(async () => 'free'),
    ...changes,
  });

  async function call<T>(action: string, input: Json): Promise<T> {
    const request: AwsRequest = {
      service: 'ecs',
      action,
      method: 'POST',
      url: '/',
      headers: {},
      body: Buffer.from(JSON.stringify(input)),
      region: REGION,
      accountId: ACCOUNT,
      json: () => input,
      form: () => new URLSearchParams(),
    };
    const forward = async () => ({
      status: 200,
      headers: {},
      body: JSON.stringify({ forwarded: true, clusters: [{ clusterName: CLUSTER }] }),
    });
    const response = (await ecs.overlay.handle(request, forward)) ?? (await forward());
    return JSON.parse(response.body.toString()) as T;
  }

  async function service(name = 'shop'): Promise<ServiceShape> {
    const answer = await call<{ services: ServiceShape[] }>('DescribeServices', {
      cluster: CLUSTER,
      services: [name],
      include: ['TAGS'],
    });
    const [found] = answer.services;
    if (!found) throw new Error(`no service ${name}`);
    return found;
  }

  async function tasks(): Promise<readonly TaskShape[]> {
    const arns: string[] = [];
    for (const desiredStatus of ['RUNNING', 'STOPPED'])
      arns.push(
        ...(await call<{ taskArns: string[] }>('ListTasks', { cluster: CLUSTER, desiredStatus })).taskArns,
      );
    if (arns.length === 0) return [];
    const answer = await call<{ tasks: TaskShape[] }>('DescribeTasks', {
      cluster: CLUSTER,
      tasks: arns.slice(0, 100),
      include: ['TAGS'],
    });
    return answer.tasks;
  }

  return {
    clock,
    control,
    driver,
    balancer,
    ecs,
    logs,
    prepared,
    call,
    service,
    tasks,
    async until(check, limitMs = DEFAULT_LIMIT_MS) {
      const deadline = clock.now() + limitMs;
      for (;;) {
        const current = await service();
        if (check(current)) return current;
        if (clock.now() >= deadline)
          throw new Error(`not reached within ${limitMs} ms: ${JSON.stringify(current, null, 1)}`);
        await clock.advance(STEP_MS);
      }
    },
  };
}

/** The input of CreateService that the Terraform of the project produces. */
export function serviceInput(taskDefinition: string, changes: Json = {}): Json {
  return {
    cluster: CLUSTER,
    serviceName: 'shop',
    taskDefinition,
    desiredCount: 3,
    capacityProviderStrategy: [{ capacityProvider: 'FARGATE', weight: 1, base: 1 }],
    deploymentConfiguration: {
      maximumPercent: 200,
      minimumHealthyPercent: 100,
      deploymentCircuitBreaker: { enable: true, rollback: true },
    },
    networkConfiguration: {
      awsvpcConfiguration: { subnets: [...SUBNETS], securityGroups: ['sg-1'], assignPublicIp: 'DISABLED' },
    },
    loadBalancers: [{ targetGroupArn: TARGET_GROUP, containerName: 'app', containerPort: 5000 }],
    healthCheckGracePeriodSeconds: 0,
    enableECSManagedTags: true,
    propagateTags: 'SERVICE',
    enableExecuteCommand: true,
    tags: [{ key: 'Environment', value: 'test' }],
    ...changes,
  };
}

export const isSettled = (service: ServiceShape): boolean =>
  service.deployments.length === 1 &&
  service.runningCount === service.desiredCount &&
  service.deployments[0]?.rolloutState === 'COMPLETED';
