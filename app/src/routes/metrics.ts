/** Metrics for Prometheus: requests, process, and which build this is. */
import type { CacheMode, CacheStatus } from '../cache/cache-store.ts';
import { EXPOSITION_CONTENT_TYPE, type MetricFamily, renderExposition } from '../exposition.ts';
import type { Route, Service } from '../route.ts';
import { shortDigest } from '../task-identity.ts';
import { isReady } from './status.ts';

const MODES: readonly CacheMode[] = ['memory', 'redis', 'degraded'];

function gauge(name: string, help: string, value: number): MetricFamily {
  return { name, type: 'gauge', help, samples: [{ value }] };
}

function processFamilies(service: Service): readonly MetricFamily[] {
  const sample = service.sampleRuntime();
  // ECS knows better than the system, which may leave the limit to a group further up.
  const memoryLimitBytes = service.state.identity.memoryLimitBytes ?? sample.memoryLimitBytes;
  return [
    {
      name: 'process_cpu_seconds_total',
      type: 'counter',
      help: 'User and system CPU time spent, in seconds.',
      samples: [{ value: sample.cpuSeconds }],
    },
    gauge('process_resident_memory_bytes', 'Resident memory size.', sample.residentBytes),
    ...(memoryLimitBytes === undefined
      ? []
      : [gauge('app_memory_limit_bytes', 'Memory above which the task is killed.', memoryLimitBytes)]),
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

function serviceFamilies({ application, version, config, state, faults }: Service): readonly MetricFamily[] {
  return [
    gauge('app_ready', '1 while the service is ready for requests.', isReady({ state, faults }) ? 1 : 0),
    gauge('app_faults_active', 'Faults injected on purpose.', faults?.list().length ?? 0),
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

function cacheFamilies(cache: CacheStatus): readonly MetricFamily[] {
  return [
    {
      name: 'app_cache_requests_total',
      type: 'counter',
      help: 'Reads of the cache, by result.',
      samples: [
        { labels: { result: 'hit' }, value: cache.hits },
        { labels: { result: 'miss' }, value: cache.misses },
      ],
    },
    {
      name: 'app_cache_failures_total',
      type: 'counter',
      help: 'Calls to Redis that failed, and were served from memory.',
      samples: [{ value: cache.failures }],
    },
    {
      name: 'app_cache_mode',
      type: 'gauge',
      help: '1 for the mode that the cache is in.',
      samples: MODES.map((mode) => ({ labels: { mode }, value: cache.mode === mode ? 1 : 0 })),
    },
    gauge('app_cache_memory_entries', 'Entries in the memory of this task.', cache.entries),
    gauge('app_cache_memory_bytes', 'Their size.', cache.bytes),
  ];
}

export const metricsRoute: Route = {
  path: '/metrics',
  probe: true,
  doc: {
    summary: 'Metrics for Prometheus',
    responses: { 200: { description: 'Text exposition format', content: { 'text/plain': {} } } },
  },
  handle: (_request, service) => ({
    status: 200,
    headers: { 'content-type': EXPOSITION_CONTENT_TYPE, 'cache-control': 'no-store' },
    body: renderExposition([
      ...service.metrics.families(),
      ...processFamilies(service),
      ...serviceFamilies(service),
      ...cacheFamilies(service.cache.status()),
    ]),
  }),
};
