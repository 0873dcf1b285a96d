/**
 * The part of CBOR (RFC 8949) that AWS's clients and services exchange: maps with text keys, arrays, texts, numbers,
 * booleans, nothing and points in time (tag 1). Pure.
 */
export type CborValue =
  | undefined
  | null
  | boolean
  | number
  | string
  | Date
  | readonly CborValue[]
  | { readonly [name: string]: CborValue };

const UNSIGNED = 0;
const NEGATIVE = 1;
const BYTES = 2;
const TEXT = 3;
const ARRAY = 4;
const MAP = 5;
const TAG = 6;
const SIMPLE = 7;

const FALSE = 20;
const TRUE = 21;
const NULL = 22;
const HALF = 25;
const SINGLE = 26;
const DOUBLE = 27;
/** The length is not told; what belongs to it goes on until a break. */
const INDEFINITE = 31;
const BREAK = 0xff;
/** Seconds since the epoch. */
const EPOCH_TAG = 1;

const maxDepth = 64;

export class CborError extends Error {}

/** Members that are undefined are left out, as in JSON. */
export function encodeCbor(value: CborValue): Buffer {
  if (value === undefined || value === null) return encodeHead(SIMPLE, NULL);
  if (typeof value === 'boolean') return encodeHead(SIMPLE, value ? TRUE : FALSE);
  if (typeof value === 'number') return encodeNumber(value);
  if (typeof value === 'string') {
    const bytes = Buffer.from(value, 'utf8');
    return Buffer.concat([encodeHead(TEXT, bytes.length), bytes]);
  }
  if (value instanceof Date)
    return Buffer.concat([encodeHead(TAG, EPOCH_TAG), encodeNumber(value.getTime() / 1_000)]);
  if (isArray(value)) return Buffer.concat([encodeHead(ARRAY, value.length), ...value.map(encodeCbor)]);
  const entries = Object.entries(value).filter(([, member]) => member !== undefined);
  return Buffer.concat([encodeHead(MAP, entries.length), ...entries.flat().map(encodeCbor)]);
}

function isArray(value: object): value is readonly CborValue[] {
  return Array.isArray(value);
}

function encodeNumber(value: number): Buffer {
  if (Number.isSafeInteger(value) && Math.abs(value) < 2 ** 32 && !Object.is(value, -0))
    return value >= 0 ? encodeHead(UNSIGNED, value) : encodeHead(NEGATIVE, -1 - value);
  const bytes = Buffer.alloc(9);
  bytes[0] = (SIMPLE << 5) | DOUBLE;
  bytes.writeDoubleBE(value, 1);
  return bytes;
}

/** A number below 24 stands in the first byte, else in the one, two or four bytes after it. */
function encodeHead(kind: number, argument: number): Buffer {
  const first = kind << 5;
  if (argument < 24) return Buffer.from([first | argument]);
  if (argument < 0x100) return Buffer.from([first | 24, argument]);
  const head = Buffer.alloc(argument < 0x1_0000 ? 3 : 5);
  head[0] = first | (head.length === 3 ? 25 : 26);
  if (head.length === 3) head.writeUInt16BE(argument, 1);
  else head.writeUInt32BE(argument, 1);
  return head;
}

/** @throws CborError for what is cut off, nested too deeply or not of these kinds */
export function decodeCbor(bytes: Buffer): CborValue {
  const decoding = new Decoding(bytes);
  const value = decoding.value(0);
  if (decoding.at < bytes.length) throw new CborError(`${bytes.length - decoding.at} byte(s) too many`);
  return value;
}

class Decoding {
  readonly #bytes: Buffer;
  at = 0;

  constructor(bytes: Buffer) {
    this.#bytes = bytes;
  }

  value(depth: number): CborValue {
    if (depth > maxDepth) throw new CborError(`nested deeper than ${maxDepth}`);
    const first = this.#take(1)[0] ?? 0;
    const [kind, low] = [first >> 5, first & 31];
    switch (kind) {
      case UNSIGNED:
        return this.#argument(low);
      case NEGATIVE:
        return -1 - this.#argument(low);
      case TEXT:
        return this.#text(low, depth);
      case ARRAY:
        return this.#items(low, () => this.value(depth + 1));
      case MAP:
        return Object.fromEntries(this.#items(low, () => [this.#key(depth), this.value(depth + 1)]));
      case TAG:
        return this.#tagged(this.#argument(low), depth);
      case SIMPLE:
        return this.#simple(low);
      default:
        throw new CborError(`kind ${kind === BYTES ? 'bytes' : kind} was not expected`);
    }
  }

  #take(count: number): Buffer {
    if (this.at + count > this.#bytes.length) throw new CborError('it is cut off');
    const taken = this.#bytes.subarray(this.at, this.at + count);
    this.at += count;
    return taken;
  }

  #argument(low: number): number {
    if (low < 24) return low;
    if (low === 24) return this.#take(1).readUInt8();
    if (low === 25) return this.#take(2).readUInt16BE();
    if (low === 26) return this.#take(4).readUInt32BE();
    if (low === 27) return Number(this.#take(8).readBigUInt64BE());
    throw new CborError(`a length of kind ${low} was not expected`);
  }

  #items<T>(low: number, read: () => T): T[] {
    const items: T[] = [];
    // Every item takes a byte or more: what claims to be longer than the input ends by being cut off.
    const count = low === INDEFINITE ? Number.POSITIVE_INFINITY : this.#argument(low);
    while (items.length < count) {
      if (low === INDEFINITE && this.#bytes[this.at] === BREAK) {
        this.at += 1;
        break;
      }
      items.push(read());
    }
    return items;
  }

  #key(depth: number): string {
    const key = this.value(depth + 1);
    if (typeof key !== 'string') throw new CborError('a key that is no text');
    return key;
  }

  #text(low: number, depth: number): string {
    if (low !== INDEFINITE) return this.#take(this.#argument(low)).toString('utf8');
    return this.#items(low, () => this.#key(depth)).join('');
  }

  #tagged(tag: number, depth: number): CborValue {
    const value = this.value(depth + 1);
    if (tag !== EPOCH_TAG) return value;
    if (typeof value !== 'number') throw new CborError('a time that is no number');
    return new Date(value * 1_000);
  }

  #simple(low: number): CborValue {
    if (low === FALSE || low === TRUE) return low === TRUE;
    if (low === NULL || low === NULL + 1) return low === NULL ? null : undefined;
    if (low === HALF) return readHalf(this.#take(2).readUInt16BE());
    if (low === SINGLE) return this.#take(4).readFloatBE();
    if (low === DOUBLE) return this.#take(8).readDoubleBE();
    throw new CborError(`the simple value ${low} was not expected`);
  }
}

/** RFC 8949, appendix D. */
function readHalf(half: number): number {
  const exponent = (half >> 10) & 0x1f;
  const mantissa = half & 0x3ff;
  const sign = half & 0x8000 ? -1 : 1;
  if (exponent === 0) return sign * mantissa * 2 ** -24;
  if (exponent === 31) return mantissa === 0 ? sign * Number.POSITIVE_INFINITY : Number.NaN;
  return sign * (mantissa + 1_024) * 2 ** (exponent - 25);
}
