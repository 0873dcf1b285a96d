/** One metric filter as DescribeMetricFilters has it, ready to be held against lines. Pure. */
import * as z from 'zod';
import type { MetricUnit } from '../contract.ts';
import { type FilteredLine, type LineTest, parseFilterPattern } from './filter-pattern.ts';
import { FilterPatternError } from './filter-pattern-error.ts';
import { parseSelector } from './json-filter.ts';

export interface MetricFilter {
  readonly namespace: string;
  readonly name: string;
  readonly unit: MetricUnit;
  /** What a minute with lines, but without a match, counts as. */
  readonly defaultValue: number | undefined;
  readonly matches: LineTest;
  /** @returns what a line that matches counts; undefined when it lacks the value or a dimension */
  read(
    line: FilteredLine,
  ): { readonly value: number; readonly dimensions: Readonly<Record<string, string>> } | undefined;
}

const described = z.object({
  metricFilters: z.array(
    z.object({
      filterName: z.string(),
      filterPattern: z.string().default(''),
      metricTransformations: z.array(
        z.object({
          metricNamespace: z.string(),
          metricName: z.string(),
          metricValue: z.string(),
          defaultValue: z.number().optional(),
          unit: z.string().default('None'),
          dimensions: z.record(z.string(), z.string()).default({}),
        }),
      ),
    }),
  ),
});

type Transformation = z.infer<typeof described>['metricFilters'][number]['metricTransformations'][number];

/** @param tell hears of a filter that can't be evaluated here, and why; it counts nothing then */
export function readMetricFilters(answer: unknown, tell: (line: string) => void): readonly MetricFilter[] {
  return described.parse(answer).metricFilters.flatMap((filter) => {
    try {
      const matches = parseFilterPattern(filter.filterPattern);
      return filter.metricTransformations.map((transformation) => toFilter(matches, transformation));
    } catch (error) {
      if (!(error instanceof FilterPatternError)) throw error;
      tell(`metric filter ${filter.filterName} is not evaluated: ${error.message}`);
      return [];
    }
  });
}

function toFilter(matches: LineTest, transformation: Transformation): MetricFilter {
  const { metricNamespace, metricName, metricValue, defaultValue, unit } = transformation;
  const numberIn = readNumber(metricValue);
  const dimensions = Object.entries(transformation.dimensions).map(
    ([name, selector]) => [name, parseSelector(selector)] as const,
  );
  return {
    namespace: metricNamespace,
    name: metricName,
    // As it is: CloudWatch knows more units than are measured here.
    unit: unit as MetricUnit,
    defaultValue,
    matches,
    read(line) {
      const value = numberIn(line.json);
      const found = dimensions.map(([name, select]) => [name, select(line.json)[0]] as const);
      if (value === undefined || found.some(([, each]) => each === undefined || typeof each === 'object'))
        return undefined;
      return { value, dimensions: Object.fromEntries(found.map(([name, each]) => [name, String(each)])) };
    },
  };
}

/** `1`, or a selector of a number in the line. */
function readNumber(metricValue: string): (json: unknown) => number | undefined {
  if (metricValue.startsWith('$.')) {
    const select = parseSelector(metricValue);
    return (json) => {
      const [found] = select(json);
      return typeof found === 'number' && Number.isFinite(found) ? found : undefined;
    };
  }
  const value = Number(metricValue);
  if (metricValue.trim() === '' || !Number.isFinite(value))
    throw new FilterPatternError(`its value "${metricValue}" is neither a number nor a selector of one`);
  return () => value;
}
