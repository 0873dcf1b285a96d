import { afterEach, beforeEach, expect, test } from 'vitest';
import { createCloudWatch } from '../cloudwatch/create-cloudwatch.ts';
import { FakeCloudWatch } from '../cloudwatch/fake-cloudwatch.ts';
import { createFakeClock, type FakeClock } from '../ecs/test/fake-clock.ts';
import { type Autoscaler, startAutoscaler } from './autoscaler.ts';
import type { AutoscalingOptions } from './autoscaling-options.ts';
import { AutoscalingStore, type ScalingActivity } from './autoscaling-store.ts';
import { registerScalableTarget } from './scalable-target-actions.ts';
import { describeScalingActivities, putScalingPolicy } from './scaling-policy-actions.ts';
import { putScheduledAction } from './scheduled-action-actions.ts';

const minuteMs = 60_000;
const resource = {
  ServiceNamespace: 'ecs',
  ResourceId: 'service/c/s',
  ScalableDimension: 'ecs:service:DesiredCount',
};

/** A service whose tasks share a load, with everything around it in memory. A change takes effect at once. */
function createWorld(clock: FakeClock) {
  const control = new FakeCloudWatch();
  const store = new AutoscalingStore();
  const state = { desired: 1, running: 1, deploying: false, units: 0, memoryMb: 50, stuck: false };
  const changes: { minute: number; count: number; cause: string }[] = [];
  const startedAt = clock.now();
  const log: string[] = [];
  const setDesiredCount = (_id: string, count: number, cause: string) => {
    state.desired = count;
    if (!state.stuck) state.running = count;
    changes.push({ minute: (clock.now() - startedAt) / clock.scaled(minuteMs), count, cause });
  };
  const services = () => [
    {
      ...{ clusterName: 'c', serviceName: 's', pendingCount: 0, deploying: state.deploying },
      ...{ desiredCount: state.desired, runningCount: state.running },
      tasks: Array.from({ length: state.running }, (_, i) => ({
        ...{ id: String(i), cpuUnits: 256, memoryMb: 512 },
        usage: () => ({ cpuUnits: state.units / state.running, memoryMb: state.memoryMb }),
      })),
    },
  ];
  const api: AutoscalingOptions = {
    ...{ store, control, setDesiredCount },
    now: () => clock.now(),
    desiredCount: () => state.desired,
  };
  const say = (line: string) => void log.push(line);
  const cloudwatch = createCloudWatch({ clock, control, log: say });
  const autoscaler: Autoscaler = startAutoscaler({ store, clock, services, setDesiredCount, log: say });
  cloudwatch.start({ services, onRound: (alarms, at) => autoscaler.onRound(alarms, at) });
  return {
    ...{ control, store, state, changes, api, log, metrics: cloudwatch.metrics },
    pass: (minutes: number) => clock.advance(clock.scaled(minutes * minuteMs)),
    async track(name: string, metric: string, more: object = {}) {
      await putScalingPolicy(api, {
        ...{ ...resource, PolicyName: name, PolicyType: 'TargetTrackingScaling' },
        TargetTrackingScalingPolicyConfiguration: {
          TargetValue: 70,
          PredefinedMetricSpecification: { PredefinedMetricType: metric },
          ...more,
        },
      });
    },
    async activities(all = false): Promise<readonly ScalingActivity[]> {
      const answer = await describeScalingActivities(api, { ...resource, IncludeNotScaledActivities: all });
      return (answer as { ScalingActivities: ScalingActivity[] }).ScalingActivities;
    },
    async close() {
      const stopped = Promise.all([cloudwatch.stop(), autoscaler.stop()]);
      await clock.advance(0);
      await stopped;
    },
  };
}

const cpuMetric = 'ECSServiceAverageCPUUtilization';
const quick = { ScaleOutCooldown: 60, ScaleInCooldown: 300 };
let clock: FakeClock;
let world: ReturnType<typeof createWorld>;

beforeEach(async () => {
  clock = createFakeClock(1_700_000_040_000);
  world = createWorld(clock);
  await registerScalableTarget(world.api, { ...resource, MinCapacity: 1, MaxCapacity: 10 });
});
afterEach(() => world.close());

test('[target-tracking.high-alarm] capacity follows a load up after three minutes, and then each minute', async () => {
  await world.track('cpu', cpuMetric, quick);
  await world.pass(5);
  world.state.units = 660;
  await world.pass(15);
  expect(world.changes.map(({ count }) => count)).toEqual([2, 3, 4]);
  expect(world.changes.map(({ minute }) => Math.floor(minute))).toEqual([8, 9, 10]);
  expect(world.control.state('AlarmHigh')).toBe('OK');
  const [put] = world.control.of('SetAlarmState').filter(({ StateValue }) => StateValue === 'ALARM');
  expect(put?.StateReason).toMatch(
    /^Threshold Crossed: 3 out of the last 3 datapoints \[100\.0 \(14\/11\/23 22:21:00\), 100\.0 \(.*\), 100\.0 \(.*\)\] were greater than the threshold \(70\.0\) \(minimum 3 datapoints for OK -> ALARM transition\)\.$/,
  );
  expect(JSON.parse(put?.StateReasonData ?? '')).toMatchObject({
    ...{ version: '1.0', statistic: 'Average', period: 60, threshold: 70, recentDatapoints: [100, 100, 100] },
  });
});

test('[target-tracking.low-alarm] and down after fifteen, when all is quiet', async () => {
  world.state.desired = 4;
  world.state.running = 4;
  world.state.units = 660;
  await world.track('cpu', cpuMetric, quick);
  await world.pass(5);
  world.state.units = 20;
  await world.pass(14.9);
  expect(world.changes).toEqual([]);
  await world.pass(1);
  expect(world.changes).toMatchObject([{ count: 1 }]);
  expect(world.changes[0]?.cause).toMatch(
    /^monitor alarm TargetTracking-service\/c\/s-AlarmLow-[0-9a-f-]{36} in state ALARM triggered policy cpu$/,
  );
});

test('[target-tracking.insufficient-data] without metrics the alarms say so, and nothing scales', async () => {
  await world.track('requests', 'ALBRequestCountPerTarget', {
    PredefinedMetricSpecification: {
      PredefinedMetricType: 'ALBRequestCountPerTarget',
      ResourceLabel: 'app/a/1/targetgroup/t/2',
    },
  });
  await world.pass(20);
  expect(world.changes).toEqual([]);
  expect([world.control.state('AlarmHigh'), world.control.state('AlarmLow')]).toEqual([
    'INSUFFICIENT_DATA',
    'INSUFFICIENT_DATA',
  ]);
});

test('[target-tracking.request-count] requests per target are tracked as the load balancer reports them', async () => {
  const label = 'app/a/1/targetgroup/t/2';
  const specification = { PredefinedMetricType: 'ALBRequestCountPerTarget', ResourceLabel: label };
  await world.track('requests', '', { PredefinedMetricSpecification: specification });
  for (let minute = 0; minute < 4; minute += 1) {
    await world.pass(1);
    world.metrics.record([
      {
        ...{ namespace: 'AWS/ApplicationELB', name: 'RequestCountPerTarget', unit: 'Count' },
        dimensions: { TargetGroup: 'targetgroup/t/2', LoadBalancer: 'app/a/1' },
        ...{ at: clock.now(), count: 1, sum: 200, minimum: 200, maximum: 200 },
      },
    ]);
  }
  await world.pass(0.5);
  expect(world.changes.map(({ count }) => count)).toEqual([3]);
});

test('[target-tracking.all-in] [target-tracking.no-in-while-deploying] CPU alone does not scale in, nor does a deployment let it', async () => {
  Object.assign(world.state, { desired: 4, running: 4, memoryMb: 340, deploying: true });
  await world.track('cpu', cpuMetric, quick);
  await world.track('memory', 'ECSServiceAverageMemoryUtilization', quick);
  await world.pass(20);
  expect(world.changes).toEqual([]);
  world.state.memoryMb = 100;
  await world.pass(20);
  expect(world.changes).toEqual([]);
  expect((await world.activities(true))[0]?.NotScaledReasons).toEqual([
    { Code: 'TargetServicePutResourceAsUnscalable' },
  ]);
  world.state.units = 1_000;
  await world.pass(5);
  expect(world.changes[0]?.count).toBeGreaterThan(4);
});

test('[target-tracking.cooldown] the default cooldown of five minutes lies between two scale-outs', async () => {
  world.state.units = 2_000;
  await world.track('cpu', cpuMetric);
  await world.pass(16);
  expect(world.changes.map(({ minute }) => Math.floor(minute))).toEqual([3, 8, 13]);
});

test('an activity is in progress until ECS has fulfilled it; what was not scaled is told on request, once', async () => {
  await registerScalableTarget(world.api, { ...resource, MaxCapacity: 2 });
  world.state.stuck = true;
  world.state.units = 2_000;
  await world.track('cpu', cpuMetric, quick);
  await world.pass(4);
  expect(await world.activities()).toMatchObject([
    {
      ...{ Description: 'Setting desired count to 2.', StatusCode: 'InProgress' },
      StatusMessage: 'Successfully set desired count to 2. Waiting for change to be fulfilled by ecs.',
    },
  ]);
  world.state.running = 2;
  await world.pass(5);
  const [activity, ...more] = await world.activities();
  expect(more).toEqual([]);
  expect(activity).toMatchObject({ StatusCode: 'Successful' });
  expect(activity).not.toHaveProperty('desiredCount');
  expect(await world.activities(true)).toHaveLength(2);
  expect((await world.activities(true))[0]).toMatchObject({
    Description: 'Attempting to scale due to alarm triggered',
    NotScaledReasons: [{ Code: 'AlreadyAtMaxCapacity', MaxCapacity: 2, CurrentCapacity: 2 }],
  });
});

test('a scheduled action sets bounds at its time and brings the count into them, unless suspended', async () => {
  await putScheduledAction(world.api, {
    ...{ ...resource, ScheduledActionName: 'morning', Schedule: 'cron(20 22 * * ? *)' },
    ScalableTargetAction: { MinCapacity: 3 },
  });
  await world.pass(5);
  expect(world.changes).toEqual([]);
  await world.pass(2);
  expect(world.changes).toMatchObject([{ count: 3, cause: 'minimum capacity was set to 3' }]);
  expect((await world.activities()).map(({ Cause }) => Cause)).toEqual([
    'minimum capacity was set to 3',
    'scheduled action name morning was triggered',
  ]);
  await putScheduledAction(world.api, {
    ...{ ...resource, ScheduledActionName: 'often', Schedule: 'rate(5 minutes)' },
    ScalableTargetAction: { MinCapacity: 6 },
  });
  await registerScalableTarget(world.api, {
    ...resource,
    SuspendedState: { ScheduledScalingSuspended: true },
  });
  await world.pass(8);
  expect(world.changes).toHaveLength(1);
});

test('a store that is restored goes on where it was, cooldowns included', async () => {
  world.state.units = 2_000;
  await world.track('cpu', cpuMetric);
  await world.pass(4);
  const other = new AutoscalingStore();
  const text = JSON.stringify(world.store.snapshot());
  other.restore(JSON.parse(text));
  expect(JSON.stringify(other.snapshot())).toBe(text);
  expect(other.memory(resource).out).toMatchObject({ from: 1, to: 2 });
});
