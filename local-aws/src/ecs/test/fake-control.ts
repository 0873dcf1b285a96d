/**
 * The part of moto that ECS asks: clusters, task definitions, subnets, target groups, parameters, log groups.
 */
import { AwsError, type ControlPlane } from '../../contract.ts';

export interface FakeControl extends ControlPlane {
  readonly parameters: Map<string, string>;
  readonly logGroups: Set<string>;
  readonly logStreams: string[];
  readonly ringing: Set<string>;
  /** Names of the clusters that there are. */
  readonly clusters: Set<string>;
  /** Of every cluster. */
  readonly defaultStrategy: object[];
  /** Registers `family` with one container `app`; returns the ARN. */
  define(family: string, image: string, changes?: Record<string, unknown>): string;
}

export const REGION = 'us-east-1';
export const ACCOUNT = '123456789012';
export const CLUSTER = 'shop-test-ecs-cluster';
export const TARGET_GROUP = `arn:aws:elasticloadbalancing:${REGION}:${ACCOUNT}:targetgroup/shop/0123456789abcdef`;
export const SUBNETS = ['subnet-a', 'subnet-b', 'subnet-c'] as const;

const zones: Readonly<Record<string, readonly [string, string]>> = {
  'subnet-a': ['us-east-1a', '10.3.101.0/24'],
  'subnet-b': ['us-east-1b', '10.3.102.0/24'],
  'subnet-c': ['us-east-1c', '10.3.103.0/24'],
};

function subnetsXml(params: Readonly<Record<string, string>>): string {
  const items = Object.values(params).map((id) => {
    const known = zones[id];
    if (!known) throw new AwsError('InvalidSubnetID.NotFound', `The subnet ID '${id}' does not exist`);
    return `<item><subnetId>${id}</subnetId><vpcId>vpc-1</vpcId><cidrBlock>${known[1]}</cidrBlock><availabilityZone>${known[0]}</availabilityZone></item>`;
  });
  return `<DescribeSubnetsResponse><subnetSet>${items.join('')}</subnetSet></DescribeSubnetsResponse>`;
}

function targetGroupsXml(arn: string): string {
  if (arn !== TARGET_GROUP) throw new AwsError('TargetGroupNotFound', 'One or more target groups not found');
  return `<TargetGroups><member><TargetGroupArn>${arn}</TargetGroupArn><TargetType>ip</TargetType><LoadBalancerArns><member>arn:aws:elasticloadbalancing:${REGION}:${ACCOUNT}:loadbalancer/app/shop/1</member></LoadBalancerArns></member></TargetGroups>`;
}

export function createFakeControl(): FakeControl {
  const definitions = new Map<string, Record<string, unknown>>();
  const parameters = new Map([['/shop/test/app-secret', 'hush']]);
  const logGroups = new Set(['/ecs/shop-test']);
  const logStreams: string[] = [];
  const ringing = new Set<string>();
  const clusters = new Set([CLUSTER]);
  const defaultStrategy: object[] = [];

  function answer(action: string, payload: Record<string, unknown>): unknown {
    if (action === 'DescribeClusters') {
      const [name] = payload.clusters as string[];
      const found = {
        ...{ clusterName: name, status: 'ACTIVE', defaultCapacityProviderStrategy: defaultStrategy },
      };
      return { clusters: clusters.has(name ?? '') ? [found] : [] };
    }
    if (action === 'DescribeTaskDefinition') {
      const found = definitions.get(String(payload.taskDefinition).split('/').at(-1) ?? '');
      if (!found) throw new AwsError('ClientException', 'Unable to describe task definition.');
      return { taskDefinition: found, tags: [{ key: 'From', value: 'definition' }] };
    }
    if (action === 'GetParameters') {
      const names = payload.Names as string[];
      const known = names.filter((name) => parameters.has(name));
      return {
        Parameters: known.map((name) => ({ Name: name, Value: parameters.get(name) })),
        InvalidParameters: names.filter((name) => !parameters.has(name)),
      };
    }
    if (action === 'CreateLogStream') {
      if (!logGroups.has(String(payload.logGroupName)))
        throw new AwsError('ResourceNotFoundException', 'The specified log group does not exist.');
      logStreams.push(String(payload.logStreamName));
      return {};
    }
    throw new Error(`the fake control plane does not know ${action}`);
  }

  return {
    region: REGION,
    accountId: ACCOUNT,
    parameters,
    logGroups,
    logStreams,
    ringing,
    clusters,
    defaultStrategy,
    define(family, image, changes = {}) {
      const revision = [...definitions.values()].filter((d) => d.family === family).length + 1;
      const arn = `arn:aws:ecs:${REGION}:${ACCOUNT}:task-definition/${family}:${revision}`;
      definitions.set(`${family}:${revision}`, {
        taskDefinitionArn: arn,
        family,
        revision,
        status: 'ACTIVE',
        networkMode: 'awsvpc',
        cpu: '256',
        memory: '512',
        containerDefinitions: [
          {
            name: 'app',
            image,
            essential: true,
            portMappings: [{ containerPort: 5000 }],
            environment: [{ name: 'PORT', value: '5000' }],
            secrets: [
              {
                name: 'APP_SECRET',
                valueFrom: `arn:aws:ssm:${REGION}:${ACCOUNT}:parameter/shop/test/app-secret`,
              },
            ],
            logConfiguration: {
              logDriver: 'awslogs',
              options: { 'awslogs-group': '/ecs/shop-test', 'awslogs-stream-prefix': 'ecs' },
            },
            ...changes,
          },
        ],
      });
      return arn;
    },
    json: async <T>(_service: string, action: string, payload: object): Promise<T> =>
      answer(action, payload as Record<string, unknown>) as T,
    async query(_service, action, params) {
      if (action === 'DescribeSubnets') return subnetsXml(params);
      if (action === 'DescribeTargetGroups') return targetGroupsXml(Object.values(params)[0] ?? '');
      if (action === 'DescribeAlarms')
        return Object.values(params)
          .map(
            (name) =>
              `<member><AlarmName>${name}</AlarmName><StateValue>${ringing.has(name) ? 'ALARM' : 'OK'}</StateValue></member>`,
          )
          .join('');
      throw new Error(`the fake control plane does not know ${action}`);
    },
  };
}
