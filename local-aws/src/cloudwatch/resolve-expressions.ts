/** Metric math over several queries: expressions may use metrics, and one another. Pure. */
import { evaluateMetricMath, MetricMathError, type Series } from './metric-math.ts';

export interface ExpressionQuery {
  readonly id: string;
  /** undefined for a metric. */
  readonly expression: string | undefined;
}

/**
 * @param metrics the series of all metrics by id, each of this length
 * @returns these and the expressions' series, by id
 * @throws MetricMathError
 */
export function resolveExpressions(
  queries: readonly ExpressionQuery[],
  metrics: Readonly<Record<string, Series>>,
  length: number,
): Readonly<Record<string, Series>> {
  const known: Record<string, Series> = { ...metrics };
  // The expression that matters is often the first, and uses those after it.
  const open = new Set(queries.filter(({ expression }) => expression !== undefined));
  for (let round = 0; round < queries.length && open.size > 0; round += 1) {
    for (const query of open) {
      const { id, expression = '' } = query;
      if ([...open].some((other) => other !== query && mentions(expression, other.id))) continue;
      known[id] = evaluateMetricMath(expression, known, length);
      open.delete(query);
    }
  }
  if (open.size > 0) throw new MetricMathError('its expressions go round in a circle');
  return known;
}

function mentions(expression: string, id: string): boolean {
  return new RegExp(`(?<![A-Za-z0-9_])${id}(?![A-Za-z0-9_])`).test(expression);
}
