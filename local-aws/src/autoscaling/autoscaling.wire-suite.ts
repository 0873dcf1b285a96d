/** Application Auto Scaling through the SDK, with its alarms in moto's CloudWatch. */
import {
  ApplicationAutoScalingClient,
  DeleteScalingPolicyCommand,
  DeleteScheduledActionCommand,
  DeregisterScalableTargetCommand,
  DescribeScalableTargetsCommand,
  DescribeScalingActivitiesCommand,
  DescribeScalingPoliciesCommand,
  DescribeScheduledActionsCommand,
  ListTagsForResourceCommand,
  PutScalingPolicyCommand,
  PutScheduledActionCommand,
  RegisterScalableTargetCommand,
  TagResourceCommand,
  UntagResourceCommand,
} from '@aws-sdk/client-application-auto-scaling';
import { expect, test } from 'vitest';
import { listAt, readXml, textAt } from '../gateway/xml.ts';
import type { Wire } from '../wire-fixture.ts';

const resource = (name: string) =>
  ({
    ServiceNamespace: 'ecs',
    ResourceId: `service/cluster/${name}`,
    ScalableDimension: 'ecs:service:DesiredCount',
  }) as const;

export function autoscalingWireSuite(wire: () => Wire): void {
  const client = () => new ApplicationAutoScalingClient(wire().clientOptions);

  async function register(name: string, min: number, max: number): Promise<string> {
    const registered = await client().send(
      new RegisterScalableTargetCommand({
        ...resource(name),
        MinCapacity: min,
        MaxCapacity: max,
        Tags: { Project: 'p' },
      }),
    );
    return registered.ScalableTargetARN ?? '';
  }

  async function alarmNames(): Promise<{ name: string; threshold: string; periods: string }[]> {
    const xml = await wire().control.query('monitoring', 'DescribeAlarms', {});
    return listAt(readXml(xml), 'DescribeAlarmsResult', 'MetricAlarms').map((member) => ({
      name: textAt(member, 'AlarmName') ?? '',
      threshold: textAt(member, 'Threshold') ?? '',
      periods: textAt(member, 'EvaluationPeriods') ?? '',
    }));
  }

  test('a target round-trips with its tags, and bounds the desired count', async () => {
    wire().services.counts.set('service/cluster/web', 1);
    const arn = await register('web', 3, 10);
    expect(wire().services.counts.get('service/cluster/web')).toBe(3);
    const targets = await client().send(
      new DescribeScalableTargetsCommand({ ServiceNamespace: 'ecs', ResourceIds: ['service/cluster/web'] }),
    );
    expect(targets.ScalableTargets).toHaveLength(1);
    expect(targets.ScalableTargets?.[0]).toMatchObject({
      ...resource('web'),
      MinCapacity: 3,
      MaxCapacity: 10,
      ScalableTargetARN: arn,
      SuspendedState: {
        DynamicScalingInSuspended: false,
        DynamicScalingOutSuspended: false,
        ScheduledScalingSuspended: false,
      },
    });
    expect(targets.ScalableTargets?.[0]?.CreationTime).toBeInstanceOf(Date);
    await client().send(
      new RegisterScalableTargetCommand({ ...resource('web'), MinCapacity: 1, MaxCapacity: 2 }),
    );
    expect(wire().services.counts.get('service/cluster/web')).toBe(2);
    const activities = await client().send(
      new DescribeScalingActivitiesCommand({ ServiceNamespace: 'ecs', ResourceId: 'service/cluster/web' }),
    );
    expect(activities.ScalingActivities?.map(({ Cause }) => Cause)).toEqual([
      'maximum capacity was set to 2',
      'minimum capacity was set to 3',
    ]);

    await client().send(new TagResourceCommand({ ResourceARN: arn, Tags: { Owner: 'o' } }));
    await client().send(new UntagResourceCommand({ ResourceARN: arn, TagKeys: ['Project'] }));
    expect((await client().send(new ListTagsForResourceCommand({ ResourceARN: arn }))).Tags).toEqual({
      Owner: 'o',
    });
    await expect(
      client().send(new ListTagsForResourceCommand({ ResourceARN: `${arn}x` })),
    ).rejects.toMatchObject({ name: 'ResourceNotFoundException' });
  });

  test('a policy makes its pair of alarms, keeps them when changed, and takes them along', async () => {
    wire().services.counts.set('service/cluster/policy', 1);
    await register('policy', 1, 10);
    const policy = { ...resource('policy'), PolicyName: 'cpu', PolicyType: 'TargetTrackingScaling' } as const;
    const tracking = {
      TargetValue: 70,
      PredefinedMetricSpecification: { PredefinedMetricType: 'ECSServiceAverageCPUUtilization' },
      ScaleInCooldown: 300,
      ScaleOutCooldown: 60,
      DisableScaleIn: false,
    } as const;
    const put = await client().send(
      new PutScalingPolicyCommand({ ...policy, TargetTrackingScalingPolicyConfiguration: tracking }),
    );
    expect(put.PolicyARN).toMatch(
      /^arn:aws:autoscaling:us-east-1:123456789012:scalingPolicy:[0-9a-f-]{36}:resource\/ecs\/service\/cluster\/policy:policyName\/cpu$/,
    );
    expect(put.Alarms?.map(({ AlarmName }) => AlarmName?.replace(/[0-9a-f-]{36}$/, 'UUID'))).toEqual([
      'TargetTracking-service/cluster/policy-AlarmHigh-UUID',
      'TargetTracking-service/cluster/policy-AlarmLow-UUID',
    ]);
    const described = await client().send(
      new DescribeScalingPoliciesCommand({ ServiceNamespace: 'ecs', PolicyNames: ['cpu'] }),
    );
    expect(described.ScalingPolicies?.[0]).toMatchObject({
      ...policy,
      TargetTrackingScalingPolicyConfiguration: tracking,
      Alarms: put.Alarms,
    });
    const changed = await client().send(
      new PutScalingPolicyCommand({
        ...policy,
        TargetTrackingScalingPolicyConfiguration: { ...tracking, TargetValue: 50 },
      }),
    );
    expect([changed.PolicyARN, changed.Alarms]).toEqual([put.PolicyARN, put.Alarms]);
    const own = (await alarmNames()).filter(({ name }) => name.includes('cluster/policy'));
    expect(own.map(({ threshold, periods }) => [Number(threshold), Number(periods)]).sort()).toEqual([
      [45, 15],
      [50, 3],
    ]);

    await client().send(new DeleteScalingPolicyCommand({ ...resource('policy'), PolicyName: 'cpu' }));
    expect((await alarmNames()).filter(({ name }) => name.includes('cluster/policy'))).toEqual([]);
    await expect(
      client().send(new DeleteScalingPolicyCommand({ ...resource('policy'), PolicyName: 'cpu' })),
    ).rejects.toMatchObject({ name: 'ObjectNotFoundException' });
    await client().send(
      new PutScalingPolicyCommand({ ...policy, TargetTrackingScalingPolicyConfiguration: tracking }),
    );
    await client().send(new DeregisterScalableTargetCommand(resource('policy')));
    expect((await alarmNames()).filter(({ name }) => name.includes('cluster/policy'))).toEqual([]);
    const left = await client().send(
      new DescribeScalingPoliciesCommand({ ServiceNamespace: 'ecs', ResourceId: 'service/cluster/policy' }),
    );
    expect(left.ScalingPolicies).toEqual([]);
  });

  test('scheduled actions are kept', async () => {
    wire().services.counts.set('service/cluster/timed', 1);
    await register('timed', 1, 10);
    const action = {
      ...resource('timed'),
      ScheduledActionName: 'night',
      Schedule: 'cron(0 22 * * ? *)',
      StartTime: new Date(1_800_000_000_000),
      ScalableTargetAction: { MinCapacity: 1, MaxCapacity: 2 },
    };
    await client().send(new PutScheduledActionCommand(action));
    const described = await client().send(
      new DescribeScheduledActionsCommand({ ServiceNamespace: 'ecs', ResourceId: action.ResourceId }),
    );
    expect(described.ScheduledActions?.[0]).toMatchObject(action);
    await client().send(
      new DeleteScheduledActionCommand({ ...resource('timed'), ScheduledActionName: 'night' }),
    );
    await expect(
      client().send(new DeleteScheduledActionCommand({ ...resource('timed'), ScheduledActionName: 'night' })),
    ).rejects.toMatchObject({ name: 'ObjectNotFoundException' });
  });

  test('bad input has the errors of AWS', async () => {
    wire().services.counts.set('service/cluster/bad', 1);
    await expect(register('bad', 5, 2)).rejects.toMatchObject({
      name: 'ValidationException',
      message: expect.stringContaining('(2)'),
    });
    await expect(register('unknown', 1, 2)).rejects.toMatchObject({
      name: 'ValidationException',
      message: expect.stringContaining('service/cluster/unknown'),
    });
    await expect(
      client().send(new RegisterScalableTargetCommand({ ...resource('bad'), MinCapacity: 1 })),
    ).rejects.toMatchObject({ name: 'ValidationException' });
    await expect(client().send(new DeregisterScalableTargetCommand(resource('bad')))).rejects.toMatchObject({
      name: 'ObjectNotFoundException',
    });
    const policy = new PutScalingPolicyCommand({
      ...resource('bad'),
      PolicyName: 'p',
      PolicyType: 'TargetTrackingScaling',
    });
    await expect(client().send(policy)).rejects.toMatchObject({ name: 'ObjectNotFoundException' });
    await register('bad', 1, 2);
    await expect(client().send(policy)).rejects.toMatchObject({ name: 'ValidationException' });
    const paged = new DescribeScalableTargetsCommand({ ServiceNamespace: 'ecs', NextToken: 'nonsense' });
    await expect(client().send(paged)).rejects.toMatchObject({ name: 'InvalidNextTokenException' });
  });
}
