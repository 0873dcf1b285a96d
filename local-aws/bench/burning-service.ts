/**
 * A service whose tasks burn as much CPU as one asks for, made through the APIs of AWS: the load that is asked for is
 * shared among the tasks that run, and no task takes more than the 256 units that it has reserved.
 */
import { createServer } from 'node:http';
import {
  ApplicationAutoScalingClient,
  PutScalingPolicyCommand,
  RegisterScalableTargetCommand,
} from '@aws-sdk/client-application-auto-scaling';
import { EC2Client } from '@aws-sdk/client-ec2';
import {
  CreateClusterCommand,
  CreateServiceCommand,
  ECSClient,
  RegisterTaskDefinitionCommand,
} from '@aws-sdk/client-ecs';
import { type ClientOptions, createNetwork, pushProgram } from './program-service.ts';

export const cluster = 'bench';
export const service = 'burner';
export const resourceId = `service/${cluster}/${service}`;
export const taskUnits = 256;
/** A task that has not asked for its share for so long is gone. */
const forgetTaskMs = 1_000;

export interface LoadServer {
  readonly url: string;
  /** CPU units of all tasks together: 1024 are one core. */
  units: number;
  close(): Promise<void>;
}

/** Each task owes CPU time as it passes and pays what it can, so that a busy computer does not change the rate. */
const program = `
const task = process.pid;
let cores = 0, owed = 0, before = performance.now(), paid = process.cpuUsage();
const usedMs = (usage) => (usage.user + usage.system) / 1000;
setInterval(async () => {
  try { cores = Number(await (await fetch(process.env.LOAD_URL + '?task=' + task)).text()); } catch { cores = 0; }
}, 250);
setInterval(() => {
  const now = performance.now();
  owed = Math.min(60, owed + cores * (now - before));
  before = now;
  do {
    owed -= usedMs(process.cpuUsage(paid));
    paid = process.cpuUsage();
    for (let i = 0; i < 1e4 && owed > 0; i += 1) Math.sqrt(i);
  } while (owed > 0 && performance.now() - now < 50);
  owed = Math.max(-50, owed);
}, 20);
process.on('SIGTERM', () => process.exit(0));
`;

/** Tells each task its share, in cores. */
export async function startLoadServer(): Promise<LoadServer> {
  const askedAt = new Map<string, number>();
  const server = createServer((request, response) => {
    askedAt.set(request.url ?? '', Date.now());
    for (const [task, at] of askedAt) if (Date.now() - at > forgetTaskMs) askedAt.delete(task);
    response.end(String(Math.min(taskUnits, load.units / askedAt.size) / 1024));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  const port = typeof address === 'object' && address !== null ? address.port : 0;
  const load: LoadServer = {
    url: `http://127.0.0.1:${port}/`,
    units: 0,
    close: () =>
      new Promise<void>((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
  return load;
}

/** One task at first, at most ten, tracking 70 % CPU with the cooldowns that the Terraform of this repository has. */
export async function createBurningService(client: ClientOptions, loadUrl: string): Promise<void> {
  const ecs = new ECSClient(client);
  const image = await pushProgram(client, service, program);
  const subnets = await createNetwork(new EC2Client(client));
  await ecs.send(new CreateClusterCommand({ clusterName: cluster }));
  const { taskDefinition } = await ecs.send(
    new RegisterTaskDefinitionCommand({
      family: service,
      networkMode: 'awsvpc',
      requiresCompatibilities: ['FARGATE'],
      cpu: String(taskUnits),
      memory: '512',
      containerDefinitions: [
        { name: 'main', image, essential: true, environment: [{ name: 'LOAD_URL', value: loadUrl }] },
      ],
    }),
  );
  await ecs.send(
    new CreateServiceCommand({
      cluster,
      serviceName: service,
      taskDefinition: taskDefinition?.taskDefinitionArn,
      desiredCount: 1,
      launchType: 'FARGATE',
      networkConfiguration: { awsvpcConfiguration: { subnets, assignPublicIp: 'ENABLED' } },
    }),
  );
  const scaling = new ApplicationAutoScalingClient(client);
  const target = {
    ServiceNamespace: 'ecs',
    ResourceId: resourceId,
    ScalableDimension: 'ecs:service:DesiredCount',
  } as const;
  await scaling.send(new RegisterScalableTargetCommand({ ...target, MinCapacity: 1, MaxCapacity: 10 }));
  await scaling.send(
    new PutScalingPolicyCommand({
      ...target,
      PolicyName: 'cpu',
      PolicyType: 'TargetTrackingScaling',
      TargetTrackingScalingPolicyConfiguration: {
        TargetValue: 70,
        PredefinedMetricSpecification: { PredefinedMetricType: 'ECSServiceAverageCPUUtilization' },
        ScaleOutCooldown: 60,
        ScaleInCooldown: 300,
      },
    }),
  );
}
