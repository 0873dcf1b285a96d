/** Patterns and events, as AWS's user guide explains them. */
import { describe, expect, it } from 'vitest';
import { type AwsEvent, renderEvent } from './aws-event.ts';
import { EventPatternError, parseEventPattern } from './event-pattern.ts';
import { renderTargetInput } from './event-target.ts';

const given: AwsEvent = {
  source: 'aws.ecs',
  detailType: 'ECS Deployment State Change',
  resources: ['arn:aws:ecs:us-east-1:1:service/a/b', 'arn:other'],
  detail: { eventName: 'SERVICE_DEPLOYMENT_FAILED', count: 3, reason: 'said "no"', nothing: null },
  at: Date.UTC(2026, 10, 25, 22, 0, 1, 500),
};
const event = renderEvent(given, { region: 'us-east-1', accountId: '1' }, 'id-1');

it('has the shape that patterns look at', () => {
  expect(event).toMatchObject({
    ...{ version: '0', id: 'id-1', account: '1', region: 'us-east-1', time: '2026-11-25T22:00:01Z' },
    ...{ source: 'aws.ecs', 'detail-type': given.detailType, resources: given.resources },
  });
});

describe('parseEventPattern', () => {
  it.each([
    [{ source: ['aws.ecs'] }, true],
    [{ source: ['aws.ec2', 'aws.ecs'] }, true],
    [{ source: ['aws.ec2'] }, false],
    [{ source: ['aws.ecs'], account: ['2'] }, false],
    [{ resources: ['arn:other'] }, true],
    [{ resources: ['arn:another'] }, false],
    [{ detail: { eventName: ['SERVICE_DEPLOYMENT_FAILED'], count: [3] } }, true],
    [{ detail: { count: ['3'] } }, false],
    [{ detail: { nothing: [null] } }, true],
    [{ detail: { missing: [null] } }, false],
    [{ detail: { missing: { deeper: ['x'] } } }, false],
    [{ detail: { eventName: [{ prefix: 'SERVICE_' }] } }, true],
    [{ detail: { eventName: [{ suffix: '_COMPLETED' }, 'x'] } }, false],
    [{ detail: { eventName: [{ 'equals-ignore-case': 'service_deployment_failed' }] } }, true],
    [{ detail: { eventName: [{ 'anything-but': ['SERVICE_DEPLOYMENT_COMPLETED'] }] } }, true],
    [{ detail: { eventName: [{ 'anything-but': 'SERVICE_DEPLOYMENT_FAILED' }] } }, false],
    [{ detail: { eventName: [{ 'anything-but': { prefix: 'SERVICE_' } }] } }, false],
    [{ detail: { missing: [{ 'anything-but': 'x' }] } }, false],
    [{ detail: { missing: [{ exists: false }], count: [{ exists: true }] } }, true],
    [{ detail: { count: [{ exists: false }] } }, false],
    [{ detail: { count: [{ numeric: ['>', 0, '<=', 3] }] } }, true],
    [{ detail: { count: [{ numeric: ['>', 3] }] } }, false],
    [{ detail: { reason: [{ numeric: ['>', 3] }] } }, false],
  ])('%j', (pattern, expected) => {
    expect(parseEventPattern(JSON.stringify(pattern))(event)).toBe(expected);
  });

  it.each([
    ['{', /not JSON/],
    ['[]', /no JSON object/],
    ['{"source":"aws.ecs"}', /no JSON object/],
    ['{"source":[{"wildcard":"a*"}]}', /wildcard/],
    ['{"source":[{"prefix":1}]}', /no string/],
    ['{"count":[{"numeric":[">"]}]}', /not understood/],
    ['{"count":[{"numeric":[]}]}', /nothing/],
    ['{"$or":[]}', /\$or is not known/],
    [`${'{"a":'.repeat(40)}[1]${'}'.repeat(40)}`, /nested/],
  ])('refuses %s', (pattern, message) => {
    expect(() => parseEventPattern(pattern)).toThrow(EventPatternError);
    expect(() => parseEventPattern(pattern)).toThrow(message);
  });
});

describe('renderTargetInput', () => {
  const target = { Id: 't', Arn: 'arn' };
  const filled = (InputTemplate: string) =>
    renderTargetInput(
      {
        ...target,
        InputTransformer: {
          InputPathsMap: {
            reason: '$.detail.reason',
            first: '$.resources[0]',
            none: '$.detail.none',
            count: '$.detail.count',
          },
          InputTemplate,
        },
      },
      event,
    );

  it('hands on the event, a part of it, or a fixed text', () => {
    expect(JSON.parse(renderTargetInput(target, event))).toEqual(event);
    expect(renderTargetInput({ ...target, InputPath: '$.detail.count' }, event)).toBe('3');
    expect(renderTargetInput({ ...target, Input: '{"a":1}' }, event)).toBe('{"a":1}');
  });

  it('fills a template: a quoted one becomes a sentence, another stays JSON', () => {
    expect(filled('"<first>: <reason>, <count> times<none>, <unknown>"')).toBe(
      'arn:aws:ecs:us-east-1:1:service/a/b: said "no", 3 times, <unknown>',
    );
    expect(JSON.parse(filled('{"why":<reason>,"n":<count>,"none":<none>}'))).toEqual({
      ...{ why: 'said "no"', n: 3, none: null },
    });
  });
});
