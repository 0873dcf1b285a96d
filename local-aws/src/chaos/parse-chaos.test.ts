import { describe, expect, it } from 'vitest';
import { chaosActionNames, parseChaos } from './parse-chaos.ts';

const refusal = (input: unknown): string => {
  try {
    parseChaos(input);
  } catch (error) {
    expect(error).toMatchObject({ name: 'ChaosError', kind: 'invalid' });
    return (error as Error).message;
  }
  throw new Error('it was taken');
};

describe('parseChaos', () => {
  it.each([
    [
      { action: 'zone-down', zone: 'us-east-1c' },
      { action: 'zone-down', zone: 'us-east-1c', forSeconds: 60 },
    ],
    [
      { action: 'kill-task', environment: 'test' },
      { action: 'kill-task', environment: 'test' },
    ],
    [
      { action: 'fill-memory', task: '1a', seed: 7 },
      { action: 'fill-memory', task: '1a', seed: 7, forSeconds: 30 },
    ],
    [
      { action: 'slow-api', service: 'S3', delayMs: 500, forSeconds: 5 },
      { action: 'slow-api', service: 's3', delayMs: 500, share: 1, forSeconds: 5 },
    ],
    [
      { action: 'fail-api', service: 'elbv2', apiAction: 'DescribeTargetHealth', share: 0.3 },
      {
        action: 'fail-api',
        service: 'elasticloadbalancing',
        apiAction: 'DescribeTargetHealth',
        share: 0.3,
        status: 500,
        forSeconds: 60,
      },
    ],
    [
      { action: 'throttle-api', service: 'ssm' },
      { action: 'throttle-api', service: 'ssm', perSecond: 1, forSeconds: 60 },
    ],
    [
      { action: 'throttle-api', service: 'cloudwatch', share: 0.5 },
      { action: 'throttle-api', service: 'monitoring', share: 0.5, forSeconds: 60 },
    ],
    [
      { action: 'expire-credentials', identity: 'all' },
      { action: 'expire-credentials', identity: 'all', forSeconds: 60 },
    ],
  ])('fills in defaults: %j', (input, expected) => {
    expect(parseChaos(input)).toEqual(expected);
  });

  it.each([
    ['nothing', undefined, 'is a JSON object'],
    ['a list', [], 'is a JSON object'],
    ['no action', {}, 'There is no chaos action'],
    ['a mistyped action', { action: 'zone-dwn' }, 'no chaos action "zone-dwn"; did you mean "zone-down"?'],
    ['an inherited name', { action: 'constructor' }, 'There is no chaos action "constructor"'],
    ['no zone', { action: 'zone-down' }, 'zone-down: zone: '],
    [
      'a mistyped service',
      { action: 'throttle-api', service: 'smm' },
      'no service "smm"; did you mean "ssm"?',
    ],
    ['an unknown parameter', { action: 'kill-task', task: 'a', forSeconds: 3 }, 'forSeconds'],
    ['nobody’s task', { action: 'freeze-task' }, 'whose task?'],
    ['too long', { action: 'zone-down', zone: 'a', forSeconds: 3_601 }, 'forSeconds: '],
    ['too long to fill', { action: 'fill-memory', task: 'a', forSeconds: 61 }, 'forSeconds: '],
    ['no delay', { action: 'slow-api', service: 's3' }, 'delayMs: '],
    ['a share of nothing', { action: 'fail-api', service: 's3', share: 0 }, 'share: '],
    ['more than all', { action: 'fail-api', service: 's3', share: 1.1 }, 'share: '],
    [
      'a status that says little',
      { action: 'fail-api', service: 's3', status: 404 },
      'status 404 stands for many',
    ],
    ['no error', { action: 'fail-api', service: 's3', status: 200, code: 'X' }, 'status: '],
    ['a code that is markup', { action: 'fail-api', service: 's3', code: '<b>' }, 'code: must be the name'],
    ['two limits', { action: 'throttle-api', service: 's3', share: 1, perSecond: 1 }, 'not both'],
    ['a stranger', { action: 'expire-credentials', identity: 'anna' }, 'identity: '],
  ])('refuses %s and says why', (_name, input, message) => {
    expect(refusal(input)).toContain(message);
  });

  it('names every parameter that is off', () => {
    expect(refusal({ action: 'slow-api', service: 's3', delayMs: 0, share: 2 })).toMatch(
      /share: .*; delayMs: /,
    );
  });

  it('knows these actions', () => {
    expect(chaosActionNames).toEqual([
      ...['zone-down', 'kill-task', 'freeze-task', 'fill-memory', 'slow-api', 'fail-api', 'throttle-api'],
      ...['expire-credentials', 'interrupt-spot'],
    ]);
  });
});
