/** Durations as people write them: `"0s"`, `"10m"`, `"1h30m"`, `"2d"`. Pure. */

const PATTERN = /^(?=\d)(?:(\d{1,6})d)?(?:(\d{1,6})h)?(?:(\d{1,6})m)?(?:(\d{1,6})s)?$/;
const UNIT_SECONDS = [86_400, 3_600, 60, 1] as const;

/** @returns seconds; undefined when `text` is no duration */
export function parseDuration(text: string): number | undefined {
  const match = PATTERN.exec(text);
  if (!match) return undefined;
  return UNIT_SECONDS.reduce((total, unit, index) => total + unit * Number(match[index + 1] ?? 0), 0);
}
