/** The part of CloudWatch's API that is answered from our own metrics; alarms, dashboards and all else are moto's. */
import type { Overlay } from '../contract.ts';
import { NamedValues, type Payload, readPayload, renderPayload } from '../gateway/payload-codec.ts';
import { decideMetricStatistics, loadMetricData } from './metric-data.ts';
import { parseMetricDataRequest, parseMetricStatisticsRequest } from './metric-requests.ts';
import type { MinutesSource } from './observed-minutes.ts';
import { isPercentile } from './statistic.ts';

const namespace = 'http://monitoring.amazonaws.com/doc/2010-08-01/';

type Answer = Readonly<Record<string, Payload>> | undefined;

export function createMetricsOverlay(source: MinutesSource): Overlay {
  const actions: Readonly<Record<string, (payload: unknown) => Promise<Answer>>> = {
    GetMetricData: (payload) => getMetricData(source, payload),
    GetMetricStatistics: async (payload) => getMetricStatistics(source, payload),
  };
  return {
    service: 'monitoring',
    async handle(request) {
      const action = Object.hasOwn(actions, request.action) ? actions[request.action] : undefined;
      // What is measured here lies in one region.
      if (action === undefined || request.region !== source.control.region) return undefined;
      const answer = await action(readPayload(request));
      return answer && renderPayload(request, namespace, answer);
    },
  };
}

async function getMetricData(source: MinutesSource, payload: unknown): Promise<Answer> {
  const results = await loadMetricData(source, parseMetricDataRequest(payload));
  return (
    results && {
      MetricDataResults: results.map(({ id, label, points }) => ({
        ...{ Id: id, Label: label, StatusCode: 'Complete' },
        Timestamps: points.map(({ at }) => new Date(at)),
        Values: points.map(({ value }) => value),
      })),
      Messages: [],
    }
  );
}

function getMetricStatistics(source: MinutesSource, payload: unknown): Answer {
  const request = parseMetricStatisticsRequest(payload);
  const found = decideMetricStatistics(source, request);
  return (
    found && {
      Label: request.metric.name,
      Datapoints: found.datapoints.map(({ at, values }) => {
        const named = Object.entries(values);
        const percentiles = named.filter(([statistic]) => isPercentile(statistic));
        return {
          ...{ Timestamp: new Date(at), Unit: found.unit },
          ...Object.fromEntries(named.filter(([statistic]) => !isPercentile(statistic))),
          ...(percentiles.length > 0 && {
            ExtendedStatistics: new NamedValues(Object.fromEntries(percentiles)),
          }),
        };
      }),
    }
  );
}
