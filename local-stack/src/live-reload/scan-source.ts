/**
 * What the files of a source folder look like now: a fingerprint of each, to be compared with a later one. Looking again
 * and again finds every change on every file system, which notifications of the system do not.
 */
import { readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';

/** Beyond, a look takes too long; what comes later in the alphabet is not watched. */
export const MAX_FILES = 20_000;
/** Made by tools, not by people. */
const NOT_SOURCE = new Set([
  'node_modules',
  'dist',
  'build',
  'out',
  'target',
  'coverage',
  '__pycache__',
  'venv',
]);
/** Of editors, and hidden ones. */
const NOT_A_FILE = /^\.|~$|\.(?:sw[a-z]|tmp|pyc|tsbuildinfo)$/;

/** Fingerprints by path, relative to the folder. */
export type SourceScan = ReadonlyMap<string, string>;

export function scanSource(folder: string): SourceScan {
  const scan = new Map<string, string>();
  scanFolder(folder, '', scan);
  return scan;
}

function scanFolder(folder: string, prefix: string, scan: Map<string, string>): void {
  for (const entry of entriesOf(join(folder, prefix))) {
    if (scan.size >= MAX_FILES) return;
    if (NOT_A_FILE.test(entry.name)) continue;
    const path = prefix === '' ? entry.name : `${prefix}/${entry.name}`;
    if (entry.isDirectory()) {
      if (!NOT_SOURCE.has(entry.name)) scanFolder(folder, path, scan);
    } else if (entry.isFile()) {
      const found = statSync(join(folder, path), { throwIfNoEntry: false });
      if (found !== undefined) scan.set(path, `${found.mtimeMs}:${found.size}`);
    }
  }
}

/** A folder may go while it is looked at. */
function entriesOf(folder: string) {
  try {
    return readdirSync(folder, { withFileTypes: true });
  } catch {
    return [];
  }
}

/** Paths that came, went or changed; empty when nothing did. */
export function changedFiles(before: SourceScan, after: SourceScan): readonly string[] {
  const changed = [...after].filter(([path, print]) => before.get(path) !== print).map(([path]) => path);
  const gone = [...before.keys()].filter((path) => !after.has(path));
  return [...changed, ...gone].sort();
}
