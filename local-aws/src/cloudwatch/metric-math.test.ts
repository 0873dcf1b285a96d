import { expect, test } from 'vitest';
import { evaluateMetricMath } from './metric-math.ts';

const series = { a: [10, 20, undefined], b: [2, 0, 4], none: [undefined, undefined, undefined] };
const evaluate = (expression: string) => evaluateMetricMath(expression, series, 3);

test.each([
  ['1 + 2 * 3', [7, 7, 7]],
  ['(1 + 2) * 3', [9, 9, 9]],
  ['-2 ^ 2', [-4, -4, -4]],
  ['2 ^ 3 ^ 2', [512, 512, 512]],
  ['7 - 2 - 1', [4, 4, 4]],
  ['a + 1', [11, 21, undefined]],
  ['a / b * 100', [500, undefined, undefined]],
  ['FILL(a, 0)', [10, 20, 0]],
  ['FILL(a, b)', [10, 20, 4]],
  ['FILL(b - a, REPEAT)', [-8, -20, undefined]],
  ['IF(b > 1, a, 0)', [10, 0, undefined]],
  ['IF(b > 1, b)', [2, undefined, 4]],
  ['a > 15 || b == 2', [1, 1, undefined]],
  ['a > 15 AND b == 0', [0, 1, undefined]],
  ['ABS(0 - b)', [2, 0, 4]],
  ['CEIL(b / 3) + FLOOR(b / 3)', [1, 0, 3]],
  ['.5 * 1e1', [5, 5, 5]],
])('%s', (expression, expected) => {
  expect(evaluate(expression)).toEqual(expected);
});

test.each([
  ['every answer well', { requests: 100 }, 0],
  ['some of tasks', { requests: 100, task_errors: 5 }, 5],
  ['some of the load balancer, which had chosen a task (502, 504)', { requests: 100, own_errors: 5 }, 5],
  ['some of both', { requests: 90, turned_away: 10, task_errors: 9, own_errors: 20 }, 29],
  ['all of the load balancer, which had chosen a task', { requests: 100, own_errors: 100 }, 100],
  ['all of the load balancer, which had none to choose', { turned_away: 100, own_errors: 100 }, 100],
  ['few requests', { requests: 10, task_errors: 9 }, 0],
  ['few that were turned away', { turned_away: 19, own_errors: 19 }, 0],
  ['no request', {}, 0],
])('the share of failures that the monitoring module watches: %s', (_name, counted, expected) => {
  const answered = 'FILL(requests, 0) + FILL(turned_away, 0)';
  const failed = 'FILL(task_errors, 0) + FILL(own_errors, 0)';
  const share = `IF(${answered} >= 20, 100 * (${failed}) / (${answered}), 0)`;
  // As on AWS: what did not happen is not reported.
  const none = { requests: undefined, turned_away: undefined, task_errors: undefined, own_errors: undefined };
  const values = Object.entries({ ...none, ...counted }).map(([id, value]) => [id, [value]]);
  expect(evaluateMetricMath(share, Object.fromEntries(values), 1)).toEqual([expected]);
});

test('use at the maximum of tasks, and tasks that are missing, as the monitoring module has them', () => {
  const values = { used: [95, 95, 95], running: [10, 9, undefined], desired: [10, 12, 2] };
  expect(evaluateMetricMath('IF(running >= 10, used, 0)', values, 3)).toEqual([95, 0, undefined]);
  const missing = 'IF(desired > 3, desired, 3) - running';
  expect(evaluateMetricMath(missing, values, 3)).toEqual([0, 3, undefined]);
  expect(evaluateMetricMath(missing, { desired: [2], running: [2] }, 1)).toEqual([1]);
});

test.each([
  ['a +', 'the end'],
  ['nobody * 2', '"nobody"'],
  ['ANOMALY_DETECTION_BAND(a, 2)', 'ANOMALY_DETECTION_BAND'],
  ['SEARCH("x")', '"x"'],
  ['a b', '"b"'],
  [`${'('.repeat(300)}1${')'.repeat(300)}`, 'deeper'],
  ['1 + '.repeat(400), 'characters'],
])('not understood: %s', (expression, words) => {
  expect(() => evaluate(expression)).toThrow(words);
});
