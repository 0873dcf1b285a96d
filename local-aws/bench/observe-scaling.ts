/** What AWS shows of a service that scales, read through its APIs once an AWS-side minute. */
import {
  ApplicationAutoScalingClient,
  DescribeScalingActivitiesCommand,
  type ScalingActivity,
} from '@aws-sdk/client-application-auto-scaling';
import { DescribeServicesCommand, ECSClient } from '@aws-sdk/client-ecs';
import { listAt, readXml, textAt } from '../src/gateway/xml.ts';
import { cluster, resourceId, service } from './burning-service.ts';
import type { ClientOptions } from './program-service.ts';

export interface Observed {
  /** Newest datapoint of CPUUtilization in CloudWatch, percent. */
  readonly cpuPercent: number | undefined;
  readonly high: string;
  readonly low: string;
  readonly desired: number;
  readonly running: number;
  readonly deployed: boolean;
  /** Newest first. */
  readonly activities: readonly ScalingActivity[];
  readonly events: readonly string[];
}

/** CloudWatch is read back over this much. */
const lookBackMs = 60_000;

export function createObserver(client: ClientOptions): () => Promise<Observed> {
  const scaling = new ApplicationAutoScalingClient(client);
  const ecs = new ECSClient(client);
  return async () => {
    const [cpuPercent, alarms, described, activities] = await Promise.all([
      newestCpu(client.endpoint),
      alarmStates(client.endpoint),
      ecs.send(new DescribeServicesCommand({ cluster, services: [service] })),
      scaling.send(new DescribeScalingActivitiesCommand({ ServiceNamespace: 'ecs', ResourceId: resourceId })),
    ]);
    const [found] = described.services ?? [];
    return {
      cpuPercent,
      high: alarms.find(({ name }) => name.includes('AlarmHigh'))?.state ?? '',
      low: alarms.find(({ name }) => name.includes('AlarmLow'))?.state ?? '',
      desired: found?.desiredCount ?? 0,
      running: found?.runningCount ?? 0,
      deployed: found?.deployments?.[0]?.rolloutState === 'COMPLETED',
      activities: activities.ScalingActivities ?? [],
      events: (found?.events ?? []).map(({ message = '' }) => message),
    };
  };
}

/** The statistics of CloudWatch, as `aws cloudwatch get-metric-statistics` has them. */
export async function readCpuStatistics(
  endpoint: string,
): Promise<readonly { readonly at: string; readonly average: number; readonly maximum: number }[]> {
  const now = Date.now();
  const answer = await callCloudWatch(endpoint, 'GetMetricStatistics', {
    Namespace: 'AWS/ECS',
    MetricName: 'CPUUtilization',
    StartTime: new Date(now - lookBackMs).toISOString(),
    EndTime: new Date(now + 1_000).toISOString(),
    Period: '1',
    'Statistics.member.1': 'Average',
    'Statistics.member.2': 'Maximum',
    'Dimensions.member.1.Name': 'ServiceName',
    'Dimensions.member.1.Value': service,
    'Dimensions.member.2.Name': 'ClusterName',
    'Dimensions.member.2.Value': cluster,
  });
  return listAt(readXml(answer), 'GetMetricStatisticsResult', 'Datapoints').map((point) => ({
    at: textAt(point, 'Timestamp') ?? '',
    average: Number(textAt(point, 'Average')),
    maximum: Number(textAt(point, 'Maximum')),
  }));
}

async function newestCpu(endpoint: string): Promise<number | undefined> {
  return [...(await readCpuStatistics(endpoint))].sort((a, b) => (a.at < b.at ? 1 : -1))[0]?.average;
}

async function alarmStates(endpoint: string) {
  const answer = await callCloudWatch(endpoint, 'DescribeAlarms', { AlarmNamePrefix: 'TargetTracking-' });
  return listAt(readXml(answer), 'DescribeAlarmsResult', 'MetricAlarms').map((alarm) => ({
    name: textAt(alarm, 'AlarmName') ?? '',
    state: textAt(alarm, 'StateValue') ?? '',
  }));
}

/** By hand: there is no other need for CloudWatch's client here. */
export async function callCloudWatch(
  endpoint: string,
  Action: string,
  params: Readonly<Record<string, string>>,
): Promise<string> {
  const scope = 'test/20260101/us-east-1/monitoring/aws4_request';
  const response = await fetch(endpoint, {
    method: 'POST',
    body: new URLSearchParams({ Action, Version: '2010-08-01', ...params }),
    headers: { authorization: `AWS4-HMAC-SHA256 Credential=${scope}, SignedHeaders=host, Signature=0` },
  });
  if (!response.ok) throw new Error(`cloudwatch ${Action}: ${response.status} ${await response.text()}`);
  return response.text();
}
