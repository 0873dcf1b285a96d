import { describe, expect, it } from 'vitest';
import {
  createPaint,
  formatDuration,
  plural,
  renderTable,
  truncate,
  visibleLength,
  wantsColour,
  wrapProse,
} from './style.ts';

describe('wantsColour', () => {
  it.each([
    [true, undefined, true],
    [true, '', true],
    [true, '0', false],
    [true, '1', false],
    [false, undefined, false],
  ])('on a terminal: %s, NO_COLOR=%s: %s', (terminal, value, wanted) => {
    expect(wantsColour(terminal, { NO_COLOR: value })).toBe(wanted);
  });
});

describe('formatDuration', () => {
  it.each([
    [0, '0.0 s'],
    [1_234, '1.2 s'],
    [9_949, '9.9 s'],
    [9_999, '10 s'],
    [59_400, '59 s'],
    [59_600, '1 min 0 s'],
    [60_000, '1 min 0 s'],
    [119_700, '2 min 0 s'],
    [3_725_000, '62 min 5 s'],
  ])('%d ms are %s', (ms, text) => {
    expect(formatDuration(ms)).toBe(text);
  });
});

describe('plural', () => {
  it('counts', () => {
    expect([0, 1, 2].map((count) => plural(count, 'task'))).toEqual(['0 tasks', '1 task', '2 tasks']);
  });
});

describe('renderTable', () => {
  const paint = createPaint(true);

  it('aligns columns by what is seen, not by colour sequences', () => {
    const text = renderTable([
      [paint('green', 'ok'), 'a'],
      ['missing', 'b'],
    ]);
    const [first = '', second = ''] = text.split('\n');
    expect(visibleLength(first)).toBe(visibleLength(second));
    expect(second).toBe('missing  b');
  });

  it('leaves no white space at the end of a line', () => {
    expect(
      renderTable(
        [
          ['a', ''],
          ['bb', 'c'],
        ],
        '  ',
      ),
    ).toBe('  a\n  bb  c');
  });
});

describe('truncate', () => {
  const paint = createPaint(true);

  it('keeps what fits, and says where it cut', () => {
    expect(truncate('12345', 5)).toBe('12345');
    expect(truncate('123456', 5)).toBe('1234…');
  });

  it('ends colour where it cuts', () => {
    const cut = truncate(paint('red', '123456'), 5);
    expect(visibleLength(cut)).toBe(5);
    expect(cut.endsWith('\u001b[0m')).toBe(true);
    expect(truncate(paint('red', '123'), 5)).toBe(paint('red', '123'));
  });
});

describe('wrapProse', () => {
  it.each([
    ['what fits', 'one two', 7, 'one two'],
    ['between words', 'one two three', 8, 'one two\n  three'],
    ['with the indent of the line, and a bit', '  one two three', 9, '  one two\n    three'],
    ['columns of what stays on the line', '✓  a    one two', 11, '✓  a    one\n  two'],
    [
      'no word, however long',
      'see http://127.0.0.1:4701/health now',
      10,
      'see\n  http://127.0.0.1:4701/health\n  now',
    ],
    [
      'no command to be copied',
      '  next: towpath status test --local',
      10,
      '  next: towpath status test --local',
    ],
    ['no line of a log', '  │ one two three four', 10, '  │ one two three four'],
    ['each line for itself', 'one two\nthree four five', 10, 'one two\nthree four\n  five'],
  ])('%s', (_what, text, columns, expected) => {
    expect(wrapProse(text, columns)).toBe(expected);
  });

  it('breaks nothing where the width is not known', () => {
    expect(wrapProse('one two three', undefined)).toBe('one two three');
  });

  it('does not count colours', () => {
    const line = `${createPaint(true)('red', 'one')} two`;
    expect(wrapProse(line, 7)).toBe(line);
  });

  it('leaves lines alone that begin otherwise', () => {
    expect(wrapProse('! one two\nrow one two', 6, /^!/)).toBe('! one\n  two\nrow one two');
  });
});
