/** Dashboard: the Redis of the development stack, as the Redis exporter sees it. */
import type { Dashboard } from '@grafana/grafana-foundation-sdk/dashboard';
import * as units from '@grafana/grafana-foundation-sdk/units';
import { anyOf, frame } from './frame.ts';
import { type AnyPanel, graph, stat } from './panels.ts';
import { CHOSEN_REDIS, RATE } from './selectors.ts';
import { REDIS_EVICTED_PER_SECOND } from './thresholds.ts';

const HITS = `sum(rate(redis_keyspace_hits_total{${CHOSEN_REDIS}}${RATE}))`;
const MISSES = `sum(rate(redis_keyspace_misses_total{${CHOSEN_REDIS}}${RATE}))`;

const glance: readonly AnyPanel[] = [
  stat({
    title: 'Answers',
    description: '1: Redis answers its exporter. Red: it does not, and tasks answer from their own memory.',
    unit: units.Short,
    queries: [{ expr: `min(redis_up{${CHOSEN_REDIS}})`, legend: 'up' }],
    width: 4,
    atLeast: 1,
  }),
  stat({
    title: 'Since its start',
    description: 'What was in it before is lost, for the stack keeps nothing on disk.',
    unit: units.Seconds,
    queries: [{ expr: `min(redis_uptime_in_seconds{${CHOSEN_REDIS}})`, legend: 'uptime' }],
    width: 4,
  }),
  stat({
    title: 'Keys',
    description: 'In all databases.',
    unit: units.Short,
    queries: [{ expr: `sum(redis_db_keys{${CHOSEN_REDIS}})`, legend: 'keys' }],
    width: 4,
  }),
  stat({
    title: 'Operations',
    description: 'Commands a second, those of the exporter included.',
    unit: units.OpsPerSecond,
    queries: [
      { expr: `sum(rate(redis_commands_processed_total{${CHOSEN_REDIS}}${RATE}))`, legend: 'commands' },
    ],
    width: 4,
  }),
  stat({
    title: 'Hit ratio',
    description: 'Share of the reads that found their key.',
    unit: units.PercentUnit,
    queries: [{ expr: `${HITS} / (${HITS} + ${MISSES})`, legend: 'hits' }],
    width: 4,
    noValue: 'no reads',
  }),
  stat({
    title: 'Evicted',
    description: 'Keys thrown out since its start, for want of memory.',
    unit: units.Short,
    queries: [{ expr: `sum(redis_evicted_keys_total{${CHOSEN_REDIS}})`, legend: 'evicted' }],
    width: 4,
    limits: { bad: 1 },
  }),
];

const commands: readonly AnyPanel[] = [
  graph({
    title: 'Commands',
    description: 'Commands a second, by name.',
    unit: units.OpsPerSecond,
    queries: [
      { expr: `sum by (cmd) (rate(redis_commands_total{${CHOSEN_REDIS}}${RATE}))`, legend: '{{cmd}}' },
    ],
    width: 12,
    stacked: true,
  }),
  graph({
    title: 'Time of a command',
    description: 'Mean time in Redis, by name; the way there and back is not in it.',
    unit: units.Seconds,
    queries: [
      {
        expr:
          `sum by (cmd) (rate(redis_commands_duration_seconds_total{${CHOSEN_REDIS}}${RATE}))` +
          ` / sum by (cmd) (rate(redis_commands_total{${CHOSEN_REDIS}}${RATE}))`,
        legend: '{{cmd}}',
      },
    ],
    width: 12,
  }),
  graph({
    title: 'Reads',
    description: 'Reads a second that found their key, and that did not.',
    unit: units.OpsPerSecond,
    queries: [
      { expr: HITS, legend: 'hit' },
      { expr: MISSES, legend: 'miss' },
    ],
    width: 12,
    stacked: true,
    colors: { '^hit': 'green', '^miss': 'orange' },
  }),
  graph({
    title: 'Errors',
    description: 'Answers a second that were errors, and connections that were turned away.',
    unit: units.OpsPerSecond,
    queries: [
      { expr: `sum(rate(redis_total_error_replies{${CHOSEN_REDIS}}${RATE}))`, legend: 'errors' },
      {
        expr: `sum(rate(redis_rejected_connections_total{${CHOSEN_REDIS}}${RATE}))`,
        legend: 'connections turned away',
      },
    ],
    width: 12,
  }),
];

const resources: readonly AnyPanel[] = [
  graph({
    title: 'Memory',
    description: 'In use, and the most that Redis may use; 0 is no limit.',
    unit: units.BytesIEC,
    queries: [
      { expr: `sum(redis_memory_used_bytes{${CHOSEN_REDIS}})`, legend: 'used' },
      { expr: `sum(redis_memory_max_bytes{${CHOSEN_REDIS}})`, legend: 'limit' },
    ],
    width: 8,
  }),
  graph({
    title: 'Memory, of its limit',
    description:
      'Full is well for a cache, as long as few keys are thrown out. Without a limit there is nothing to see here.',
    unit: units.PercentUnit,
    max: 1,
    queries: [{ expr: 'instance:redis_memory_used:ratio{instance=~"$instance"}', legend: '{{instance}}' }],
    width: 8,
  }),
  graph({
    title: 'Clients',
    description: 'Connections: one for each task, and one for the exporter.',
    unit: units.Short,
    queries: [
      { expr: `sum(redis_connected_clients{${CHOSEN_REDIS}})`, legend: 'connected' },
      { expr: `sum(redis_blocked_clients{${CHOSEN_REDIS}})`, legend: 'blocked' },
    ],
    width: 8,
  }),
  graph({
    title: 'Keys',
    description: 'All of them, and those with a time to live.',
    unit: units.Short,
    queries: [
      { expr: `sum(redis_db_keys{${CHOSEN_REDIS}})`, legend: 'all' },
      { expr: `sum(redis_db_keys_expiring{${CHOSEN_REDIS}})`, legend: 'with a time to live' },
    ],
    width: 8,
  }),
  graph({
    title: 'Keys that went',
    description:
      'Keys a second whose time was over, and that were thrown out for want of memory: from the dashed line on an alert.',
    unit: units.OpsPerSecond,
    queries: [
      { expr: `sum(rate(redis_expired_keys_total{${CHOSEN_REDIS}}${RATE}))`, legend: 'expired' },
      { expr: `sum(rate(redis_evicted_keys_total{${CHOSEN_REDIS}}${RATE}))`, legend: 'evicted' },
    ],
    width: 8,
    colors: { '^evicted': 'red' },
    limits: { bad: REDIS_EVICTED_PER_SECOND },
  }),
  graph({
    title: 'Network',
    description: 'Bytes a second that Redis has read and written.',
    unit: units.BytesPerSecondIEC,
    queries: [
      { expr: `sum(rate(redis_net_input_bytes_total{${CHOSEN_REDIS}}${RATE}))`, legend: 'in' },
      { expr: `sum(rate(redis_net_output_bytes_total{${CHOSEN_REDIS}}${RATE}))`, legend: 'out' },
    ],
    width: 8,
  }),
];

export function redis(): Dashboard {
  return frame({
    uid: 'towpath-redis',
    title: 'Redis',
    description:
      'The cache of the development stack. What to do when it is down: local-stack/prometheus/README.md.',
    variables: [
      anyOf('instance', {
        label: 'Instance',
        description: 'Address of the exporter',
        of: ['redis_up', 'instance'],
      }),
    ],
    alerts: 'instance=~"$instance"',
    rows: { 'At a glance': glance, Commands: commands, 'Memory, clients and keys': resources },
  });
}
