/** The contracts of logs and of metrics on the adapters for AWS, against the embedded AWS's CloudWatch. */
import { PutMetricAlarmCommand, SetAlarmStateCommand } from '@aws-sdk/client-cloudwatch';
import {
  CreateLogGroupCommand,
  CreateLogStreamCommand,
  PutLogEventsCommand,
} from '@aws-sdk/client-cloudwatch-logs';
import {
  CreateListenerCommand,
  CreateLoadBalancerCommand,
  CreateTargetGroupCommand,
} from '@aws-sdk/client-elastic-load-balancing-v2';
import { afterAll, beforeAll, describe } from 'vitest';
import { MetricStore } from '../../../local-aws/src/cloudwatch/metric-store.ts';
import { createMetricsOverlay } from '../../../local-aws/src/cloudwatch/metrics-overlay.ts';
import { createControlPlane } from '../../../local-aws/src/gateway/control-plane.ts';
import { type Gateway, startGateway } from '../../../local-aws/src/gateway/gateway-server.ts';
import { createMotoClient, type MotoClient } from '../../../local-aws/src/gateway/moto-client.ts';
import { createSystemClock } from '../../../local-aws/src/system-clock.ts';
import { createLogs } from '../../src/adapters/aws/logs.ts';
import { createMonitoring } from '../../src/adapters/aws/monitoring.ts';
import { createSession, type Session } from '../../src/adapters/aws/session.ts';
import type { MetricQuery } from '../../src/domain/metric.ts';
import { environmentNames } from '../../src/domain/names.ts';
import { sampleEnvironment, sampleProject } from '../fakes/sample-project.ts';
import { logsContract } from './logs-contract.ts';
import { monitoringContract } from './monitoring-contract.ts';
import { type MotoServer, startMoto } from './moto-server.ts';

const KEYS = { accessKeyId: 'test', secretAccessKey: 'test' };
/** Lines in one PutLogEvents. */
const MAX_BATCH = 5_000;

const where = { region: 'us-east-1', accountId: '123456789012' };

let moto: MotoServer;
let client: MotoClient;
let gateway: Gateway;
const clock = createSystemClock(1);
const store = new MetricStore(clock);
let session: Session;
let count = 0;

beforeAll(async () => {
  moto = await startMoto();
  client = createMotoClient(moto.endpoint);
  gateway = await startGateway({ ...where, port: undefined, log: () => undefined });
  const control = createControlPlane(client, where);
  gateway.open({
    ...{ moto: client, regionalServices: new Set<string>(), motoFailure: () => undefined, routes: [] },
    overlays: [createMetricsOverlay({ clock, control, store })],
  });
  session = createSession({ region: where.region, endpoint: gateway.endpoint, credentials: KEYS });
});

afterAll(async () => {
  session?.close();
  await gateway?.close();
  await client?.close();
  await moto?.stop();
});

/** Names of their own for every test: all of them share one moto. */
function fresh() {
  count += 1;
  const environment = sampleEnvironment('test', 0);
  const project = sampleProject([environment], `shop-${count}`);
  return { session, environment, project, names: environmentNames(project.name, environment.name) };
}

describe('logs in CloudWatch', () =>
  logsContract(async () => {
    const parts = fresh();
    const { logGroup } = parts.names;
    const client = await session.logs();
    await client.send(new CreateLogGroupCommand({ logGroupName: logGroup }));
    const opened = new Set<string>();
    return {
      logs: createLogs(parts),
      nothing: createLogs(fresh()),
      async write(task, lines) {
        const stream = { logGroupName: logGroup, logStreamName: `web/web/${task}` };
        if (!opened.has(task)) await client.send(new CreateLogStreamCommand(stream));
        opened.add(task);
        for (let from = 0; from < lines.length; from += MAX_BATCH) {
          const logEvents = lines
            .slice(from, from + MAX_BATCH)
            .map(({ at, message }) => ({ timestamp: at, message }));
          await client.send(new PutLogEventsCommand({ ...stream, logEvents }));
        }
      },
      now: Date.now(),
    };
  }));

/** A load balancer with a target group. @returns their ARNs */
async function makeBalancer({ loadBalancer, targetGroup }: ReturnType<typeof fresh>['names']) {
  const [client, subnets] = [await session.loadBalancing(), await subnetIds()];
  const made = await client.send(new CreateLoadBalancerCommand({ Name: loadBalancer, Subnets: subnets.ids }));
  const group = await client.send(
    new CreateTargetGroupCommand({ Name: targetGroup, Protocol: 'HTTP', Port: 5000, VpcId: subnets.vpc }),
  );
  const balancer = made.LoadBalancers?.[0]?.LoadBalancerArn ?? '';
  const targets = group.TargetGroups?.[0]?.TargetGroupArn ?? '';
  await client.send(
    new CreateListenerCommand({
      LoadBalancerArn: balancer,
      Protocol: 'HTTP',
      Port: 80,
      DefaultActions: [{ Type: 'forward', TargetGroupArn: targets }],
    }),
  );
  return { balancer, targets };
}

/** Of the account's default VPC, as moto has it. */
async function subnetIds(): Promise<{ readonly ids: string[]; readonly vpc: string }> {
  const { DescribeSubnetsCommand, EC2Client } = await import('@aws-sdk/client-ec2');
  const ec2 = new EC2Client({ region: 'us-east-1', endpoint: moto.endpoint, credentials: KEYS });
  const { Subnets = [] } = await ec2.send(new DescribeSubnetsCommand({}));
  ec2.destroy();
  return { ids: Subnets.slice(0, 2).map(({ SubnetId = '' }) => SubnetId), vpc: Subnets[0]?.VpcId ?? '' };
}

describe('metrics and alarms in CloudWatch', () =>
  monitoringContract(async () => {
    const parts = fresh();
    const { names, project } = parts;
    const other = sampleEnvironment('test-eu', 1);
    const { balancer, targets } = await makeBalancer(names);
    const client = await session.cloudwatch();
    const end = (arn: string) => arn.split(':').at(-1)?.replace('loadbalancer/', '') ?? '';
    const dimensionsOf: Readonly<Record<MetricQuery['of'], Readonly<Record<string, string>>>> = {
      service: { ClusterName: names.cluster, ServiceName: names.service },
      'load balancer': { LoadBalancer: end(balancer) },
      targets: { LoadBalancer: end(balancer), TargetGroup: end(targets) },
    };
    return {
      monitoring: createMonitoring({
        ...parts,
        project: { ...project, environments: [...project.environments, other] },
      }),
      nothing: createMonitoring(fresh()),
      async measure({ namespace, name, of }, points) {
        const dimensions = dimensionsOf[of];
        // Dated by the end of what was observed.
        store.record(
          points.map(({ at, value }) => ({
            ...{ namespace, name, dimensions, unit: 'None', at: at + 1_000, count: 1, sum: value },
            ...{ minimum: value, maximum: value, values: [value] },
          })),
        );
      },
      async raise(name, AlarmDescription, of, StateValue) {
        const prefix =
          of === 'environment' ? names.prefix : environmentNames(project.name, other.name).prefix;
        const AlarmName = `${prefix}-${name}`;
        await client.send(
          new PutMetricAlarmCommand({
            ...{ AlarmName, AlarmDescription, Namespace: 'n', MetricName: 'm', Statistic: 'Sum', Period: 60 },
            ...{ EvaluationPeriods: 1, Threshold: 1, ComparisonOperator: 'GreaterThanThreshold' },
          }),
        );
        await client.send(new SetAlarmStateCommand({ AlarmName, StateValue, StateReason: 'a test' }));
      },
      start: Math.floor(Date.now() / 3_600_000) * 3_600_000 - 3 * 3_600_000,
    };
  }));
