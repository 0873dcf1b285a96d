/** Cuts a stream of bytes into lines, with long lines cut into pieces that CloudWatch Logs takes. Pure. */

/** A log event may have 262 144 bytes, 26 of which CloudWatch counts for itself. */
export const MAX_LINE_BYTES = 262_144 - 26;

const NEWLINE = 0x0a;
const CARRIAGE_RETURN = 0x0d;

export class LineSplitter {
  readonly #maxBytes: number;
  #rest: Buffer[] = [];
  #restBytes = 0;

  constructor(maxBytes: number = MAX_LINE_BYTES) {
    if (maxBytes < 4) throw new Error(`a line limit of ${maxBytes} bytes can't hold every UTF-8 character`);
    this.#maxBytes = maxBytes;
  }

  /** Lines that are complete with this chunk; empty ones are left out, as CloudWatch refuses them. */
  push(chunk: Buffer): string[] {
    const lines: string[] = [];
    let from = 0;
    // Bounded by the chunk: each round consumes at least the newline it found.
    for (let at = chunk.indexOf(NEWLINE); at >= 0; at = chunk.indexOf(NEWLINE, from)) {
      this.#keep(chunk.subarray(from, at), lines);
      this.#release(lines);
      from = at + 1;
    }
    if (from < chunk.length) this.#keep(chunk.subarray(from), lines);
    return lines;
  }

  /** The last line when it had no newline. */
  end(): string[] {
    const lines: string[] = [];
    this.#release(lines);
    return lines;
  }

  #keep(part: Buffer, lines: string[]): void {
    this.#rest.push(part);
    this.#restBytes += part.length;
    if (this.#restBytes <= this.#maxBytes) return;
    let joined = Buffer.concat(this.#rest);
    while (joined.length > this.#maxBytes) {
      const cut = characterBoundary(joined, this.#maxBytes);
      lines.push(joined.toString('utf8', 0, cut));
      joined = joined.subarray(cut);
    }
    this.#rest = [joined];
    this.#restBytes = joined.length;
  }

  #release(lines: string[]): void {
    const joined = this.#rest.length === 1 ? this.#rest[0] : Buffer.concat(this.#rest);
    this.#rest = [];
    this.#restBytes = 0;
    if (joined === undefined) return;
    const end = joined[joined.length - 1] === CARRIAGE_RETURN ? joined.length - 1 : joined.length;
    if (end > 0) lines.push(joined.toString('utf8', 0, end));
  }
}

/** The last place at or before `limit` that does not cut a UTF-8 character in two. */
function characterBoundary(bytes: Buffer, limit: number): number {
  for (let cut = limit; cut > limit - 4; cut -= 1) {
    if (((bytes[cut] ?? 0) & 0xc0) !== 0x80) return cut;
  }
  return limit; // not UTF-8 at all
}
