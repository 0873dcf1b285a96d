/** Metrics and alarms with the control plane's own CloudWatch: what we put there is found, and what apps put there counts. */
import {
  CloudWatchClient,
  GetMetricDataCommand,
  GetMetricStatisticsCommand,
  PutMetricDataCommand,
} from '@aws-sdk/client-cloudwatch';
import { expect, test } from 'vitest';
import { decodeCbor, encodeCbor } from '../gateway/cbor.ts';
import { listAt, readXml, textAt } from '../gateway/xml.ts';
import { createSystemClock } from '../system-clock.ts';
import { speed, type Wire } from '../wire-fixture.ts';
import { createAlarmRound, type EvaluatedAlarm } from './alarm-evaluator.ts';
import { minuteAt, startOfMinute } from './aws-minute.ts';
import { createMetricPublisher } from './metric-publisher.ts';
import { MetricStore } from './metric-store.ts';

const publishedWithinMs = 10_000;

export function cloudwatchWireSuite(wire: () => Wire): void {
  const clock = createSystemClock(speed);
  const query = (action: string, params: Record<string, string>) =>
    wire().control.query('monitoring', action, params);

  async function alarm(name: string): Promise<{ state: string; reason: string }> {
    const xml = await query('DescribeAlarms', { 'AlarmNames.member.1': name });
    const [found] = listAt(readXml(xml), 'DescribeAlarmsResult', 'MetricAlarms');
    return { state: textAt(found, 'StateValue') ?? '', reason: textAt(found, 'StateReason') ?? '' };
  }

  async function evaluate(store: MetricStore, minute: number, log: string[] = []): Promise<EvaluatedAlarm[]> {
    const evaluated: EvaluatedAlarm[] = [];
    const onRound = (alarms: readonly EvaluatedAlarm[]) => void evaluated.push(...alarms);
    const say = (line: string) => void log.push(line);
    await createAlarmRound({ clock, control: wire().control, store, log: say, onRound })(minute);
    return evaluated;
  }

  const rule = { EvaluationPeriods: '2', Threshold: '10', ComparisonOperator: 'GreaterThanThreshold' };

  test('what is published is found by GetMetricStatistics and GetMetricData', async () => {
    const { control } = wire();
    const publisher = createMetricPublisher({ clock, control, log: () => undefined });
    const dimensions = { ServiceName: 's', ClusterName: 'c' };
    const at = Date.now();
    const [count, sum, minimum, maximum] = [2, 90, 40, 50];
    const observed = { at, count, sum, minimum, maximum };
    publisher.record([
      { namespace: 'AWS/ECS', name: 'CPUUtilization', dimensions, unit: 'Percent', ...observed },
    ]);
    const window = {
      StartTime: new Date(at - 60_000).toISOString(),
      EndTime: new Date(at + 60_000).toISOString(),
    };
    const asked = (at: string, names: readonly string[]) =>
      Object.fromEntries(
        names.flatMap((name, i) => [
          [`${at}Dimensions.member.${i + 1}.Name`, name],
          [`${at}Dimensions.member.${i + 1}.Value`, name === 'ClusterName' ? 'c' : 's'],
        ]),
      );
    const statistics = async () => {
      const xml = await query('GetMetricStatistics', {
        ...{ ...window, Namespace: 'AWS/ECS', MetricName: 'CPUUtilization', Period: '60' },
        ...{ 'Statistics.member.1': 'Average', 'Statistics.member.2': 'Maximum' },
        ...asked('', ['ServiceName', 'ClusterName']),
      });
      return listAt(readXml(xml), 'GetMetricStatisticsResult', 'Datapoints').map((point) => [
        Number(textAt(point, 'Average')),
        Number(textAt(point, 'Maximum')),
      ]);
    };
    await expect.poll(statistics, { timeout: publishedWithinMs }).toEqual([[45, 50]]);
    const stat = 'MetricDataQueries.member.1.MetricStat.';
    const data = await query('GetMetricData', {
      ...{
        ...window,
        'MetricDataQueries.member.1.Id': 'm',
        [`${stat}Stat`]: 'Average',
        [`${stat}Period`]: '60',
      },
      [`${stat}Metric.Namespace`]: 'AWS/ECS',
      [`${stat}Metric.MetricName`]: 'CPUUtilization',
      ...asked(`${stat}Metric.`, ['ClusterName', 'ServiceName']),
    });
    expect(data).toContain('<member>45.0</member>');
    await publisher.stop();
  });

  test('an alarm on a metric that an application puts into CloudWatch', async () => {
    await query('PutMetricAlarm', {
      ...{ AlarmName: 'queue', Namespace: 'App', MetricName: 'Depth', Statistic: 'Maximum', Period: '60' },
      ...rule,
    });
    const store = new MetricStore(clock);
    const minute = minuteAt(clock, clock.now());
    await evaluate(store, minute - 1);
    expect(await alarm('queue')).toEqual({
      state: 'INSUFFICIENT_DATA',
      reason: 'Unchecked: Initial alarm creation',
    });
    for (const past of [minute - 1, minute - 2])
      await query('PutMetricData', {
        Namespace: 'App',
        'MetricData.member.1.MetricName': 'Depth',
        'MetricData.member.1.Value': '12',
        'MetricData.member.1.Timestamp': new Date(startOfMinute(clock, past) + 500).toISOString(),
      });
    const evaluated = await evaluate(store, minute - 1);
    expect(evaluated.find(({ name }) => name === 'queue')).toMatchObject({ state: 'ALARM', value: 12 });
    expect((await alarm('queue')).reason).toContain(
      'were greater than the threshold (10.0) (minimum 2 datapoints for INSUFFICIENT_DATA -> ALARM transition)',
    );
    await evaluate(store, minute + 30);
    expect(await alarm('queue')).toEqual({
      state: 'INSUFFICIENT_DATA',
      reason: 'Insufficient Data: 2 datapoints were unknown.',
    });
  });

  test('metric math and percentiles of what is measured here; what is not understood says so once', async () => {
    const metric = (n: number, id: string, name: string) => ({
      [`Metrics.member.${n}.Id`]: id,
      [`Metrics.member.${n}.ReturnData`]: 'false',
      [`Metrics.member.${n}.MetricStat.Stat`]: 'Sum',
      [`Metrics.member.${n}.MetricStat.Period`]: '60',
      [`Metrics.member.${n}.MetricStat.Metric.Namespace`]: 'AWS/ApplicationELB',
      [`Metrics.member.${n}.MetricStat.Metric.MetricName`]: name,
    });
    const math = (AlarmName: string, expression: string) =>
      query('PutMetricAlarm', {
        ...{ AlarmName, ...rule, 'Metrics.member.1.Id': 'share', 'Metrics.member.1.ReturnData': 'true' },
        'Metrics.member.1.Expression': expression,
        ...metric(2, 'errors', 'HTTPCode_Target_5XX_Count'),
        ...metric(3, 'requests', 'RequestCount'),
      });
    await math('share', 'IF(requests >= 20, 100 * FILL(errors, 0) / requests, 0)');
    await math('band', 'ANOMALY_DETECTION_BAND(requests, 2)');
    await query('PutMetricAlarm', {
      ...{ AlarmName: 'latency', Namespace: 'AWS/ApplicationELB', MetricName: 'TargetResponseTime' },
      ...{ ...rule, ExtendedStatistic: 'p95', Period: '60', Threshold: '0.5' },
    });
    const store = new MetricStore(clock);
    const minute = minuteAt(clock, clock.now()) - 1;
    for (const over of [minute - 1, minute]) {
      const base = { namespace: 'AWS/ApplicationELB', dimensions: {}, at: startOfMinute(clock, over + 1) };
      const counted = (name: string, sum: number) =>
        ({ ...base, name, unit: 'Count', count: 1, sum, minimum: sum, maximum: sum }) as const;
      const values = [...Array<number>(90).fill(0.1), ...Array<number>(10).fill(2)];
      const latency = { ...base, name: 'TargetResponseTime', unit: 'Seconds', values } as const;
      store.record([
        counted('RequestCount', 100),
        ...(over === minute ? [counted('HTTPCode_Target_5XX_Count', 30)] : []),
        { ...latency, count: 100, sum: 29, minimum: 0.1, maximum: 2 },
      ]);
    }
    const log: string[] = [];
    await evaluate(store, minute, log);
    expect((await alarm('share')).state).toBe('OK');
    expect((await alarm('latency')).state).toBe('ALARM');
    expect(await alarm('band')).toMatchObject({ state: 'INSUFFICIENT_DATA' });
    expect((await alarm('band')).reason).toContain('ANOMALY_DETECTION_BAND');
    expect(log).toEqual([expect.stringContaining('alarm band is not evaluated')]);
  });

  test('percentiles and metric math for every client, in each protocol', async () => {
    const { metrics, endpoint, clientOptions } = wire();
    const client = new CloudWatchClient(clientOptions);
    const at = Math.floor(Date.now() / 60_000) * 60_000 - 60_000;
    const minute = minuteAt(clock, at);
    const dimensions = { LoadBalancer: 'app/wire/1' };
    const base = { namespace: 'AWS/ApplicationELB', dimensions, at: startOfMinute(clock, minute + 1) };
    const values = Array.from({ length: 101 }, (_, i) => i / 100);
    const counted = { unit: 'Count', count: 1, minimum: 0, maximum: 200 } as const;
    metrics.record([
      {
        ...base,
        name: 'TargetResponseTime',
        unit: 'Seconds',
        count: 101,
        sum: 50.5,
        minimum: 0,
        maximum: 1,
        values,
      },
      { ...base, ...counted, name: 'RequestCount', sum: 200 },
      { ...base, ...counted, name: 'HTTPCode_Target_5XX_Count', sum: 30 },
    ]);
    const StartTime = new Date(at);
    const EndTime = new Date(at + 60_000);
    const Dimensions = [{ Name: 'LoadBalancer', Value: 'app/wire/1' }];
    const metric = (MetricName: string) => ({ Namespace: 'AWS/ApplicationELB', MetricName, Dimensions });
    const stat = (Id: string, name: string, Stat: string) => ({
      ...{ Id, ReturnData: Id === 'p95', MetricStat: { Metric: metric(name), Period: 60, Stat } },
    });
    const MetricDataQueries = [
      stat('p95', 'TargetResponseTime', 'p95'),
      stat('errors', 'HTTPCode_Target_5XX_Count', 'Sum'),
      stat('requests', 'RequestCount', 'Sum'),
      { Id: 'share', Label: 'errors in %', Expression: 'IF(requests > 0, 100 * errors / requests, 0)' },
    ];
    const answer = await client.send(new GetMetricDataCommand({ StartTime, EndTime, MetricDataQueries }));
    expect(answer.MetricDataResults).toEqual([
      {
        Id: 'p95',
        Label: 'TargetResponseTime',
        StatusCode: 'Complete',
        Timestamps: [StartTime],
        Values: [0.95],
      },
      { Id: 'share', Label: 'errors in %', StatusCode: 'Complete', Timestamps: [StartTime], Values: [15] },
    ]);
    // As the AWS CLI and newer SDKs speak.
    const cbor = await fetch(`${endpoint}/service/GraniteServiceVersion20100801/operation/GetMetricData`, {
      method: 'POST',
      headers: {
        'smithy-protocol': 'rpc-v2-cbor',
        authorization:
          'AWS4-HMAC-SHA256 Credential=test/20260101/us-east-1/monitoring/aws4_request, Signature=0',
      },
      body: encodeCbor({ StartTime, EndTime, MetricDataQueries }),
    });
    expect(decodeCbor(Buffer.from(await cbor.arrayBuffer()))).toEqual({
      MetricDataResults: answer.MetricDataResults,
      Messages: [],
    });
    const statistics = await client.send(
      new GetMetricStatisticsCommand({
        ...{ ...metric('TargetResponseTime'), StartTime, EndTime, Period: 60 },
        ...{ Statistics: ['Maximum'], ExtendedStatistics: ['p50', 'p99'] },
      }),
    );
    expect(statistics.Datapoints).toEqual([
      { Timestamp: StartTime, Unit: 'Seconds', Maximum: 1, ExtendedStatistics: { p50: 0.5, p99: 0.99 } },
    ]);
    const wrong = client.send(
      new GetMetricDataCommand({
        ...{ StartTime, EndTime },
        MetricDataQueries: [{ Id: 'e', Period: 60, Expression: 'SEARCH(1)' }],
      }),
    );
    await expect(wrong).rejects.toThrow('SEARCH');
    client.destroy();
  });

  test('what an application puts into CloudWatch is found beside what is measured here', async () => {
    const client = new CloudWatchClient(wire().clientOptions);
    const StartTime = new Date(Math.floor(Date.now() / 60_000) * 60_000 - 60_000);
    const EndTime = new Date(StartTime.getTime() + 60_000);
    const Namespace = 'Shop';
    await client.send(
      new PutMetricDataCommand({
        Namespace,
        MetricData: [{ MetricName: 'Orders', Timestamp: StartTime, Value: 3 }],
      }),
    );
    const orders = { Namespace, MetricName: 'Orders' };
    const stat = { Id: 'orders', MetricStat: { Metric: orders, Period: 60, Stat: 'Sum' } };
    const valuesOf = async (MetricDataQueries: object[]) => {
      const command = new GetMetricDataCommand({
        StartTime,
        EndTime,
        MetricDataQueries: MetricDataQueries as never,
      });
      return (await client.send(command)).MetricDataResults?.map(({ Id, Values }) => [Id, Values]);
    };
    expect(await valuesOf([stat])).toEqual([['orders', [3]]]);
    expect(await valuesOf([stat, { Id: 'twice', Expression: '2 * orders' }])).toEqual([
      ['orders', [3]],
      ['twice', [6]],
    ]);
    client.destroy();
  });
}
