/**
 * The pair of alarms that AWS makes for a target tracking policy: high after 3 minutes, low after 15. Pure.
 * The low threshold at 90 % of the target is observed, not published [assumption].
 */
import { AwsError } from '../contract.ts';
import type { ScalableResource } from './autoscaling-store.ts';

const lowThresholdShare = 0.9;
const periodSeconds = 60;
const highPeriods = 3;
const lowPeriods = 15;

export interface TrackedMetric {
  readonly namespace: string;
  readonly name: string;
  readonly statistic: string;
  readonly dimensions: readonly { readonly name: string; readonly value: string }[];
}

export interface TargetTracking {
  readonly TargetValue: number;
  readonly PredefinedMetricSpecification?:
    | { readonly PredefinedMetricType: string; readonly ResourceLabel?: string | undefined }
    | undefined;
  readonly CustomizedMetricSpecification?:
    | {
        readonly MetricName?: string | undefined;
        readonly Namespace?: string | undefined;
        readonly Statistic?: string | undefined;
        readonly Dimensions?: readonly { readonly Name: string; readonly Value: string }[] | undefined;
      }
    | undefined;
  /** Seconds, 300 when absent. */
  readonly ScaleOutCooldown?: number | undefined;
  readonly ScaleInCooldown?: number | undefined;
  readonly DisableScaleIn?: boolean | undefined;
}

/** @returns undefined for metric math, which has no single metric @throws AwsError ValidationException */
export function decideTrackedMetric(
  resource: ScalableResource,
  tracking: TargetTracking,
): TrackedMetric | undefined {
  const { PredefinedMetricSpecification: predefined, CustomizedMetricSpecification: customized } = tracking;
  if ((predefined === undefined) === (customized === undefined)) {
    throw new AwsError(
      'ValidationException',
      'Exactly one of PredefinedMetricSpecification and CustomizedMetricSpecification must be given',
    );
  }
  if (customized !== undefined) {
    if (customized.MetricName === undefined || customized.Namespace === undefined) return undefined;
    return {
      namespace: customized.Namespace,
      name: customized.MetricName,
      statistic: customized.Statistic ?? 'Average',
      dimensions: (customized.Dimensions ?? []).map(({ Name, Value }) => ({ name: Name, value: Value })),
    };
  }
  return predefined === undefined
    ? undefined
    : predefinedMetric(resource, predefined.PredefinedMetricType, predefined.ResourceLabel);
}

function predefinedMetric(
  resource: ScalableResource,
  type: string,
  label: string | undefined,
): TrackedMetric {
  const [, cluster = '', service = ''] = resource.ResourceId.split('/');
  const dimensions = [
    { name: 'ClusterName', value: cluster },
    { name: 'ServiceName', value: service },
  ];
  switch (type) {
    case 'ECSServiceAverageCPUUtilization':
      return { namespace: 'AWS/ECS', name: 'CPUUtilization', statistic: 'Average', dimensions };
    case 'ECSServiceAverageMemoryUtilization':
      return { namespace: 'AWS/ECS', name: 'MemoryUtilization', statistic: 'Average', dimensions };
    case 'ALBRequestCountPerTarget': {
      const match = /^(app\/[^/]+\/[^/]+)\/(targetgroup\/[^/]+\/[^/]+)$/.exec(label ?? '');
      const [, balancer, group] = match ?? [];
      if (balancer === undefined || group === undefined) {
        throw new AwsError(
          'ValidationException',
          `ResourceLabel '${label ?? ''}' is not app/NAME/ID/targetgroup/NAME/ID`,
        );
      }
      return {
        namespace: 'AWS/ApplicationELB',
        name: 'RequestCountPerTarget',
        statistic: 'Sum',
        dimensions: [
          { name: 'LoadBalancer', value: balancer },
          { name: 'TargetGroup', value: group },
        ],
      };
    }
    default:
      throw new AwsError(
        'ValidationException',
        `PredefinedMetricType '${type}' is not supported for ${resource.ServiceNamespace}`,
      );
  }
}

/** Parameters of CloudWatch's PutMetricAlarm in the query protocol. */
export function describeAlarms(
  resource: ScalableResource,
  metric: TrackedMetric,
  policy: { readonly arn: string; readonly targetValue: number },
  uuids: { readonly high: string; readonly low: string },
): readonly [Record<string, string>, Record<string, string>] {
  const common = {
    AlarmDescription: `DO NOT EDIT OR DELETE. For TargetTrackingScaling policy ${policy.arn}.`,
    'AlarmActions.member.1': policy.arn,
    ActionsEnabled: 'true',
    Namespace: metric.namespace,
    MetricName: metric.name,
    Statistic: metric.statistic,
    Period: String(periodSeconds),
    ...Object.fromEntries(
      metric.dimensions.flatMap(({ name, value }, index) => [
        [`Dimensions.member.${index + 1}.Name`, name],
        [`Dimensions.member.${index + 1}.Value`, value],
      ]),
    ),
  };
  const name = (side: string, uuid: string) => `TargetTracking-${resource.ResourceId}-${side}-${uuid}`;
  return [
    {
      ...common,
      AlarmName: name('AlarmHigh', uuids.high),
      EvaluationPeriods: String(highPeriods),
      Threshold: String(policy.targetValue),
      ComparisonOperator: 'GreaterThanThreshold',
    },
    {
      ...common,
      AlarmName: name('AlarmLow', uuids.low),
      EvaluationPeriods: String(lowPeriods),
      Threshold: String(Number((policy.targetValue * lowThresholdShare).toFixed(6))),
      ComparisonOperator: 'LessThanThreshold',
    },
  ];
}
