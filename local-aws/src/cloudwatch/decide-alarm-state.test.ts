import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type AlarmRule, decideAlarmState, type Slot } from './decide-alarm-state.ts';
import type { AlarmState, MissingData } from './metric-alarm.ts';

const rule: AlarmRule = {
  evaluationPeriods: 3,
  datapointsToAlarm: 3,
  comparison: 'GreaterThanThreshold',
  threshold: 70,
  missingData: 'missing',
};

/** As in the user guide, oldest first: X breaches, 0 does not, - is missing. */
function slotsOf(picture: string): Slot[] {
  const values = { X: 90, '0': 10, '-': undefined };
  return picture
    .split(' ')
    .reverse()
    .map((sign, i) => ({ at: -60_000 * (i + 1), value: values[sign as keyof typeof values] }));
}

function stateFor(picture: string, changes: Partial<AlarmRule>, current: AlarmState): AlarmState {
  return decideAlarmState({ ...rule, ...changes }, slotsOf(picture), current).state;
}

const treatments: readonly MissingData[] = ['missing', 'ignore', 'breaching', 'notBreaching'];

describe('the tables of the user guide', () => {
  test.each([
    ['0 - X - X', ['OK', 'OK', 'OK', 'OK']],
    ['- - - - 0', ['OK', 'OK', 'OK', 'OK']],
    ['- - - - -', ['INSUFFICIENT_DATA', 'kept', 'ALARM', 'OK']],
    ['0 X X - X', ['ALARM', 'ALARM', 'ALARM', 'ALARM']],
    ['- - X - -', ['ALARM', 'kept', 'ALARM', 'OK']],
  ])('3 out of 3: %s', (picture, expected) => {
    for (const current of ['OK', 'INSUFFICIENT_DATA', 'ALARM'] as const)
      expect(treatments.map((missingData) => stateFor(picture, { missingData }, current))).toEqual(
        expected.map((state) => (state === 'kept' ? current : state)),
      );
  });

  test.each([
    ['0 - X - X', ['ALARM', 'ALARM', 'ALARM', 'ALARM']],
    ['0 0 X 0 X', ['ALARM', 'ALARM', 'ALARM', 'ALARM']],
    ['0 - X - -', ['OK', 'OK', 'ALARM', 'OK']],
    ['- - - - 0', ['OK', 'OK', 'ALARM', 'OK']],
    ['- - - X -', ['ALARM', 'kept', 'ALARM', 'OK']],
  ])('2 out of 3: %s', (picture, expected) => {
    for (const current of ['OK', 'INSUFFICIENT_DATA'] as const)
      expect(
        treatments.map((missingData) => stateFor(picture, { missingData, datapointsToAlarm: 2 }, current)),
      ).toEqual(expected.map((state) => (state === 'kept' ? current : state)));
  });
});

test('[target-tracking.high-alarm] three minutes in a row above the target, not two', () => {
  expect(stateFor('- - - - X', {}, 'INSUFFICIENT_DATA')).toBe('INSUFFICIENT_DATA');
  expect(stateFor('- - - X X', {}, 'INSUFFICIENT_DATA')).toBe('INSUFFICIENT_DATA');
  expect(stateFor('- - X X X', {}, 'INSUFFICIENT_DATA')).toBe('ALARM');
  expect(stateFor('0 0 0 X X', {}, 'OK')).toBe('OK');
  expect(stateFor('0 0 X X X', {}, 'OK')).toBe('ALARM');
  expect(stateFor('X X X X 0', {}, 'ALARM')).toBe('OK');
});

test('[target-tracking.low-alarm] fifteen minutes in a row below, not fourteen', () => {
  const low = { evaluationPeriods: 15, datapointsToAlarm: 15, comparison: 'LessThanThreshold' };
  const quiet = (minutes: number) => ['X', 'X', ...'0'.repeat(minutes)].join(' ');
  expect(stateFor(quiet(14), low, 'OK')).toBe('OK');
  expect(stateFor(quiet(15), low, 'OK')).toBe('ALARM');
});

test.each([
  ['GreaterThanThreshold', 'OK'],
  ['GreaterThanOrEqualToThreshold', 'ALARM'],
  ['LessThanThreshold', 'OK'],
  ['LessThanOrEqualToThreshold', 'ALARM'],
])('at the threshold itself %s is %s', (comparison, state) => {
  const slots = Array.from({ length: 5 }, (_, i) => ({ at: -i, value: 70 }));
  expect(decideAlarmState({ ...rule, comparison }, slots, 'OK').state).toBe(state);
});

test('without missing data the treatment of missing data does not matter, and it is M out of the newest N', () => {
  const cases = fc.record({
    values: fc.array(fc.integer({ min: 0, max: 140 }), { minLength: 12, maxLength: 12 }),
    evaluationPeriods: fc.integer({ min: 1, max: 10 }),
    wanted: fc.integer({ min: 1, max: 10 }),
    missingData: fc.constantFrom(...treatments),
    current: fc.constantFrom<AlarmState>('OK', 'ALARM', 'INSUFFICIENT_DATA'),
  });
  fc.assert(
    fc.property(cases, ({ values, evaluationPeriods, wanted, missingData, current }) => {
      const datapointsToAlarm = Math.min(wanted, evaluationPeriods);
      const slots = values.slice(0, evaluationPeriods + 2).map((value, i) => ({ at: -i, value }));
      const breaching = values.slice(0, evaluationPeriods).filter((value) => value > 70).length;
      const decision = decideAlarmState(
        { ...rule, evaluationPeriods, datapointsToAlarm, missingData },
        slots,
        current,
      );
      expect(decision.state).toBe(breaching >= datapointsToAlarm ? 'ALARM' : 'OK');
      expect(decision.datapoints).toHaveLength(evaluationPeriods);
    }),
  );
});
