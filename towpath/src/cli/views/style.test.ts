import { describe, expect, it } from 'vitest';
import {
  createPaint,
  formatDuration,
  plural,
  renderTable,
  truncate,
  visibleLength,
  wantsColour,
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
