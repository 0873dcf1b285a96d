/** A row of numbers as a row of blocks. Pure. */

const BLOCKS = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'] as const;

/** @param values undefined: nothing was measured, a gap @param highest what a full block means */
export function renderSparkline(values: readonly (number | undefined)[], highest: number): string {
  return values
    .map((value) => {
      if (value === undefined) return ' ';
      const share = highest > 0 ? Math.max(0, Math.min(1, value / highest)) : 0;
      return BLOCKS[Math.round(share * (BLOCKS.length - 1))] ?? ' ';
    })
    .join('');
}
