/** Metrics for Prometheus: requests, process, and which build this is. */
import { EXPOSITION_CONTENT_TYPE, type MetricFamily, renderExposition } from '../exposition.ts';
import type { Route, Service } from '../route.ts';
import { shortDigest } from '../task-identity.ts';

function gauge(name: string, help: string, value: number): MetricFamily {
  return { name, type: 'gauge', help, samples: [{ value }] };
}

function processFamilies(service: Service): readonly MetricFamily[] {
  const sample = service.sampleRuntime();
  return [
    {
      name: 'process_cpu_seconds_total',
      type: 'counter',
      help: 'User and system CPU time spent, in seconds.',
      samples: [{ value: sample.cpuSeconds }],
    },
    gauge('process_resident_memory_bytes', 'Resident memory size.', sample.residentBytes),
    gauge('process_uptime_seconds', 'Time since the process started.', service.uptimeSeconds()),
    gauge('nodejs_heap_size_used_bytes', 'Heap in use.', sample.heapUsedBytes),
    gauge('nodejs_heap_size_total_bytes', 'Heap reserved.', sample.heapTotalBytes),
    gauge('nodejs_eventloop_lag_mean_seconds', 'Mean lag since the scrape before.', sample.lagMeanSeconds),
    gauge(
      'nodejs_eventloop_lag_p99_seconds',
      '99th percentile since the scrape before.',
      sample.lagP99Seconds,
    ),
  ];
}

function serviceFamilies({ application, version, config, state }: Service): readonly MetricFamily[] {
  return [
    gauge('app_ready', '1 while the service is ready for requests.', state.phase === 'ready' ? 1 : 0),
    {
      name: 'app_build_info',
      type: 'gauge',
      help: 'Always 1; the labels say what runs and where.',
      samples: [
        {
          labels: {
            application,
            version,
            environment: config.environment,
            release: shortDigest(state.identity.imageDigest) ?? '',
            zone: state.identity.zone ?? '',
            node: process.version,
          },
          value: 1,
        },
      ],
    },
  ];
}

export const metricsRoute: Route = {
  path: '/metrics',
  probe: true,
  handle: (_request, service) => ({
    status: 200,
    headers: { 'content-type': EXPOSITION_CONTENT_TYPE, 'cache-control': 'no-store' },
    body: renderExposition([
      ...service.metrics.families(),
      ...processFamilies(service),
      ...serviceFamilies(service),
    ]),
  }),
};
