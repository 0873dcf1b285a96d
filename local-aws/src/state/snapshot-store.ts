/**
 * What the parts of the embedded AWS keep besides the control plane, as one file each in `DIR/snapshots`.
 * Whole files are replaced, so that a killed process leaves the one before. Calls of the control plane are in the
 * journal; a part is saved before it answers a changing call, so that it never lags behind what a client knows.
 */
import { mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { AwsError, type Overlay } from '../contract.ts';
import { otherFormat, unreadable } from '../journal/journal-errors.ts';
import { writePrivateText } from './private-file.ts';

const snapshotFormat = 1;
/** Changes that nobody waits for (a task's state) are saved this much later at the latest. */
export const saveDelayMs = 500;

export interface SnapshotPart {
  readonly name: string;
  /** Plain JSON. */
  snapshot(): object;
  /** @throws when it is not what `snapshot` gave */
  restore(saved: object): void;
}

export interface SnapshotStore {
  /** Gives the part what was saved of it, and saves it from now on. @throws StateUnusableError */
  add(part: SnapshotPart): void;
  /** Saves soon. */
  touch(name: string): void;
  /** Saves now. @throws the file system's error, and an error after {@link SnapshotStore.close} */
  save(name: string): void;
  /** Saves everything; nothing is saved any more afterwards. */
  close(): void;
}

export function openSnapshotStore(folder: string, log: (line: string) => void): SnapshotStore {
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const parts = new Map<string, SnapshotPart>();
  const timers = new Map<string, NodeJS.Timeout>();
  const saved = new Map<string, string>();
  let closed = false;

  function save(name: string): void {
    clearTimeout(timers.get(name));
    timers.delete(name);
    const part = parts.get(name);
    if (part === undefined) return;
    if (closed) throw new Error('the embedded AWS is stopping');
    const text = JSON.stringify({ format: snapshotFormat, state: part.snapshot() });
    if (saved.get(name) === text) return;
    writePrivateText(fileOf(folder, name), text);
    saved.set(name, text);
  }

  function saveOrLog(name: string): void {
    try {
      save(name);
    } catch (error) {
      log(`state of ${name} not saved: ${error instanceof Error ? error.message : String(error)}`);
    }
  }

  return {
    add(part) {
      const file = fileOf(folder, part.name);
      const state = readSnapshot(file);
      try {
        if (state !== undefined) part.restore(state);
      } catch (cause) {
        throw unreadable(file, cause);
      }
      parts.set(part.name, part);
    },
    touch(name) {
      if (timers.has(name) || closed) return;
      timers.set(
        name,
        setTimeout(() => saveOrLog(name), saveDelayMs),
      );
    },
    save,
    close() {
      for (const name of parts.keys()) saveOrLog(name);
      closed = true;
      for (const timer of timers.values()) clearTimeout(timer);
    },
  };
}

function fileOf(folder: string, name: string): string {
  return join(folder, `${name}.json`);
}

function readSnapshot(file: string): object | undefined {
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw unreadable(file, cause);
  }
  let content: { readonly format?: unknown; readonly state?: object };
  try {
    content = JSON.parse(text) as typeof content;
  } catch (cause) {
    throw unreadable(file, cause);
  }
  if (content.format !== snapshotFormat) throw otherFormat(file, content.format, snapshotFormat);
  return content.state;
}

const looks = /^(?:Describe|Get|List|BatchGet|BatchCheck)/;

/** The overlay, with its part saved before an answer to a changing call goes out, be it a refusal. */
export function saveBeforeAnswer(overlay: Overlay, store: SnapshotStore, name: string): Overlay {
  return {
    service: overlay.service,
    async handle(request, forward) {
      if (looks.test(request.action)) return overlay.handle(request, forward);
      try {
        return await overlay.handle(request, forward);
      } finally {
        saveOrRefuse(store, name);
      }
    },
  };
}

function saveOrRefuse(store: SnapshotStore, name: string): void {
  try {
    store.save(name);
  } catch (error) {
    throw new AwsError(
      'EmbeddedStateNotWritable',
      `The embedded AWS made this change and can't save it: ${error instanceof Error ? error.message : String(error)}. Free space in its state directory, then try again.`,
    );
  }
}
