/**
 * All that outlives a run: the journal of the control plane and the snapshots of the other parts.
 * Opened before the control plane starts, so that a state that can't be used is known at once.
 */
import { existsSync, readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import type { MotoClient } from '../gateway/moto-client.ts';
import { checkRepeatable } from '../journal/check-repeatable.ts';
import { type JournalSize, openJournal } from '../journal/journal.ts';
import { createJournaledClient } from '../journal/journaled-client.ts';
import { replayJournal } from '../journal/replay-journal.ts';
import { writePrivateFile } from './private-file.ts';
import { openSnapshotStore, type SnapshotStore } from './snapshot-store.ts';

/** The file with the progress of a start is written at most this often. */
const progressIntervalMs = 200;
const progressFile = 'starting.json';

export interface KeptStateOptions {
  readonly stateDir: string;
  readonly region: string;
  readonly accountId: string;
  readonly log: (line: string) => void;
}

export interface KeptState {
  readonly snapshots: SnapshotStore;
  /**
   * Makes all journaled calls again on a moto that has just started.
   * @returns the client through which every later call has to go
   */
  bringBack(moto: MotoClient): Promise<BroughtBack>;
  /** What the next start will make again. */
  journalSize(): JournalSize;
  close(): void;
}

export interface BroughtBack {
  readonly client: MotoClient;
  readonly restored: Restored;
  /** Signing names of the services that have anything from earlier runs. */
  readonly restoredServices: ReadonlySet<string>;
}

/** What a start found; all 0 the first time. */
export interface Restored {
  readonly calls: number;
  readonly failedCalls: number;
  readonly ms: number;
}

/** @throws StateUnusableError */
export function openKeptState(options: KeptStateOptions): KeptState {
  const { stateDir, region, accountId, log } = options;
  const now = Date.now;
  const journal = openJournal({ folder: join(stateDir, 'journal'), region, accountId, now, log });
  const snapshots = openSnapshotStore(join(stateDir, 'snapshots'), log);
  return {
    snapshots,
    async bringBack(moto) {
      const began = now();
      await checkRepeatable(moto);
      const progress = reportProgress(join(stateDir, progressFile));
      const { calls, failed, services } = await replayJournal({
        moto,
        journal,
        log,
        onProgress: progress.report,
      }).finally(progress.end);
      const ms = now() - began;
      if (calls > 0) log(`${calls} calls of earlier runs made again in ${ms} ms, ${failed} failed`);
      const client = createJournaledClient({ moto, journal, region, now, log });
      return { client, restored: { calls, failedCalls: failed, ms }, restoredServices: services };
    },
    journalSize: () => journal.size(),
    close: () => journal.close(),
  };
}

/** For whoever waits for the start; see `LocalAwsPort.start` of the command line. */
function reportProgress(file: string): { report(done: number, total: number): void; end(): void } {
  let last = 0;
  return {
    report(done, total) {
      if (total === 0 || Date.now() - last < progressIntervalMs) return;
      last = Date.now();
      writePrivateFile(file, { phase: 'replay', done, total });
    },
    end: () => rmSync(file, { force: true }),
  };
}

/** What is no state: an installed control plane takes minutes to install again. */
const keptOnPurge: ReadonlySet<string> = new Set(['venv', 'daemon.lock']);

/** Forgets everything. Only for who has the lock, with nothing running. @returns whether there was anything */
export function purgeState(stateDir: string): boolean {
  if (!existsSync(stateDir)) return false;
  const names = readdirSync(stateDir).filter((name) => !keptOnPurge.has(name));
  for (const name of names) rmSync(join(stateDir, name), { recursive: true, force: true });
  return names.includes('journal');
}
