/** Values of the wrong shape, alone and together with others, and arbitrary ones. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parse } from './validate.ts';

const test = { name: 'test', cidr: '10.3.0.0/16' };
const prod = { name: 'prod', cidr: '10.0.0.0/16' };
const good = { project: 'devops-app', owner: 'devops-team', environments: [test, prod] };

/** `path: message` of each problem. */
function problems(input: unknown): readonly string[] {
  const result = parse(input);
  return result.ok ? [] : result.problems.map(({ path, message }) => `${path}: ${message}`);
}

describe('shapes', () => {
  it.each<[string, unknown, readonly string[]]>([
    ['nothing', undefined, ['(configuration): is required']],
    ['a list', [], ['(configuration): must be an object, got a list']],
    [
      'text for a number',
      { ...good, service: { port: 'ten' } },
      ['service.port: must be a number, got "ten"'],
    ],
    [
      'a number for text',
      { ...good, service: { environment: { A: 5 } } },
      ['service.environment.A: must be text in quotes, got 5'],
    ],
    [
      'an account as a number',
      { ...good, environments: [{ ...test, account: 123456789012 }] },
      ['environments[0].account: must be text in quotes, got 123456789012'],
    ],
    ['null', { ...good, service: null }, ['service: must be an object, got null']],
    [
      'an unknown key, misspelt',
      { ...good, service: { memry: 512 } },
      ['service.memry: is not a setting: did you mean "memory"?'],
    ],
    [
      'an unknown key, deep',
      { ...good, environments: [{ ...test, promotion: { approval: 1 } }] },
      ['environments[0].promotion.approval: is not a setting: did you mean "approvals"?'],
    ],
    [
      'an unknown key like none',
      { ...good, service: { scaling: { zzz: 1 } } },
      ['service.scaling.zzz: is not a setting: allowed here: min, max, cpuPercent, memoryPercent'],
    ],
    [
      'an unknown choice',
      { ...good, environments: [{ ...test, nat: 'singel' }] },
      [
        'environments[0].nat: must be one of "per-az", "single", "none", got "singel" (did you mean "single"?)',
      ],
    ],
    [
      'an environment that is none',
      { ...good, environments: [test, 'prod'] },
      ['environments[1]: must be an object, got "prod"'],
    ],
    ['what is required', {}, ['project: is required', 'owner: is required', 'environments: is required']],
  ])('%s', (_, input, expected) => {
    expect(problems(input)).toEqual(expected);
  });

  it('reports problems of shape and of meaning together, and none that follows from another', () => {
    const input = {
      ...good,
      regoin: 'eu-west-1',
      availabilityZones: ['eu-west-1a', 'eu-west-1b'],
      service: { cpu: 512, scaling: { min: 20, max: 'many' }, secrets: ['a', 7, 'a'] },
      environments: [test, null, { ...prod, cidr: '10.3.0.0/16' }],
    };
    expect(problems(input).map((problem) => problem.split(':')[0])).toEqual([
      'service.scaling.max',
      'service.secrets[1]',
      'environments[1]',
      'regoin',
      'service.memory',
      'service.secrets[2]',
      'environments[2].cidr',
    ]);
  });
});

describe('arbitrary values', () => {
  /** Where a value of any kind can stand in a configuration. */
  const places: readonly ((value: unknown) => unknown)[] = [
    (value) => value,
    (value) => ({ ...good, project: value }),
    (value) => ({ ...good, availabilityZones: value }),
    (value) => ({ ...good, environments: value }),
    (value) => ({ ...good, environments: [test, value] }),
    (value) => ({ ...good, environments: [test, { ...prod, cidr: value, stateBucket: value }] }),
    (value) => ({ ...good, environments: [test, { ...prod, promotion: value, service: value }] }),
    (value) => ({ ...good, service: value }),
    (value) => ({
      ...good,
      service: { scaling: value, healthCheck: value, deployment: value, bundle: value },
    }),
    (value) => ({ ...good, service: { secrets: value, environment: value, cpu: value, memory: value } }),
    (value) => ({ ...good, service: { secrets: [value], scaling: { min: value, max: value } } }),
  ];

  it('are refused in words or accepted, and never break the check', () => {
    fc.assert(
      fc.property(fc.anything(), fc.constantFrom(...places), (value, place) => {
        const result = parse(place(value));
        if (result.ok) expect(result.project.environments.length).toBeGreaterThan(0);
        else for (const { path, message } of result.problems) expect(path && message).not.toBe('');
      }),
      { numRuns: 500 },
    );
  });

  it('any one to ten networks that differ make a ladder', () => {
    const octets = fc.uniqueArray(fc.nat({ max: 255 }), { minLength: 1, maxLength: 10 });
    fc.assert(
      fc.property(octets, (numbers) => {
        const environments = numbers.map((octet) => ({ name: `e${octet}`, cidr: `10.${octet}.0.0/16` }));
        expect(problems({ ...good, environments })).toEqual([]);
      }),
    );
  });
});
