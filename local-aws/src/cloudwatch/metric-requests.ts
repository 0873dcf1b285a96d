/** What GetMetricData and GetMetricStatistics are asked, in any of CloudWatch's protocols, checked as AWS checks it. Pure. */
import * as z from 'zod';
import { AwsError } from '../contract.ts';
import { parseInput } from '../gateway/parse-input.ts';
import type { MetricStat } from './metric-alarm.ts';
import type { MetricId } from './metric-store.ts';

/** CloudWatch API reference: GetMetricData. */
const maxQueries = 500;
const maxDimensions = 30;

/** A time in CBOR, seconds in JSON, or the text of a form. @returns milliseconds since the epoch */
const time = z.union([z.date(), z.number(), z.string()]).transform((value, context) => {
  const ms =
    value instanceof Date ? value.getTime() : typeof value === 'number' ? value * 1_000 : Date.parse(value);
  if (!Number.isFinite(ms)) context.addIssue({ code: 'custom', message: 'must be a time' });
  return ms;
});

const period = z.coerce
  .number()
  .refine(
    (seconds) => [1, 5, 10, 20, 30].includes(seconds) || (seconds > 0 && Number.isInteger(seconds / 60)),
    'must be 1, 5, 10, 20, 30 or a multiple of 60 seconds',
  );

const dimensions = z
  .array(z.object({ Name: z.string(), Value: z.string() }))
  .max(maxDimensions)
  .default([]);

const metric = z.object({ Namespace: z.string(), MetricName: z.string(), Dimensions: dimensions });

const dataRequest = z.object({
  StartTime: time,
  EndTime: time,
  ScanBy: z.enum(['TimestampAscending', 'TimestampDescending']).default('TimestampDescending'),
  MetricDataQueries: z
    .array(
      z.object({
        Id: z
          .string()
          .regex(
            /^[a-z][a-zA-Z0-9_]*$/,
            'must begin with a small letter, and go on with letters, digits or _',
          ),
        Label: z.string().optional(),
        ReturnData: z.union([z.boolean(), z.enum(['true', 'false'])]).default(true),
        Expression: z.string().optional(),
        Period: period.optional(),
        MetricStat: z
          .object({ Metric: metric, Period: period, Stat: z.string(), Unit: z.string().optional() })
          .optional(),
      }),
    )
    .min(1)
    .max(maxQueries),
});

const statisticsRequest = metric.extend({
  StartTime: time,
  EndTime: time,
  Period: period,
  Statistics: z.array(z.string()).default([]),
  ExtendedStatistics: z.array(z.string()).default([]),
  Unit: z.string().optional(),
});

export interface MetricDataQuery {
  readonly id: string;
  readonly label: string;
  readonly returnData: boolean;
  readonly expression: string | undefined;
  /** Of the expression's own. */
  readonly periodSeconds: number | undefined;
  readonly stat: (MetricStat & { readonly unit: string | undefined }) | undefined;
}

export interface MetricDataRequest {
  /** Milliseconds since the epoch; the end excluded. */
  readonly startMs: number;
  readonly endMs: number;
  readonly newestFirst: boolean;
  readonly queries: readonly MetricDataQuery[];
}

/** @throws AwsError `ValidationError` */
export function parseMetricDataRequest(payload: unknown): MetricDataRequest {
  const input = parseInput(dataRequest, payload, 'ValidationError');
  if (input.StartTime >= input.EndTime)
    throw new AwsError('ValidationError', 'The parameter EndTime must be greater than StartTime.');
  const ids = input.MetricDataQueries.map(({ Id }) => Id);
  const twice = ids.find((id, index) => ids.indexOf(id) !== index);
  if (twice !== undefined)
    throw new AwsError(
      'ValidationError',
      `The values for parameter id in MetricDataQueries are not unique: ${twice}.`,
    );
  return {
    startMs: input.StartTime,
    endMs: input.EndTime,
    newestFirst: input.ScanBy === 'TimestampDescending',
    queries: input.MetricDataQueries.map((query) => {
      const { Id: id, MetricStat: stat, Expression: expression } = query;
      if ((stat === undefined) === (expression === undefined))
        throw new AwsError('ValidationError', `The query ${id} must have either MetricStat or Expression.`);
      return {
        id,
        label: query.Label ?? stat?.Metric.MetricName ?? id,
        returnData: query.ReturnData === true || query.ReturnData === 'true',
        expression,
        periodSeconds: query.Period,
        stat: stat && {
          metric: metricOf(stat.Metric),
          ...{ statistic: stat.Stat, periodSeconds: stat.Period, unit: stat.Unit },
        },
      };
    }),
  };
}

export interface MetricStatisticsRequest {
  readonly metric: MetricId;
  readonly startMs: number;
  readonly endMs: number;
  readonly periodSeconds: number;
  readonly statistics: readonly string[];
  readonly extendedStatistics: readonly string[];
  readonly unit: string | undefined;
}

/** @throws AwsError `InvalidParameterValue`, `InvalidParameterCombination` */
export function parseMetricStatisticsRequest(payload: unknown): MetricStatisticsRequest {
  const input = parseInput(statisticsRequest, payload, 'InvalidParameterValue');
  if (input.StartTime >= input.EndTime)
    throw new AwsError(
      'InvalidParameterValue',
      'The parameter StartTime must be less than the parameter EndTime.',
    );
  if (input.Statistics.length + input.ExtendedStatistics.length === 0)
    throw new AwsError('InvalidParameterCombination', 'Must specify either Statistics or ExtendedStatistics');
  return {
    metric: metricOf(input),
    ...{ startMs: input.StartTime, endMs: input.EndTime, periodSeconds: input.Period },
    ...{ statistics: input.Statistics, extendedStatistics: input.ExtendedStatistics, unit: input.Unit },
  };
}

function metricOf({ Namespace, MetricName, Dimensions }: z.infer<typeof metric>): MetricId {
  return {
    namespace: Namespace,
    name: MetricName,
    dimensions: Object.fromEntries(Dimensions.map(({ Name, Value }) => [Name, Value])),
  };
}
