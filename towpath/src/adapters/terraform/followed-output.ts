/**
 * Output of a program by way of a file without a name, read while it is written. A pipe breaks when its reader is
 * killed, and a Go program that writes to a broken standard output dies on the spot: Terraform would lose the state of
 * an apply under way. A file stays.
 */
import { closeSync, mkdirSync, openSync, read, unlinkSync } from 'node:fs';
import { join } from 'node:path';
import { StringDecoder } from 'node:string_decoder';
import { promisify } from 'node:util';

const readAt = promisify(read);

const POLL_MS = 50;
const CHUNK_BYTES = 64 * 1024;

export interface FollowedOutput {
  /** To be the program's standard output or error. */
  readonly fd: number;
  /** To be called when the program has ended: reads the rest, and closes the file. */
  finish(): Promise<void>;
}

let count = 0;

/**
 * @param folder where files may be made, private to this user
 * @param onText gets the text as it comes, in pieces of any length
 */
export function followOutput(folder: string, onText: (text: string) => void): FollowedOutput {
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  count += 1;
  const file = join(folder, `output-${process.pid}-${count}`);
  const fd = openSync(file, 'wx+', 0o600);
  // Gone with the last process that has it open.
  unlinkSync(file);
  const decoder = new StringDecoder('utf8');
  const chunk = Buffer.alloc(CHUNK_BYTES);
  let position = 0;
  const readOn = async () => {
    // Bounded by what the program has written by now and writes meanwhile.
    for (;;) {
      const { bytesRead } = await readAt(fd, chunk, 0, chunk.length, position);
      if (bytesRead === 0) return;
      position += bytesRead;
      onText(decoder.write(chunk.subarray(0, bytesRead)));
    }
  };
  let reading: Promise<void> = Promise.resolve();
  let busy = false;
  const timer = setInterval(() => {
    if (busy) return;
    busy = true;
    reading = readOn().finally(() => {
      busy = false;
    });
    // Told by `finish`, which waits for it.
    reading.catch(() => undefined);
  }, POLL_MS);
  return {
    fd,
    async finish() {
      clearInterval(timer);
      try {
        await reading;
        await readOn();
        onText(decoder.end());
      } finally {
        closeSync(fd);
      }
    },
  };
}

/** Makes lines of pieces of text. @returns what takes the pieces; `end` gives the last line where it has no end of its own */
export function splitLines(onLine: (line: string) => void): {
  readonly take: (text: string) => void;
  readonly end: () => void;
} {
  let rest = '';
  return {
    take(text) {
      const lines = (rest + text).split(/\r?\n/);
      rest = lines.pop() ?? '';
      for (const line of lines) onLine(line);
    },
    end() {
      if (rest !== '') onLine(rest);
      rest = '';
    },
  };
}
