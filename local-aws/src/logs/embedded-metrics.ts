/**
 * Metrics that an application writes into its log in the CloudWatch embedded metric format: a line with `_aws` says
 * which of its fields are metrics. Pure. Source: "Specification: Embedded metric format" of the CloudWatch user guide.
 */
import * as z from 'zod';
import type { MetricSample, MetricUnit } from '../contract.ts';
import type { FilteredLine } from './filter-pattern.ts';

/** Of the format. */
const maxDimensions = 30;
const maxMetrics = 100;
const maxValues = 100;

const directives = z.object({
  _aws: z.object({
    CloudWatchMetrics: z.array(
      z.object({
        Namespace: z.string().min(1),
        Dimensions: z.array(z.array(z.string()).max(maxDimensions)),
        Metrics: z.array(z.object({ Name: z.string(), Unit: z.string().default('None') })).max(maxMetrics),
      }),
    ),
  }),
});

const fieldValues = z.union([z.number(), z.array(z.number()).min(1).max(maxValues)]);

/** Whether a line may hold any; reading it as JSON costs more than this. */
export function mayHoldMetrics(text: string): boolean {
  return text.includes('"_aws"');
}

/**
 * @param at end of the minute that they count for, milliseconds since the epoch
 * @returns one for each metric and set of dimensions; none where the line breaks the format, as on AWS
 */
export function readEmbeddedMetrics({ json }: FilteredLine, at: number): readonly MetricSample[] {
  const parsed = directives.safeParse(json);
  if (!parsed.success) return [];
  const fields = json as Readonly<Record<string, unknown>>;
  return parsed.data._aws.CloudWatchMetrics.flatMap(({ Namespace, Dimensions, Metrics }) =>
    Dimensions.flatMap((names) => {
      const dimensions = readDimensions(fields, names);
      if (dimensions === undefined) return [];
      return Metrics.flatMap(({ Name, Unit }) => {
        const found = fieldValues.safeParse(fields[Name]);
        if (!found.success) return [];
        const values = [found.data].flat();
        return [
          {
            ...{ namespace: Namespace, name: Name, dimensions, unit: Unit as MetricUnit, at, values },
            count: values.length,
            sum: values.reduce((sum, value) => sum + value, 0),
            minimum: Math.min(...values),
            maximum: Math.max(...values),
          },
        ];
      });
    }),
  );
}

function readDimensions(
  fields: Readonly<Record<string, unknown>>,
  names: readonly string[],
): Readonly<Record<string, string>> | undefined {
  const found = names.map((name) => [name, fields[name]] as const);
  return found.every((entry): entry is [string, string] => typeof entry[1] === 'string')
    ? Object.fromEntries(found)
    : undefined;
}
