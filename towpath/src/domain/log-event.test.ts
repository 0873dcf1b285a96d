import { describe, expect, it } from 'vitest';
import { createSeenEvents, type LogEvent, matchesQuery, orderEvents } from './log-event.ts';

function event(at: number, message: string, task = 'a'): LogEvent {
  return { id: `${task}-${at}-${message}`, at, task, message };
}

describe('the order of lines', () => {
  it('is that of time, and of arrival within a millisecond', () => {
    const events = [event(2, 'two', 'b'), event(1, 'one'), event(2, 'three')];
    expect(orderEvents(events).map(({ message }) => message)).toEqual(['one', 'two', 'three']);
  });

  it('keeps a stack trace together although another task logs meanwhile', () => {
    const events = [
      event(1, 'Error: boom'),
      event(2, '    at a.js:1'),
      event(2, 'request', 'b'),
      event(3, '    at b.js:2'),
      event(3, 'Caused by: Error: deeper'),
      event(4, 'next'),
    ];
    expect(orderEvents(events.toReversed()).map(({ message }) => message)).toEqual([
      'Error: boom',
      '    at a.js:1',
      'Caused by: Error: deeper',
      '    at b.js:2',
      'request',
      'next',
    ]);
  });

  it('takes an indented line at the beginning as it comes', () => {
    const events = [event(1, '  at x'), event(2, 'y')];
    expect(orderEvents(events)).toEqual(events);
  });
});

describe('a query', () => {
  const all = { from: 10, to: 20, filter: undefined, task: undefined, tasks: undefined };
  it.each([
    [9, {}, false],
    [10, {}, true],
    [20, {}, true],
    [21, {}, false],
    [21, { to: undefined }, true],
    [15, { filter: 'boom' }, true],
    [15, { filter: 'Boom' }, false],
    [15, { task: 'ab' }, true],
    [15, { task: 'b' }, false],
    [15, { tasks: ['abc'] }, true],
    [15, { tasks: [] }, false],
  ])('at %d with %j: %s', (at, changes, expected) => {
    expect(matchesQuery(event(at, 'a boom', 'abc'), { ...all, ...changes })).toBe(expected);
  });
});

describe('what was seen', () => {
  it('is told once, and forgotten when it is old or too much', () => {
    const seen = createSeenEvents(3);
    const events = [1, 2, 3, 4].map((at) => event(at, 'x'));
    expect(seen.fresh(events.slice(0, 2))).toHaveLength(2);
    expect(seen.fresh(events.slice(0, 3))).toEqual([events[2]]);
    seen.forgetBefore(3);
    expect(seen.size).toBe(1);
    seen.fresh([5, 6, 7, 8, 9].map((at) => event(at, 'y')));
    expect(seen.size).toBe(3);
  });
});
