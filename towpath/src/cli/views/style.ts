/** Colours and small formats that all human views share. Pure. */
import { styleText } from 'node:util';

export type Style = 'bold' | 'dim' | 'red' | 'green' | 'yellow' | 'cyan' | 'blue' | 'magenta';
export type Paint = (style: Style, text: string) => string;

/** https://no-color.org: any value of NO_COLOR that is not empty turns colour off. */
export function wantsColour(terminal: boolean, env: Readonly<Record<string, string | undefined>>): boolean {
  return terminal && (env.NO_COLOR ?? '') === '';
}

export function createPaint(colour: boolean): Paint {
  // Whether colour is wanted is decided already; Node would ask its own standard output again.
  return colour ? (style, text) => styleText(style, text, { validateStream: false }) : (_style, text) => text;
}

/** Rounded before the unit is chosen, so that no minute has 60 seconds. */
export function formatDuration(ms: number): string {
  const tenths = Math.round(ms / 100);
  if (tenths < 100) return `${(tenths / 10).toFixed(1)} s`;
  const seconds = Math.round(ms / 1000);
  return seconds < 60 ? `${seconds} s` : `${Math.floor(seconds / 60)} min ${seconds % 60} s`;
}

/** `3 tasks`, `1 task`. */
export function plural(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? '' : 's'}`;
}

/** Columns as wide as their widest cell; the last is not padded. */
export function renderTable(rows: readonly (readonly string[])[], indent = ''): string {
  const widths: number[] = [];
  for (const row of rows) {
    row.forEach((cell, column) => {
      widths[column] = Math.max(widths[column] ?? 0, visibleLength(cell));
    });
  }
  return rows
    .map((row) =>
      `${indent}${row.map((cell, column) => (column === row.length - 1 ? cell : cell + ' '.repeat((widths[column] ?? 0) - visibleLength(cell)))).join('  ')}`.trimEnd(),
    )
    .join('\n');
}

// biome-ignore lint/suspicious/noControlCharactersInRegex: an escape character is what starts a colour sequence
const COLOUR_SEQUENCE = /\u001b\[[0-9;]*m/g;

export function visibleLength(text: string): number {
  return text.replaceAll(COLOUR_SEQUENCE, '').length;
}

/** Lines to be copied (a next command) or that others wrote (a log) stay as they are, however long. */
const NOT_PROSE = /^\s*(next:|undo:|│)/;
const CONTINUATION = '  ';

/**
 * Breaks lines that are wider than the terminal between words: it would break them within.
 * @param columns undefined where nothing is known about the width
 * @param prose what a line begins with that may be broken; any when left out
 */
export function wrapProse(text: string, columns: number | undefined, prose = /^/): string {
  if (columns === undefined) return text;
  const wrap = (line: string): string => {
    const plain = line.replaceAll(COLOUR_SEQUENCE, '');
    if (plain.length <= columns || NOT_PROSE.test(plain) || !prose.test(plain)) return line;
    const indent = `${/^ */.exec(plain)?.[0] ?? ''}${CONTINUATION}`;
    let width = 0;
    let result = '';
    for (const [, gap = '', word = ''] of line.matchAll(/( *)([^ ]+)/g)) {
      const length = visibleLength(word);
      const fits = width === 0 || width + gap.length + length <= columns;
      result += fits ? gap + word : `\n${indent}${word}`;
      width = (fits ? width + gap.length : indent.length) + length;
    }
    return result;
  };
  return text.split('\n').map(wrap).join('\n');
}

/** A line of a result that tells something; others are rows, addresses or what Terraform shows. */
export const MARKED = /^[!…✓✗]/;

/** Cuts to a terminal's width, keeping colour sequences whole. */
export function truncate(text: string, columns: number): string {
  if (visibleLength(text) <= columns) return text;
  let visible = 0;
  let result = '';
  for (let index = 0; index < text.length; ) {
    COLOUR_SEQUENCE.lastIndex = index;
    const match = COLOUR_SEQUENCE.exec(text);
    if (match?.index === index) {
      result += match[0];
      index += match[0].length;
      continue;
    }
    if (visible >= columns - 1) break;
    result += text[index];
    visible += 1;
    index += 1;
  }
  return `${result}…${result.includes('\u001b') ? '\u001b[0m' : ''}`;
}
