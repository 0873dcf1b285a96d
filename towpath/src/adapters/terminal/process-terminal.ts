/**
 * The terminal that this process was started in, lent to a remote command: keys go there as they are typed, Ctrl-C
 * among them. However this process ends, the terminal is given back as it was.
 */
import { TowpathError } from '../../domain/errors.ts';
import type { LentTerminal } from '../../ports.ts';

/** @param interactive also takes keys; else only output is carried, and there is no input */
export function lendProcessTerminal(interactive: boolean): LentTerminal {
  const { stdin, stdout } = process;
  const raw = interactive && stdin.isTTY === true;
  const wasRaw = stdin.isRaw === true;
  const restore = () => {
    if (raw) stdin.setRawMode(wasRaw);
  };
  if (raw) {
    // The stop before the start: an exit in between must not leave a raw terminal.
    process.once('exit', restore);
    stdin.setRawMode(true);
  }
  return {
    input: raw ? stdin : undefined,
    write(bytes) {
      if (stdout.destroyed) throw new TowpathError('ABORTED', 'Standard output was closed.');
      if (bytes.length === 0 || stdout.write(bytes)) return undefined;
      return new Promise((resolve) => {
        const done = () => {
          stdout.off('drain', done).off('close', done);
          resolve();
        };
        stdout.once('drain', done).once('close', done);
      });
    },
    size() {
      return interactive && stdout.isTTY ? { columns: stdout.columns, rows: stdout.rows } : undefined;
    },
    onResize(listener) {
      stdout.on('resize', listener);
      return () => void stdout.off('resize', listener);
    },
    close() {
      process.off('exit', restore);
      restore();
      // A read that waits for a key would keep the process alive.
      if (raw) stdin.destroy();
    },
  };
}
