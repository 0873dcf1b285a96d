/** One-off tasks in memory: each look is one step of what a test plays. */
import type { OneOffLook, OneOffPort } from '../../src/ports.ts';

export interface OneOffStore {
  /** Whether there is a service to take the definition from. */
  deployed: boolean;
  /** What the looks at a task show, one after the other; the last one stays. */
  looks: readonly (OneOffLook | undefined)[];
  /** Lines in the log from the beginning. */
  log: readonly string[];
  readonly started: (readonly string[])[];
  readonly stopped: string[];
}

export function createOneOffStore(): OneOffStore {
  return { deployed: false, looks: [], log: [], started: [], stopped: [] };
}

export function createMemoryOneOff(store: OneOffStore): OneOffPort {
  let looked = 0;
  return {
    async start(command) {
      if (!store.deployed) return undefined;
      store.started.push(command);
      return `task-${store.started.length}`;
    },
    async look(task) {
      const number = Number(/^task-(\d+)$/.exec(task)?.[1] ?? 0);
      if (number < 1 || number > store.started.length) return undefined;
      const look = store.looks[Math.min(looked, store.looks.length - 1)];
      looked += 1;
      return store.stopped.length > 0 ? { status: 'STOPPED', exitCode: 137, reason: undefined } : look;
    },
    async log(_task, cursor) {
      const from = Number(cursor ?? 0);
      return { lines: store.log.slice(from), cursor: String(store.log.length) };
    },
    async stop(task) {
      store.stopped.push(task);
    },
  };
}
