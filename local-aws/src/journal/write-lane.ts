/** One changing call at a time, in the order of arrival: the order of the journal is the order of the effects. */
import { AwsError } from '../contract.ts';

/** As many as the gateway takes connections; more can only come from a defect. */
const maxWaitingCalls = 4096;

export interface WriteLane {
  /** @throws AwsError `ThrottlingException` when too many wait */
  run<T>(work: () => Promise<T>): Promise<T>;
}

export function createWriteLane(): WriteLane {
  let last: Promise<unknown> = Promise.resolve();
  let waiting = 0;
  return {
    run(work) {
      if (waiting >= maxWaitingCalls)
        throw new AwsError('ThrottlingException', `${waiting} changing calls wait already`);
      waiting += 1;
      const done = last.then(work).finally(() => {
        waiting -= 1;
      });
      last = done.catch(() => undefined);
      return done;
    },
  };
}
