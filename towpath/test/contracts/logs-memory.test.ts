/** The contract of logs, on the fake that tests of actions use. */
import { describe } from 'vitest';
import { createLogStore, createMemoryLogs } from '../fakes/memory-logs.ts';
import { logsContract } from './logs-contract.ts';

describe('logs in memory', () =>
  logsContract(async () => {
    const store = createLogStore();
    return {
      logs: createMemoryLogs(store),
      nothing: createMemoryLogs({ ...createLogStore(), exists: false }),
      write: async (task, lines) => {
        for (const { at, message } of lines) store.write(task, at, message);
      },
      now: 1_767_225_600_000,
    };
  }));
