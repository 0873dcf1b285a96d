/** What CloudWatch has measured of an environment, and which of its alarms ring. */
import type { MetricDataQuery } from '@aws-sdk/client-cloudwatch';
import { type AlarmView, isAlarmOf } from '../../domain/alarm.ts';
import type { MetricPoint, MetricQuery, MetricWindow } from '../../domain/metric.ts';
import { environmentNames } from '../../domain/names.ts';
import type { Environment, Project } from '../../domain/project.ts';
import type { MonitoringPort } from '../../ports.ts';
import { callAws, callAwsOrAbsent } from './errors.ts';
import type { Session } from './session.ts';

/** Answers of GetMetricData read; each holds up to 100 800 values (CloudWatch API reference). */
const MAX_METRIC_PAGES = 10;
/** Alarms in one DescribeAlarms answer (CloudWatch API reference), and answers read. */
const ALARMS_PER_PAGE = 100;
const MAX_ALARM_PAGES = 5;
const NO_LOAD_BALANCER = ['LoadBalancerNotFound', 'LoadBalancerNotFoundException'];

export interface MonitoringOptions {
  readonly session: Session;
  readonly project: Project;
  readonly environment: Environment;
}

type Dimensions = Readonly<Record<string, string>>;

export function createMonitoring({ session, project, environment }: MonitoringOptions): MonitoringPort {
  const names = environmentNames(project.name, environment.name);
  const prefixes = project.environments.map(({ name }) => environmentNames(project.name, name).prefix);
  return {
    async series(metrics, window) {
      const balancer = metrics.some(({ of }) => of !== 'service')
        ? await findBalancer(session, names.loadBalancer)
        : undefined;
      const dimensionsOf: Readonly<Record<MetricQuery['of'], Dimensions | undefined>> = {
        service: { ClusterName: names.cluster, ServiceName: names.service },
        'load balancer': balancer?.balancer,
        targets: balancer?.targets,
      };
      const queries = metrics.flatMap((metric) => {
        const dimensions = dimensionsOf[metric.of];
        return dimensions === undefined ? [] : [renderMetricQuery(metric, dimensions, window)];
      });
      return queries.length === 0 ? new Map() : loadSeries(session, queries, window);
    },
    async alarms() {
      const alarms: AlarmView[] = [];
      let next: string | undefined;
      for (let page = 0; page < MAX_ALARM_PAGES; page += 1) {
        const answer = await callAws(session, 'cloudwatch:DescribeAlarms', async () => {
          const { DescribeAlarmsCommand } = await import('@aws-sdk/client-cloudwatch');
          const query = {
            AlarmNamePrefix: `${names.prefix}-`,
            StateValue: 'ALARM',
            MaxRecords: ALARMS_PER_PAGE,
          } as const;
          return (await session.cloudwatch()).send(
            new DescribeAlarmsCommand({
              ...query,
              AlarmTypes: ['MetricAlarm', 'CompositeAlarm'],
              ...(next === undefined ? {} : { NextToken: next }),
            }),
          );
        });
        for (const alarm of [...(answer.MetricAlarms ?? []), ...(answer.CompositeAlarms ?? [])]) {
          const { AlarmName: name = '', AlarmDescription: description = '' } = alarm;
          const since = (alarm.StateTransitionedTimestamp ?? alarm.StateUpdatedTimestamp)?.toISOString();
          // Not every AWS-like endpoint looks at the state when it has a prefix.
          if (alarm.StateValue === 'ALARM' && isAlarmOf(name, names.prefix, prefixes))
            alarms.push({ name, since, description });
        }
        next = answer.NextToken;
        if (!next) break;
      }
      return alarms.sort((a, b) => a.name.localeCompare(b.name));
    },
  };
}

/** Dimensions are the ends of ARNs: `app/NAME/ID` and `targetgroup/NAME/ID`. */
async function findBalancer(
  session: Session,
  name: string,
): Promise<{ readonly balancer: Dimensions; readonly targets: Dimensions | undefined } | undefined> {
  const found = await callAwsOrAbsent(
    session,
    'elasticloadbalancing:DescribeLoadBalancers',
    NO_LOAD_BALANCER,
    async () => {
      const { DescribeLoadBalancersCommand } = await import('@aws-sdk/client-elastic-load-balancing-v2');
      return (await session.loadBalancing()).send(new DescribeLoadBalancersCommand({ Names: [name] }));
    },
  );
  const LoadBalancerArn = found?.LoadBalancers?.[0]?.LoadBalancerArn;
  if (LoadBalancerArn === undefined) return undefined;
  const groups = await callAwsOrAbsent(
    session,
    'elasticloadbalancing:DescribeTargetGroups',
    NO_LOAD_BALANCER,
    async () => {
      const { DescribeTargetGroupsCommand } = await import('@aws-sdk/client-elastic-load-balancing-v2');
      return (await session.loadBalancing()).send(new DescribeTargetGroupsCommand({ LoadBalancerArn }));
    },
  );
  const group = groups?.TargetGroups?.[0]?.TargetGroupArn;
  const resourceOf = (arn: string) => arn.slice(arn.lastIndexOf(':') + 1).replace(/^loadbalancer\//, '');
  const balancer = { LoadBalancer: resourceOf(LoadBalancerArn) };
  return {
    balancer,
    targets: group === undefined ? undefined : { ...balancer, TargetGroup: resourceOf(group) },
  };
}

function renderMetricQuery(
  { id, namespace, name, statistic }: MetricQuery,
  dimensions: Dimensions,
  { periodSeconds }: MetricWindow,
): MetricDataQuery {
  const Dimensions = Object.entries(dimensions).map(([Name, Value]) => ({ Name, Value }));
  const Metric = { Namespace: namespace, MetricName: name, Dimensions };
  return { Id: id, MetricStat: { Metric, Period: periodSeconds, Stat: statistic } };
}

async function loadSeries(
  session: Session,
  queries: MetricDataQuery[],
  { from, to }: MetricWindow,
): Promise<ReadonlyMap<string, readonly MetricPoint[]>> {
  const found = new Map<string, MetricPoint[]>();
  let next: string | undefined;
  for (let page = 0; page < MAX_METRIC_PAGES; page += 1) {
    const answer = await callAws(session, 'cloudwatch:GetMetricData', async () => {
      const { GetMetricDataCommand } = await import('@aws-sdk/client-cloudwatch');
      const window = { StartTime: new Date(from), EndTime: new Date(to) };
      return (await session.cloudwatch()).send(
        new GetMetricDataCommand({
          ...window,
          MetricDataQueries: queries,
          ScanBy: 'TimestampAscending',
          ...(next === undefined ? {} : { NextToken: next }),
        }),
      );
    });
    for (const { Id = '', Timestamps = [], Values = [] } of answer.MetricDataResults ?? []) {
      const points = found.get(Id) ?? [];
      Timestamps.forEach((time, index) => {
        const value = Values[index];
        if (value !== undefined) points.push({ at: time.getTime(), value });
      });
      found.set(Id, points);
    }
    next = answer.NextToken;
    if (!next) break;
  }
  for (const points of found.values()) points.sort((a, b) => a.at - b.at);
  return found;
}
