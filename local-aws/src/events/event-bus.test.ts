/** Which rules an event sets off, who is told, and what is counted. */
import { expect, test } from 'vitest';
import type { ControlPlane, MetricSample } from '../contract.ts';
import { createFakeClock } from '../ecs/test/fake-clock.ts';
import { createEventBus } from './event-bus.ts';

const topic = 'arn:aws:sns:us-east-1:123456789012:alarms';
const failed = { source: ['aws.ecs'], detail: { eventName: ['FAILED'] } };

interface FakeRule {
  readonly Name: string;
  readonly EventPattern?: string;
  readonly State?: string;
}

function createWorld(rules: readonly FakeRule[], targets: Readonly<Record<string, readonly object[]>> = {}) {
  const published: Readonly<Record<string, string>>[] = [];
  const samples: MetricSample[] = [];
  const log: string[] = [];
  const world = { failure: undefined as string | undefined, asked: 0, published, samples, log };
  const control: ControlPlane = {
    ...{ region: 'us-east-1', accountId: '123456789012' },
    async json<T>(_service: string, action: string, payload: object): Promise<T> {
      world.asked += 1;
      if (world.failure !== undefined) throw new Error(world.failure);
      const { NextToken, Rule } = payload as { NextToken?: string; Rule?: string };
      if (action === 'ListTargetsByRule') return { Targets: targets[Rule ?? ''] ?? [] } as T;
      // One rule a page.
      const page = Number(NextToken ?? 0);
      const more = page + 1 < rules.length ? String(page + 1) : null;
      return { Rules: rules.slice(page, page + 1), NextToken: more } as T;
    },
    async query(_service, _action, params) {
      if (params.TopicArn?.endsWith('gone')) throw new Error('no such topic');
      published.push(params);
      return '';
    },
  };
  const clock = createFakeClock();
  const sink = { record: (recorded: readonly MetricSample[]) => void samples.push(...recorded) };
  const bus = createEventBus({ clock, control, sink, log: (line) => void log.push(line) });
  const put = (eventName: string) =>
    bus.put({
      ...{ source: 'aws.ecs', detailType: 'x', resources: [], detail: { eventName }, at: clock.now() },
    });
  const counts = () => samples.map(({ name, dimensions }) => `${name} ${dimensions.RuleName}`);
  return { ...world, world, bus, put, counts };
}

test('rules that match and are enabled tell their topics, in the order of the events', async () => {
  const { bus, put, published, counts, log } = createWorld(
    [
      { Name: 'all', EventPattern: '{"source":["aws.ecs"]}' },
      { Name: 'failed', EventPattern: JSON.stringify(failed) },
      { Name: 'off', EventPattern: '{"source":["aws.ecs"]}', State: 'DISABLED' },
      { Name: 'hourly' },
    ],
    {
      all: [{ Id: 'a', Arn: topic, InputPath: '$.detail.eventName' }],
      failed: [{ Id: 'a', Arn: topic, Input: 'it failed' }],
    },
  );
  put('BEGUN');
  put('FAILED');
  await bus.stop();
  expect(published).toEqual([
    { TopicArn: topic, Message: '"BEGUN"' },
    { TopicArn: topic, Message: '"FAILED"' },
    { TopicArn: topic, Message: 'it failed' },
  ]);
  expect(counts()).toEqual([
    ...['TriggeredRules all', 'Invocations all', 'TriggeredRules all', 'Invocations all'],
    ...['TriggeredRules failed', 'Invocations failed'],
  ]);
  expect(log).toEqual([]);
});

test('a target or a pattern that is not known is said once, and keeps nobody else from hearing', async () => {
  const { bus, put, published, counts, log } = createWorld(
    [
      { Name: 'odd', EventPattern: '{"source":[{"wildcard":"*"}]}' },
      { Name: 'failed', EventPattern: JSON.stringify(failed) },
    ],
    {
      failed: [
        { Id: 'function', Arn: 'arn:aws:lambda:us-east-1:123456789012:function:f' },
        { Id: 'gone', Arn: `${topic}-gone` },
        { Id: 'topic', Arn: topic },
      ],
    },
  );
  put('FAILED');
  put('FAILED');
  await bus.stop();
  expect(published).toHaveLength(2);
  expect(counts().filter((name) => name === 'FailedInvocations failed')).toHaveLength(4);
  expect(log).toEqual([
    expect.stringContaining('rule odd is not evaluated: {"wildcard":"*"} is not known'),
    expect.stringContaining('target function of rule failed: the embedded AWS knows topics only'),
    expect.stringContaining('target gone of rule failed: no such topic'),
  ]);
});

test('a control plane in trouble loses the event, and not the next one', async () => {
  const { bus, put, published, world, log } = createWorld(
    [{ Name: 'failed', EventPattern: JSON.stringify(failed) }],
    { failed: [{ Id: 'topic', Arn: topic }] },
  );
  world.failure = 'down';
  put('FAILED');
  await expect.poll(() => log).toEqual(['event x: down']);
  world.failure = undefined;
  put('FAILED');
  await bus.stop();
  expect(published).toHaveLength(1);
  put('FAILED');
  await bus.stop();
  expect(published).toHaveLength(1);
});
