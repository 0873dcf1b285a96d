/** A pattern drawn from a release, so that a new one shows at a glance. Pure. */

export interface ReleaseMark {
  /** The `d` of an SVG path in a box of 7 × 7; empty without a release. */
  readonly path: string;
  /** Degrees on the colour wheel. */
  readonly hue: number;
}

const SIDE = 5;
/** Columns that are drawn; the others mirror them. */
const HALF = 3;

/** @param release hexadecimal digits */
export function drawReleaseMark(release: string | null): ReleaseMark {
  const digits = [...(release ?? '')].map((digit) => Number.parseInt(digit, 16));
  const hue = digits.reduce((sum, digit) => (sum * 16 + digit) % 360, 0);
  const cells: string[] = [];
  for (let index = 0; index < SIDE * HALF; index += 1) {
    const column = index % HALF;
    const row = Math.floor(index / HALF);
    const digit = digits[index % Math.max(digits.length, 1)] ?? 0;
    // The bit changes with every round through the digits, so that twelve digits fill fifteen cells.
    const bit = Math.floor(index / Math.max(digits.length, 1)) % 4;
    if (((digit >> bit) & 1) === 0) continue;
    for (const x of new Set([column, SIDE - 1 - column])) cells.push(`M${x + 1} ${row + 1}h1v1h-1z`);
  }
  return { path: cells.join(''), hue };
}
