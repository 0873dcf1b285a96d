/** Scaling policies and their alarms, and what has scaled so far. */
import { randomUUID } from 'node:crypto';
import * as z from 'zod';
import { AwsError, type ControlPlane } from '../contract.ts';
import {
  type AutoscalingOptions,
  describeResource,
  isWanted,
  pagingFields,
  parseRequest,
  requireTarget,
  resourceFields,
  takePage,
} from './autoscaling-options.ts';
import type { PolicyAlarm, ScalableResource, ScalingPolicy } from './autoscaling-store.ts';
import { decideTrackedMetric, describeAlarms } from './scaling-alarms.ts';

const targetTracking = z.looseObject({
  TargetValue: z.number().positive(),
  PredefinedMetricSpecification: z
    .looseObject({ PredefinedMetricType: z.string(), ResourceLabel: z.string().optional() })
    .optional(),
  CustomizedMetricSpecification: z
    .looseObject({
      MetricName: z.string().optional(),
      Namespace: z.string().optional(),
      Statistic: z.string().optional(),
      Dimensions: z.array(z.object({ Name: z.string(), Value: z.string() })).optional(),
    })
    .optional(),
  ScaleOutCooldown: z.number().int().min(0).optional(),
  ScaleInCooldown: z.number().int().min(0).optional(),
  DisableScaleIn: z.boolean().optional(),
});
const stepScaling = z.looseObject({
  AdjustmentType: z.enum(['ChangeInCapacity', 'PercentChangeInCapacity', 'ExactCapacity']).optional(),
  StepAdjustments: z
    .array(
      z.object({
        MetricIntervalLowerBound: z.number().optional(),
        MetricIntervalUpperBound: z.number().optional(),
        ScalingAdjustment: z.number().int(),
      }),
    )
    .max(20)
    .optional(),
  MinAdjustmentMagnitude: z.number().int().min(0).optional(),
  Cooldown: z.number().int().min(0).optional(),
});
const putInput = z.object({
  ...resourceFields,
  PolicyName: z.string().min(1).max(256),
  PolicyType: z.enum(['StepScaling', 'TargetTrackingScaling']).optional(),
  StepScalingPolicyConfiguration: stepScaling.optional(),
  TargetTrackingScalingPolicyConfiguration: targetTracking.optional(),
});
const deleteInput = z.object({ ...resourceFields, PolicyName: z.string().min(1) });
const filterFields = {
  ServiceNamespace: z.string().min(1),
  ResourceId: z.string().optional(),
  ScalableDimension: z.string().optional(),
  ...pagingFields,
};
const describeInput = z.object({ ...filterFields, PolicyNames: z.array(z.string()).max(50).optional() });
const activitiesInput = z.object({ ...filterFields, IncludeNotScaledActivities: z.boolean().optional() });

export async function putScalingPolicy(options: AutoscalingOptions, payload: object): Promise<object> {
  const input = parseRequest(putInput, payload);
  requireTarget(options, input);
  const known = options.store.policy(input, input.PolicyName);
  const type = input.PolicyType ?? known?.PolicyType ?? 'StepScaling';
  if (known !== undefined && known.PolicyType !== type) {
    throw new AwsError(
      'ValidationException',
      `Policy ${input.PolicyName} is of type ${known.PolicyType}; a policy's type can't be changed`,
    );
  }
  const configured =
    type === 'StepScaling'
      ? input.StepScalingPolicyConfiguration
      : input.TargetTrackingScalingPolicyConfiguration;
  if (configured === undefined) {
    throw new AwsError(
      'ValidationException',
      `A policy of type ${type} needs ${type === 'StepScaling' ? 'StepScaling' : 'TargetTrackingScaling'}PolicyConfiguration`,
    );
  }
  const resource = resourceOf(input);
  const arn = known?.PolicyARN ?? newPolicyArn(options.control, resource, input.PolicyName);
  const tracking =
    type === 'TargetTrackingScaling' ? input.TargetTrackingScalingPolicyConfiguration : undefined;
  const alarms =
    tracking === undefined ? [] : await putAlarms(options, resource, arn, tracking, known?.Alarms);
  options.store.putPolicy({
    ...resource,
    PolicyARN: arn,
    PolicyName: input.PolicyName,
    PolicyType: type,
    ...(type === 'StepScaling' && {
      StepScalingPolicyConfiguration: input.StepScalingPolicyConfiguration,
    }),
    ...(tracking !== undefined && { TargetTrackingScalingPolicyConfiguration: tracking }),
    Alarms: alarms,
    CreationTime: known?.CreationTime ?? options.now() / 1000,
  });
  return { PolicyARN: arn, Alarms: alarms };
}

async function putAlarms(
  { control }: AutoscalingOptions,
  resource: ScalableResource,
  policyArn: string,
  tracking: z.infer<typeof targetTracking>,
  known: readonly PolicyAlarm[] | undefined,
): Promise<PolicyAlarm[]> {
  const metric = decideTrackedMetric(resource, tracking);
  if (metric === undefined) return [];
  // A changed policy keeps its alarms' names, so that nothing is left behind.
  const [high, low] = known ?? [];
  const uuids = { high: uuidOf(high) ?? randomUUID(), low: uuidOf(low) ?? randomUUID() };
  const alarms = describeAlarms(
    resource,
    metric,
    { arn: policyArn, targetValue: tracking.TargetValue },
    uuids,
  );
  for (const alarm of alarms) await control.query('monitoring', 'PutMetricAlarm', alarm);
  return alarms.map(({ AlarmName = '' }) => ({
    AlarmName,
    AlarmARN: `arn:aws:cloudwatch:${control.region}:${control.accountId}:alarm:${AlarmName}`,
  }));
}

function uuidOf(alarm: PolicyAlarm | undefined): string | undefined {
  return /[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/.exec(alarm?.AlarmName ?? '')?.[0];
}

export async function deleteAlarms(control: ControlPlane, alarms: readonly PolicyAlarm[]): Promise<void> {
  if (alarms.length === 0) return;
  const names = alarms.map(({ AlarmName }, index) => [`AlarmNames.member.${index + 1}`, AlarmName]);
  await control.query('monitoring', 'DeleteAlarms', Object.fromEntries(names));
}

function newPolicyArn({ region, accountId }: ControlPlane, resource: ScalableResource, name: string): string {
  const where = `resource/${resource.ServiceNamespace}/${resource.ResourceId}`;
  return `arn:aws:autoscaling:${region}:${accountId}:scalingPolicy:${randomUUID()}:${where}:policyName/${name}`;
}

function resourceOf({ ServiceNamespace, ResourceId, ScalableDimension }: ScalableResource): ScalableResource {
  return { ServiceNamespace, ResourceId, ScalableDimension };
}

export async function describeScalingPolicies(
  { store }: AutoscalingOptions,
  payload: object,
): Promise<object> {
  const input = parseRequest(describeInput, payload);
  const wanted = input.PolicyNames ?? [];
  const matching = store
    .policies()
    .filter(
      (policy) => isWanted(policy, input) && (wanted.length === 0 || wanted.includes(policy.PolicyName)),
    );
  const page = takePage(matching, input);
  return { ScalingPolicies: page.items, ...page.rest };
}

export async function deleteScalingPolicy(options: AutoscalingOptions, payload: object): Promise<object> {
  const input = parseRequest(deleteInput, payload);
  const policy: ScalingPolicy | undefined = options.store.policy(input, input.PolicyName);
  if (policy === undefined) {
    throw new AwsError(
      'ObjectNotFoundException',
      `No scaling policy found for ${describeResource(input)}, policy name: ${input.PolicyName}`,
    );
  }
  await deleteAlarms(options.control, policy.Alarms);
  options.store.removePolicy(policy);
  return {};
}

export async function describeScalingActivities(
  { store }: AutoscalingOptions,
  payload: object,
): Promise<object> {
  const input = parseRequest(activitiesInput, payload);
  const shown = store
    .activities()
    .filter(
      (activity) =>
        isWanted(activity, input) &&
        (input.IncludeNotScaledActivities === true || activity.NotScaledReasons === undefined),
    );
  const page = takePage(shown, input);
  return {
    ScalingActivities: page.items.map(({ desiredCount: _own, ...activity }) => activity),
    ...page.rest,
  };
}
