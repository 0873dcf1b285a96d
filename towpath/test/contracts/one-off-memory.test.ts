/** The contract of one-off tasks, on the fake that tests of actions use. */
import { describe } from 'vitest';
import { createMemoryOneOff, createOneOffStore } from '../fakes/memory-one-off.ts';
import { oneOffContract } from './one-off-contract.ts';

describe('one-off tasks in memory', () =>
  oneOffContract(async () => {
    const store = createOneOffStore();
    const look = (status: string, exitCode?: number) => [{ status, exitCode, reason: undefined }];
    store.deployed = true;
    store.looks = look('RUNNING');
    return {
      port: createMemoryOneOff(store),
      nothing: createMemoryOneOff(createOneOffStore()),
      settle: async () => undefined,
      finish: async (_command, exitCode) => {
        store.looks = look('STOPPED', exitCode);
      },
      write: (...lines) => {
        store.log = [...store.log, ...lines];
      },
    };
  }));
