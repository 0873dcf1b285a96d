/** Which status codes a health check takes for healthy: `200`, `200,202` or `200-299,301`. Pure. */

export type HealthMatcher = (statusCode: number) => boolean;

/** @throws Error when the text is no list of codes and ranges */
export function parseHealthMatcher(text: string): HealthMatcher {
  const ranges = text.split(',').map((part) => {
    const match = /^\s*(\d{3})(?:-(\d{3}))?\s*$/.exec(part);
    if (match === null)
      throw new Error(`health check matcher "${text}" is not a list such as 200 or 200-299,301`);
    const from = Number(match[1]);
    return { from, to: Number(match[2] ?? from) };
  });
  return (statusCode) => ranges.some(({ from, to }) => statusCode >= from && statusCode <= to);
}
