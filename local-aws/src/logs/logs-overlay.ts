/**
 * What the gateway adds to CloudWatch Logs: lines that others put there count for metrics as those of tasks do,
 * a filter with a pattern that can't be read is refused, and one that is put again replaces the one before, of which
 * moto keeps both. All is kept by moto.
 */
import * as z from 'zod';
import { AwsError, type ControlPlane, type Overlay } from '../contract.ts';
import { parseFilterPattern } from './filter-pattern.ts';
import { FilterPatternError } from './filter-pattern-error.ts';
import type { LogMetrics } from './log-metrics.ts';

const putEvents = z.object({
  logGroupName: z.string(),
  logEvents: z.array(z.object({ message: z.string() })),
});
const putFilter = z.object({
  logGroupName: z.string(),
  filterName: z.string(),
  filterPattern: z.string(),
});

export function createLogsOverlay(
  control: Pick<ControlPlane, 'json' | 'region'>,
  metrics: Pick<LogMetrics, 'observe' | 'filtersChanged'>,
): Overlay {
  return {
    service: 'logs',
    async handle(request, forward) {
      // Metrics are counted in one region, as tasks run in one.
      if (request.region !== control.region) return undefined;
      switch (request.action) {
        case 'PutLogEvents': {
          const answer = await forward();
          const put = putEvents.safeParse(request.json());
          if (answer.status < 300 && put.success) metrics.observe(put.data.logGroupName, put.data.logEvents);
          return answer;
        }
        case 'PutMetricFilter': {
          const put = putFilter.safeParse(request.json());
          // What is malformed otherwise, moto refuses.
          if (put.success) await makeRoom(control, put.data);
          const answer = await forward();
          metrics.filtersChanged();
          return answer;
        }
        case 'DeleteMetricFilter':
        case 'DeleteLogGroup': {
          const answer = await forward();
          metrics.filtersChanged();
          return answer;
        }
        default:
          return undefined;
      }
    },
  };
}

async function makeRoom(
  control: Pick<ControlPlane, 'json'>,
  { logGroupName, filterName, filterPattern }: z.infer<typeof putFilter>,
): Promise<void> {
  try {
    parseFilterPattern(filterPattern);
  } catch (error) {
    if (error instanceof FilterPatternError)
      throw new AwsError('InvalidParameterException', `Invalid filter pattern: ${error.message}.`);
    throw error;
  }
  await control.json('logs', 'DeleteMetricFilter', { logGroupName, filterName });
}
