/** The contract of metrics and alarms, on the fake that tests of actions use. */
import { describe } from 'vitest';
import { createMemoryMonitoring, createMonitoringStore } from '../fakes/memory-monitoring.ts';
import { monitoringContract } from './monitoring-contract.ts';

describe('metrics and alarms in memory', () =>
  monitoringContract(async () => {
    const store = createMonitoringStore();
    return {
      monitoring: createMemoryMonitoring(store),
      nothing: createMemoryMonitoring(createMonitoringStore()),
      measure: async ({ id }, points) => {
        store.values.set(id, points);
      },
      raise: async (name, description, of, state) => {
        if (of === 'environment' && state === 'ALARM')
          store.alarms = [...store.alarms, { name, description, since: '2026-01-01T00:00:00.000Z' }];
      },
      start: Date.parse('2026-01-01T00:00:00.000Z'),
    };
  }));
