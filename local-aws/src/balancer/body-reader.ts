/** Finds where the body of a message ends, and takes chunked bodies apart. No I/O. */
import type { BodyFraming } from './message-head.ts';

/** Of a chunk's size with its extensions, and of all trailers: nobody sends more in earnest. */
const MAX_CHUNK_LINE_BYTES = 4 * 1024;
const MAX_TRAILER_BYTES = 16 * 1024;
/** Twelve hexadecimal digits are exact in a double. */
const MAX_SIZE_DIGITS = 12;

const CR = 0x0d;
const LF = 0x0a;
const SEMICOLON = 0x3b;

export class MalformedBody extends Error {
  constructor(what: string) {
    super(`malformed chunked body: ${what}`);
    this.name = 'MalformedBody';
  }
}

type ChunkState =
  | 'size'
  | 'extension'
  | 'size-lf'
  | 'data'
  | 'data-cr'
  | 'data-lf'
  | 'trailer-start'
  | 'trailer'
  | 'trailer-lf'
  | 'last-lf';

export class BodyReader {
  readonly #framing: BodyFraming;
  /** Bytes that are still to come, of the body or of the chunk. */
  #remaining = 0;
  #state: ChunkState = 'size';
  #digits = 0;
  #lineBytes = 0;
  #complete: boolean;

  constructor(framing: BodyFraming) {
    this.#framing = framing;
    this.#complete = framing.kind === 'none';
    if (framing.kind === 'length') this.#remaining = framing.bytes;
  }

  get complete(): boolean {
    return this.#complete;
  }

  /** The other side has ended its stream. @returns whether the body is whole */
  end(): boolean {
    if (this.#framing.kind === 'until-close') this.#complete = true;
    return this.#complete;
  }

  /**
   * @param onData gets the content, in order, without the framing
   * @returns where in `bytes` the body ends, or their length
   * @throws MalformedBody
   */
  read(bytes: Buffer, from: number, onData: (data: Buffer) => void): number {
    if (this.#complete || from >= bytes.length) return from;
    switch (this.#framing.kind) {
      case 'none':
        return from;
      case 'until-close':
        onData(from === 0 ? bytes : bytes.subarray(from));
        return bytes.length;
      case 'length': {
        const end = this.#content(bytes, from, onData);
        this.#complete = this.#remaining === 0;
        return end;
      }
      case 'chunked':
        return this.#chunks(bytes, from, onData);
    }
  }

  #content(bytes: Buffer, from: number, onData: (data: Buffer) => void): number {
    const end = Math.min(bytes.length, from + this.#remaining);
    this.#remaining -= end - from;
    onData(from === 0 && end === bytes.length ? bytes : bytes.subarray(from, end));
    return end;
  }

  #chunks(bytes: Buffer, from: number, onData: (data: Buffer) => void): number {
    let at = from;
    while (at < bytes.length && !this.#complete) {
      if (this.#state === 'data') {
        at = this.#content(bytes, at, onData);
        if (this.#remaining === 0) this.#state = 'data-cr';
      } else {
        this.#framingByte(bytes[at] ?? 0);
        at += 1;
      }
    }
    return at;
  }

  /** Every line ends with CR and LF together; either alone is what parsers disagree about. */
  #framingByte(byte: number): void {
    switch (this.#state) {
      case 'size':
        this.#sizeByte(byte);
        return;
      case 'extension':
        if (byte === CR) this.#state = 'size-lf';
        else this.#lineByte(byte, MAX_CHUNK_LINE_BYTES);
        return;
      case 'size-lf':
        expect(byte, LF, 'a size line that does not end with CRLF');
        this.#lineBytes = 0;
        this.#digits = 0;
        this.#state = this.#remaining === 0 ? 'trailer-start' : 'data';
        return;
      case 'data-cr':
        expect(byte, CR, 'a chunk longer than its size');
        this.#state = 'data-lf';
        return;
      case 'data-lf':
        expect(byte, LF, 'a chunk that does not end with CRLF');
        this.#state = 'size';
        return;
      case 'trailer-start':
        if (byte === CR) this.#state = 'last-lf';
        else {
          this.#lineByte(byte, MAX_TRAILER_BYTES);
          this.#state = 'trailer';
        }
        return;
      case 'trailer':
        if (byte === CR) this.#state = 'trailer-lf';
        else this.#lineByte(byte, MAX_TRAILER_BYTES);
        return;
      case 'trailer-lf':
        expect(byte, LF, 'a trailer that does not end with CRLF');
        this.#state = 'trailer-start';
        return;
      case 'last-lf':
        expect(byte, LF, 'an end without CRLF');
        this.#complete = true;
        return;
      case 'data':
        return;
    }
  }

  #sizeByte(byte: number): void {
    const digit = hexDigit(byte);
    if (digit >= 0) {
      this.#digits += 1;
      if (this.#digits > MAX_SIZE_DIGITS) throw new MalformedBody('a size beyond all measure');
      this.#remaining = this.#remaining * 16 + digit;
      return;
    }
    if (this.#digits === 0) throw new MalformedBody('no size');
    if (byte === CR) this.#state = 'size-lf';
    else if (byte === SEMICOLON) this.#state = 'extension';
    else throw new MalformedBody('a size that is no hexadecimal number');
  }

  #lineByte(byte: number, limit: number): void {
    this.#lineBytes += 1;
    if (byte === LF || byte === 0) throw new MalformedBody('a line with LF or NUL inside');
    if (this.#lineBytes > limit) throw new MalformedBody(`a line of more than ${limit} bytes`);
  }
}

function expect(byte: number, wanted: number, otherwise: string): void {
  if (byte !== wanted) throw new MalformedBody(otherwise);
}

function hexDigit(byte: number): number {
  if (byte >= 0x30 && byte <= 0x39) return byte - 0x30;
  const lower = byte | 0x20;
  return lower >= 0x61 && lower <= 0x66 ? lower - 0x57 : -1;
}
