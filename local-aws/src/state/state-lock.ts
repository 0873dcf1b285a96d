/**
 * One daemon for a state directory. The lock file holds who has it; a file whose process is gone is taken over.
 */
import { linkSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { decideLiveness, identifyProcess, type ProcessIdentity } from './process-identity.ts';

const maxAttempts = 5;

export class StateLockedError extends Error {
  readonly hint: string;
  constructor(message: string, hint: string) {
    super(message);
    this.name = 'StateLockedError';
    this.hint = hint;
  }
}

export interface LockHolder extends ProcessIdentity {
  readonly endpoint: string;
}

export interface StateLock {
  /** Known once the gateway listens, and told to whoever comes second. */
  publish(endpoint: string): void;
  release(): void;
}

/**
 * @param what holds the directory, for the error
 * @throws StateLockedError naming process id and endpoint of the daemon that has it
 */
export function acquireStateLock(stateDir: string, what = 'An embedded AWS'): StateLock {
  const file = join(stateDir, 'daemon.lock');
  const own = identifyProcess(process.pid);
  const draft = join(stateDir, `daemon.lock.${process.pid}`);
  const write = (endpoint: string) =>
    writeFileSync(draft, `${JSON.stringify({ ...own, endpoint } satisfies LockHolder)}\n`, { mode: 0o600 });
  write('');
  try {
    takeLock(file, draft, stateDir, what);
  } finally {
    rmSync(draft, { force: true });
  }
  return {
    publish: (endpoint) => {
      write(endpoint);
      renameSync(draft, file);
    },
    release: () => {
      if (readHolder(file)?.pid === process.pid) rmSync(file, { force: true });
    },
  };
}

function takeLock(file: string, draft: string, stateDir: string, what: string): void {
  for (let attempt = 1; attempt <= maxAttempts; attempt += 1) {
    try {
      // A link either makes the whole file or fails: nobody reads half a lock.
      linkSync(draft, file);
      return;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
    }
    const holder = readHolder(file);
    if (holder !== undefined && decideLiveness(holder) !== 'gone') throw lockedError(holder, stateDir, what);
    removeStale(file, holder, draft);
  }
  throw new StateLockedError(
    `The state directory ${stateDir} is being taken by several processes at once.`,
    'Try again in a moment.',
  );
}

/** Moves the stale lock aside first: if another process has just replaced it, that one is put back. */
function removeStale(file: string, stale: LockHolder | undefined, draft: string): void {
  const aside = `${draft}.stale`;
  try {
    renameSync(file, aside);
    const moved = readHolder(aside);
    if (moved?.pid !== stale?.pid || moved?.startTime !== stale?.startTime) linkSync(aside, file);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code !== 'ENOENT' && code !== 'EEXIST') throw error;
  } finally {
    rmSync(aside, { force: true });
  }
}

function readHolder(file: string): LockHolder | undefined {
  try {
    return JSON.parse(readFileSync(file, 'utf8')) as LockHolder;
  } catch {
    return undefined;
  }
}

function lockedError(holder: LockHolder, stateDir: string, what: string): StateLockedError {
  const where = holder.endpoint === '' ? 'it is still starting' : `it answers on ${holder.endpoint}`;
  return new StateLockedError(
    `${what} runs on the state directory ${stateDir} already: process ${holder.pid}, ${where}.`,
    `Use that one, or stop it first: kill ${holder.pid}`,
  );
}
