import { expect, test } from 'vitest';
import { createFakeClock } from '../ecs/test/fake-clock.ts';
import { createAlarmRound, type EvaluatedAlarm, startAlarmEvaluator } from './alarm-evaluator.ts';
import { minuteAt, startOfMinute } from './aws-minute.ts';
import { FakeCloudWatch } from './fake-cloudwatch.ts';
import { MetricStore } from './metric-store.ts';

const topic = 'arn:aws:sns:us-east-1:123456789012:alarms';
const alarm = {
  ...{ AlarmName: 'busy', Namespace: 'AWS/ECS', MetricName: 'm', Statistic: 'Average', Period: '60' },
  ...{ EvaluationPeriods: '1', Threshold: '10', ComparisonOperator: 'GreaterThanThreshold' },
  'AlarmActions.member.1': topic,
};

function createWorld(speed = 1) {
  const clock = createFakeClock(1_700_000_040_000, speed);
  const control = new FakeCloudWatch();
  const store = new MetricStore(clock);
  const rounds: { readonly alarms: readonly EvaluatedAlarm[]; readonly at: number }[] = [];
  const log: string[] = [];
  const options = {
    ...{ clock, control, store },
    log: (line: string) => void log.push(line),
    onRound: (alarms: readonly EvaluatedAlarm[], at: number) => void rounds.push({ alarms, at }),
  };
  const observe = (minute: number, value: number) =>
    store.record([
      {
        ...{ namespace: 'AWS/ECS', name: 'm', dimensions: {}, unit: 'Count' },
        at: startOfMinute(clock, minute + 1),
        ...{ count: 1, sum: value, minimum: value, maximum: value },
      },
    ]);
  return { ...options, options, rounds, lines: log, observe, now: minuteAt(clock, clock.now()) };
}

test('a topic is told of each change of state once, and not when actions are disabled', async () => {
  const { control, options, observe, now, rounds } = createWorld();
  await control.query('monitoring', 'PutMetricAlarm', alarm);
  await control.query('monitoring', 'PutMetricAlarm', {
    ...alarm,
    AlarmName: 'mute',
    ActionsEnabled: 'false',
  });
  const evaluate = createAlarmRound(options);
  for (const [minute, value] of [5, 20, 30, 5].entries()) {
    observe(now + minute, value);
    await evaluate(now + minute);
  }
  expect(control.of('SetAlarmState').map(({ AlarmName, StateValue }) => [AlarmName, StateValue])).toEqual([
    ['busy', 'OK'],
    ['mute', 'OK'],
    ['busy', 'ALARM'],
    ['mute', 'ALARM'],
    ['busy', 'OK'],
    ['mute', 'OK'],
  ]);
  expect(control.of('Publish')).toMatchObject([{ TopicArn: topic, Subject: 'ALARM: "busy" in us-east-1' }]);
  expect(JSON.parse(control.of('Publish')[0]?.Message ?? '')).toMatchObject({
    ...{ AlarmName: 'busy', OldStateValue: 'OK', NewStateValue: 'ALARM' },
    NewStateReason: expect.stringContaining('1 out of the last 1 datapoint [20.0'),
  });
  expect(rounds[1]?.alarms[0]).toMatchObject({ state: 'ALARM', value: 20, alarmActions: [topic] });
});

test.each([
  ['a period of 10 s', { Period: '10' }, 'multiple of 60 s'],
  ['a band', { ComparisonOperator: 'GreaterThanUpperThreshold' }, 'GreaterThanUpperThreshold'],
  ['more than a day', { EvaluationPeriods: '1500' }, '1440 minutes'],
  ['an unknown statistic', { Statistic: 'TM(10%:90%)' }, 'TM(10%:90%)'],
])('%s is told once, and does not keep other alarms from being evaluated', async (_name, changes, words) => {
  const { control, options, observe, now, lines, rounds } = createWorld();
  await control.query('monitoring', 'PutMetricAlarm', { ...alarm, ...changes, AlarmName: 'odd' });
  await control.query('monitoring', 'PutMetricAlarm', alarm);
  observe(now, 20);
  const evaluate = createAlarmRound(options);
  await evaluate(now);
  await evaluate(now);
  expect(lines).toEqual([expect.stringContaining(words)]);
  expect(control.alarms.get('odd')).toMatchObject({
    StateValue: 'INSUFFICIENT_DATA',
    StateReason: expect.stringContaining(words),
  });
  expect(control.of('SetAlarmState').filter(({ AlarmName }) => AlarmName === 'odd')).toHaveLength(1);
  expect(rounds.map(({ alarms }) => alarms.map(({ name }) => name))).toEqual([['busy'], ['busy']]);
});

test('a period of several minutes slides with each minute', async () => {
  const { control, options, observe, now } = createWorld();
  await control.query('monitoring', 'PutMetricAlarm', { ...alarm, Period: '300', Statistic: 'Sum' });
  const evaluate = createAlarmRound(options);
  observe(now, 11);
  await evaluate(now + 4);
  expect(control.state('busy')).toBe('ALARM');
  observe(now + 5, 1);
  await evaluate(now + 5);
  expect(control.state('busy')).toBe('OK');
});

test('a control plane that answers no end of pages is asked for twenty', async () => {
  const { control, options, now } = createWorld();
  let pages = 0;
  control.query = async () => {
    pages += 1;
    return '<R><DescribeAlarmsResult><MetricAlarms/><NextToken>more</NextToken></DescribeAlarmsResult></R>';
  };
  await createAlarmRound(options)(now);
  expect(pages).toBe(20);
});

test.each([1, 10, 60, 600])(
  'at speed %i there is a round a minute, or as many as are worth while',
  async (speed) => {
    const { clock, options, rounds, now } = createWorld(speed);
    const loop = startAlarmEvaluator(options);
    await clock.advance(clock.scaled(10 * 60_000) + 600);
    const minutes = rounds.map(({ at }) => minuteAt(clock, at + 1) - 1);
    expect(new Set(minutes).size).toBe(minutes.length);
    expect(minutes[0]).toBeGreaterThanOrEqual(now);
    if (speed <= 60) expect(minutes.length).toBeGreaterThanOrEqual(9);
    const stopped = loop.stop();
    await clock.advance(0);
    await stopped;
  },
);
