/** The daemon's log file: readable by its owner, bounded in size, never the cause of a failure. */
import { appendFileSync, writeFileSync } from 'node:fs';

const maxLogBytes = 20 * 1024 * 1024;

/** Begins a new file. @returns a function that appends a line with its time */
export function openDaemonLog(file: string): (line: string) => void {
  let bytes = 0;
  writeFileSync(file, '', { mode: 0o600 });
  return (line) => {
    const entry = `${new Date().toISOString()} ${line}\n`;
    bytes += Buffer.byteLength(entry);
    try {
      if (bytes <= maxLogBytes) appendFileSync(file, entry);
      else if (bytes - Buffer.byteLength(entry) <= maxLogBytes)
        appendFileSync(file, `log ends at ${maxLogBytes} bytes\n`);
    } catch {
      // A full disk or a removed state directory must not stop what is running.
    }
  };
}
