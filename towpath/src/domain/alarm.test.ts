import { describe, expect, it } from 'vitest';
import { firstSentence, isAlarmOf } from './alarm.ts';

describe('the first sentence', () => {
  it.each([
    ['One takes longer than 1 s. Compare it.', 'One takes longer than 1 s.'],
    ['Fewer than 1.5 tasks run! Look.', 'Fewer than 1.5 tasks run!'],
    ['No end', 'No end'],
    ['', ''],
  ])('%j', (text, expected) => expect(firstSentence(text)).toBe(expected));
});

describe('an alarm is of the environment', () => {
  const prefixes = ['shop-test', 'shop-test-eu', 'shop-prod'];
  it.each([
    ['shop-test-5xx-alarm', 'shop-test', true],
    ['shop-test-eu-5xx-alarm', 'shop-test', false],
    ['shop-test-eu-5xx-alarm', 'shop-test-eu', true],
    ['shop-tester-5xx-alarm', 'shop-test', false],
  ])('%s of %s: %s', (name, prefix, expected) => expect(isAlarmOf(name, prefix, prefixes)).toBe(expected));
});
