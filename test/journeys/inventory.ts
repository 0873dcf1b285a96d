/** What stands in an account, as far as this architecture could have put it there; kinds with nothing are left out. */

import { cleanEnvironment } from '../support/run-cli.ts';
import { runCommand } from '../support/run-command.ts';

/** AWS CLI query of each kind: names only, and nothing that every account has from the start. */
const KINDS: Readonly<Record<string, readonly string[]>> = {
  buckets: ['s3api', 'list-buckets', '--query', 'Buckets[].Name'],
  tables: ['dynamodb', 'list-tables', '--query', 'TableNames'],
  repositories: ['ecr', 'describe-repositories', '--query', 'repositories[].repositoryName'],
  clusters: ['ecs', 'list-clusters', '--query', 'clusterArns'],
  taskDefinitions: ['ecs', 'list-task-definitions', '--status', 'ACTIVE', '--query', 'taskDefinitionArns'],
  vpcs: ['ec2', 'describe-vpcs', '--query', 'Vpcs[?!IsDefault].VpcId'],
  egressRules: [
    'ec2',
    'describe-security-groups',
    '--query',
    "SecurityGroups[?GroupName!='default'].IpPermissionsEgress[].IpProtocol",
  ],
  addresses: ['ec2', 'describe-addresses', '--query', 'Addresses[].AllocationId'],
  natGateways: ['ec2', 'describe-nat-gateways', '--query', "NatGateways[?State!='deleted'].NatGatewayId"],
  endpoints: ['ec2', 'describe-vpc-endpoints', '--query', "VpcEndpoints[?State!='deleted'].VpcEndpointId"],
  flowLogs: ['ec2', 'describe-flow-logs', '--query', 'FlowLogs[].FlowLogId'],
  loadBalancers: ['elbv2', 'describe-load-balancers', '--query', 'LoadBalancers[].LoadBalancerName'],
  targetGroups: ['elbv2', 'describe-target-groups', '--query', 'TargetGroups[].TargetGroupName'],
  parameters: ['ssm', 'describe-parameters', '--query', 'Parameters[].Name'],
  logGroups: ['logs', 'describe-log-groups', '--query', 'logGroups[].logGroupName'],
  alarms: ['cloudwatch', 'describe-alarms', '--query', 'MetricAlarms[].AlarmName'],
  dashboards: ['cloudwatch', 'list-dashboards', '--query', 'DashboardEntries[].DashboardName'],
  topics: ['sns', 'list-topics', '--query', 'Topics[].TopicArn'],
  roles: ['iam', 'list-roles', '--query', 'Roles[].RoleName'],
  scalableTargets: [
    'application-autoscaling',
    'describe-scalable-targets',
    '--service-namespace',
    'ecs',
    '--query',
    'ScalableTargets[].ResourceId',
  ],
};

/** Calls at once; each starts a Python of its own. */
const PARALLEL = 4;

export async function inventory(endpoint: string): Promise<Record<string, readonly string[]>> {
  const env = {
    ...cleanEnvironment(),
    AWS_ENDPOINT_URL: endpoint,
    AWS_ACCESS_KEY_ID: 'test',
    AWS_SECRET_ACCESS_KEY: 'test',
    AWS_DEFAULT_REGION: 'us-east-1',
  };
  const found: Record<string, readonly string[]> = {};
  const waiting = Object.entries(KINDS);
  const worker = async () => {
    for (let next = waiting.shift(); next; next = waiting.shift()) {
      const [kind, args] = next;
      const result = await runCommand('aws', [...args, '--output', 'json'], {
        cwd: process.cwd(),
        env,
        timeoutMs: 60_000,
      });
      if (result.exitCode !== 0) throw new Error(`aws ${args.join(' ')}: ${result.stderr}`);
      const names = (JSON.parse(result.stdout || 'null') ?? []) as readonly string[];
      if (names.length > 0) found[kind] = names;
    }
  };
  await Promise.all(Array.from({ length: PARALLEL }, worker));
  return found;
}
