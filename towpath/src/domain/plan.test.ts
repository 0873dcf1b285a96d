/** What a plan counts as, and what a protected environment would lose by it. */
import { expect, it } from 'vitest';
import {
  type ChangeAction,
  countChanges,
  leftTainted,
  lossesOf,
  type PlanSummary,
  startsTasks,
} from './plan.ts';

function plan(...changes: readonly (readonly [ChangeAction, string])[]): PlanSummary {
  return {
    changes: changes.map(([action, type], index) => ({ address: `${type}.x${index}`, type, action })),
    outputsChanged: false,
    empty: changes.length === 0,
    drift: [],
  };
}

it.each<[ChangeAction, string, boolean]>([
  ['create', 'aws_vpc', false],
  ['read', 'aws_caller_identity', false],
  ['update', 'aws_ecs_service', false],
  ['no-op', 'aws_vpc', false],
  ['import', 'aws_vpc', false],
  ['move', 'aws_vpc', false],
  ['delete', 'aws_vpc', true],
  ['replace', 'aws_lb', true],
  ['replace', 'aws_ecs_service', true],
  ['replace', 'aws_ecs_task_definition', false],
  ['delete', 'aws_ecs_task_definition', false],
])('%s of %s is a loss: %s', (action, type, lost) => {
  expect(lossesOf(plan([action, type])).map((change) => change.type)).toEqual(lost ? [type] : []);
});

it('names every loss of a plan', () => {
  const losses = lossesOf(plan(['delete', 'aws_lb'], ['update', 'aws_vpc'], ['replace', 'aws_subnet']));
  expect(losses.map(({ address }) => address)).toEqual(['aws_lb.x0', 'aws_subnet.x2']);
});

it('counts a replacement as one more and one less', () => {
  const counted = countChanges(
    plan(
      ['create', 'a'],
      ['update', 'b'],
      ['update', 'c'],
      ['delete', 'd'],
      ['replace', 'e'],
      ['read', 'f'],
      ['no-op', 'g'],
    ),
  );
  expect(counted).toEqual({ add: 2, change: 2, destroy: 2 });
  expect(countChanges(plan())).toEqual({ add: 0, change: 0, destroy: 0 });
});

it.each<[ChangeAction, string, true | undefined, boolean]>([
  ['replace', 'aws_ecs_service', true, true],
  ['replace', 'aws_ecs_service', undefined, false],
  // Its successor would be written over it, and then be deleted with it.
  ['replace', 'aws_ssm_parameter', true, true],
  // Its name is taken.
  ['replace', 'aws_iam_role', true, true],
  // It is gone with everything else.
  ['delete', 'aws_ecs_service', true, false],
  // May really be broken.
  ['replace', 'aws_nat_gateway', true, false],
])('%s of %s, tainted: %s, is only left so: %s', (action, type, tainted, left) => {
  const [change] = plan([action, type]).changes;
  const summary = { ...plan(), changes: change ? [{ ...change, ...(tainted && { tainted }) }] : [] };
  expect(leftTainted(summary).map(({ address }) => address)).toEqual(left ? [`${type}.x0`] : []);
});

it.each<[ChangeAction, string, boolean]>([
  ['replace', 'aws_ecs_task_definition', true],
  ['create', 'aws_ecs_task_definition', true],
  ['create', 'aws_ecs_service', true],
  ['replace', 'aws_ecs_service', true],
  ['update', 'aws_ecs_service', false],
  ['delete', 'aws_ecs_task_definition', false],
  ['create', 'aws_vpc', false],
])('%s of %s starts tasks: %s', (action, type, starts) => {
  expect(startsTasks(plan(['update', 'aws_vpc'], [action, type]))).toBe(starts);
});
