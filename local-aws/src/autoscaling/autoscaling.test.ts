import { expect, test } from 'vitest';
import { AutoscalingStore } from './autoscaling-store.ts';
import { decideBoundedCount } from './scalable-target-actions.ts';
import { decideTrackedMetric, describeAlarms } from './scaling-alarms.ts';

const resource = {
  ServiceNamespace: 'ecs',
  ResourceId: 'service/c/s',
  ScalableDimension: 'ecs:service:DesiredCount',
};
const predefined = (PredefinedMetricType: string, ResourceLabel?: string) => ({
  TargetValue: 70,
  PredefinedMetricSpecification: { PredefinedMetricType, ResourceLabel },
});

test.each([
  [1, 1, 10, undefined],
  [10, 1, 10, undefined],
  [0, 1, 10, { count: 1, cause: 'minimum capacity was set to 1' }],
  [11, 1, 10, { count: 10, cause: 'maximum capacity was set to 10' }],
  [5, 0, 0, { count: 0, cause: 'maximum capacity was set to 0' }],
])('desired %i within %i..%i', (desired, min, max, expected) => {
  expect(decideBoundedCount(desired, min, max)).toEqual(expected);
});

test('[target-tracking.metrics] CPU, memory and requests per target', () => {
  const service = [
    { name: 'ClusterName', value: 'c' },
    { name: 'ServiceName', value: 's' },
  ];
  expect(decideTrackedMetric(resource, predefined('ECSServiceAverageCPUUtilization'))).toEqual({
    namespace: 'AWS/ECS',
    name: 'CPUUtilization',
    statistic: 'Average',
    dimensions: service,
  });
  expect(decideTrackedMetric(resource, predefined('ECSServiceAverageMemoryUtilization'))?.name).toBe(
    'MemoryUtilization',
  );
  expect(
    decideTrackedMetric(resource, predefined('ALBRequestCountPerTarget', 'app/a/1/targetgroup/t/2')),
  ).toMatchObject({
    statistic: 'Sum',
    dimensions: [
      { name: 'LoadBalancer', value: 'app/a/1' },
      { name: 'TargetGroup', value: 'targetgroup/t/2' },
    ],
  });
});

test.each([
  ['unknown kind', predefined('Nope')],
  ['label missing', predefined('ALBRequestCountPerTarget')],
  ['neither', { TargetValue: 1 }],
  [
    'both',
    {
      ...predefined('ECSServiceAverageCPUUtilization'),
      CustomizedMetricSpecification: { MetricName: 'm', Namespace: 'n' },
    },
  ],
])('a policy with %s is refused', (_name, tracking) => {
  expect(() => decideTrackedMetric(resource, tracking)).toThrow(
    expect.objectContaining({ code: 'ValidationException' }),
  );
});

test('metric math has no alarm of its own', () => {
  expect(
    decideTrackedMetric(resource, { TargetValue: 1, CustomizedMetricSpecification: {} }),
  ).toBeUndefined();
});

test('[target-tracking.alarm-pair] [target-tracking.low-threshold] a policy has two alarms: 3 minutes above the target, 15 below 90 % of it', () => {
  const metric = { namespace: 'n', name: 'm', statistic: 'Average', dimensions: [{ name: 'd', value: 'v' }] };
  const [high, low] = describeAlarms(
    resource,
    metric,
    { arn: 'arn', targetValue: 75 },
    { high: 'h', low: 'l' },
  );
  const common = {
    Namespace: 'n',
    MetricName: 'm',
    Period: '60',
    'Dimensions.member.1.Name': 'd',
    'AlarmActions.member.1': 'arn',
  };
  expect(high).toMatchObject({
    ...common,
    AlarmName: 'TargetTracking-service/c/s-AlarmHigh-h',
    EvaluationPeriods: '3',
    Threshold: '75',
    ComparisonOperator: 'GreaterThanThreshold',
  });
  expect(low).toMatchObject({
    ...common,
    AlarmName: 'TargetTracking-service/c/s-AlarmLow-l',
    EvaluationPeriods: '15',
    Threshold: '67.5',
    ComparisonOperator: 'LessThanThreshold',
  });
});

test('activities are newest first, and bounded', () => {
  const store = new AutoscalingStore();
  for (let i = 0; i < 1005; i += 1) {
    store.recordActivity({
      ...resource,
      Description: String(i),
      Cause: '',
      StartTime: i,
      EndTime: i,
      StatusCode: 'Successful',
      StatusMessage: '',
    });
  }
  expect([store.activities().length, store.activities()[0]?.Description]).toEqual([1000, '1004']);
});
