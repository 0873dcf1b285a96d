/** Files that only their owner may read, replaced as a whole so that no reader sees half of one. */
import { randomUUID } from 'node:crypto';
import { renameSync, rmSync, writeFileSync } from 'node:fs';

export function writePrivateFile(file: string, value: unknown): void {
  writePrivateText(file, `${JSON.stringify(value, undefined, 2)}\n`);
}

export function writePrivateText(file: string, text: string): void {
  const draft = `${file}.${randomUUID()}`;
  try {
    writeFileSync(draft, text, { mode: 0o600, flag: 'wx' });
    renameSync(draft, file);
  } catch (error) {
    rmSync(draft, { force: true });
    throw error;
  }
}
