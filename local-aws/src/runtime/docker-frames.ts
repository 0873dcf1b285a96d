/** Takes apart the stream of an attached container without a terminal: frames of standard output and error. */
import type { Readable, Writable } from 'node:stream';

const HEADER_BYTES = 8;
const STDERR = 2;

/** Cuts frames out of chunks, wherever those are cut. Pure but for what it has kept. */
export class FrameSplitter {
  #rest: Buffer = Buffer.alloc(0);
  #left = 0;
  #stream = 0;

  push(chunk: Buffer): { readonly stderr: boolean; readonly bytes: Buffer }[] {
    const frames: { stderr: boolean; bytes: Buffer }[] = [];
    this.#rest = this.#rest.length === 0 ? chunk : Buffer.concat([this.#rest, chunk]);
    // Each round consumes a header or a part of a frame.
    while (this.#rest.length > 0) {
      if (this.#left === 0) {
        if (this.#rest.length < HEADER_BYTES) break;
        this.#stream = this.#rest[0] ?? 0;
        this.#left = this.#rest.readUInt32BE(4);
        this.#rest = this.#rest.subarray(HEADER_BYTES);
        continue;
      }
      const bytes = this.#rest.subarray(0, this.#left);
      this.#rest = this.#rest.subarray(bytes.length);
      this.#left -= bytes.length;
      frames.push({ stderr: this.#stream === STDERR, bytes });
    }
    return frames;
  }
}

/** Ends both outputs with the source. A slow reader of one makes the source wait. */
export function pipeFrames(source: Readable, stdout: Writable, stderr: Writable): void {
  const splitter = new FrameSplitter();
  source.on('data', (chunk: Buffer) => {
    for (const { stderr: isError, bytes } of splitter.push(chunk)) {
      const output = isError ? stderr : stdout;
      if (output.write(bytes)) continue;
      source.pause();
      output.once('drain', () => source.resume());
    }
  });
  source.on('error', () => {}); // 'close' follows
  source.once('close', () => {
    stdout.end();
    stderr.end();
  });
  source.once('end', () => source.destroy());
}
