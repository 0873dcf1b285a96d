/**
 * Messages of an SSM Session Manager data channel as bytes, the way AWS's session-manager-plugin reads and writes
 * them (github.com/aws/session-manager-plugin, src/message). Pure. All numbers are big-endian:
 *
 * | bytes | field                                          |
 * |------:|------------------------------------------------|
 * |     4 | header length: all before the payload's length |
 * |    32 | message type, padded with blanks               |
 * |     4 | schema version                                 |
 * |     8 | created, milliseconds since the epoch          |
 * |     8 | sequence number                                |
 * |     8 | flags: 1 first of a stream, 2 last of it       |
 * |    16 | message id: a UUID, its halves swapped         |
 * |    32 | SHA-256 of the payload                         |
 * |     4 | payload type                                   |
 * |     4 | payload length                                 |
 * |     n | payload                                        |
 *
 * Both ends use it, `towpath exec` and the embedded AWS: what proves it right are bytes laid out by hand in its test.
 */
import { createHash } from 'node:crypto';

export type MessageType = 'input_stream_data' | 'output_stream_data' | 'acknowledge' | 'channel_closed';

export const PAYLOAD_TYPE = {
  /** Bytes of the terminal, in either direction. */
  output: 1,
  size: 3,
  handshakeRequest: 5,
  handshakeResponse: 6,
  handshakeComplete: 7,
  flag: 10,
  /** Sent instead of `output` in sessions without a terminal, which ECS Exec does not open today. */
  standardError: 11,
  exitCode: 12,
} as const;

/** In a payload of type flag. */
export const TERMINATE_SESSION = 2;

export interface AgentMessage {
  readonly type: string;
  readonly sequence: number;
  readonly flags: number;
  /** A UUID with dashes. */
  readonly id: string;
  /** Milliseconds since the epoch. */
  readonly createdAt: number;
  readonly payloadType: number;
  readonly payload: Buffer;
}

const AT = {
  type: 4,
  version: 36,
  created: 40,
  sequence: 48,
  flags: 56,
  id: 64,
  digest: 80,
  payloadType: 112,
  payloadLength: 116,
} as const;
const SCHEMA_VERSION = 1;
const TYPE_BYTES = 32;
const HEAD_BYTES = AT.payloadLength + 4;
/** Header fields that a later version may add lie before the payload's length. */
const MAX_HEADER_BYTES = 4096;
export const MAX_PAYLOAD_BYTES = 64 * 1024;
const UUID_PATTERN = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;

/** @throws RangeError for a message that the format can't hold */
export function renderMessage(message: AgentMessage): Buffer {
  const { payload } = message;
  if (payload.length > MAX_PAYLOAD_BYTES) throw new RangeError(`a payload of ${payload.length} bytes`);
  if (Buffer.byteLength(message.type) > TYPE_BYTES) throw new RangeError(`message type ${message.type}`);
  if (!UUID_PATTERN.test(message.id)) throw new RangeError(`message id ${message.id}`);
  const bytes = Buffer.alloc(HEAD_BYTES + payload.length);
  bytes.writeUInt32BE(AT.payloadLength, 0);
  bytes.write(message.type.padEnd(TYPE_BYTES), AT.type, 'utf8');
  bytes.writeUInt32BE(SCHEMA_VERSION, AT.version);
  bytes.writeBigUInt64BE(BigInt(message.createdAt), AT.created);
  bytes.writeBigInt64BE(BigInt(message.sequence), AT.sequence);
  bytes.writeBigUInt64BE(BigInt(message.flags), AT.flags);
  swapHalves(Buffer.from(message.id.replaceAll('-', ''), 'hex')).copy(bytes, AT.id);
  sha256(payload).copy(bytes, AT.digest);
  bytes.writeUInt32BE(message.payloadType, AT.payloadType);
  bytes.writeUInt32BE(payload.length, AT.payloadLength);
  payload.copy(bytes, HEAD_BYTES);
  return bytes;
}

/** @returns undefined for bytes that are no message, or one whose payload is not what its digest says */
export function parseMessage(bytes: Buffer): AgentMessage | undefined {
  if (bytes.length < HEAD_BYTES) return undefined;
  const headerLength = bytes.readUInt32BE(0);
  const payloadAt = headerLength + 4;
  if (headerLength < AT.payloadLength || headerLength > MAX_HEADER_BYTES || payloadAt > bytes.length)
    return undefined;
  const payload = bytes.subarray(payloadAt);
  if (bytes.readUInt32BE(headerLength) !== payload.length || payload.length > MAX_PAYLOAD_BYTES)
    return undefined;
  if (!sha256(payload).equals(bytes.subarray(AT.digest, AT.digest + 32))) return undefined;
  const [sequence, flags, createdAt] = [
    bytes.readBigInt64BE(AT.sequence),
    bytes.readBigUInt64BE(AT.flags),
    bytes.readBigUInt64BE(AT.created),
  ].map(Number);
  if (sequence === undefined || flags === undefined || createdAt === undefined) return undefined;
  if (![sequence, flags, createdAt].every(Number.isSafeInteger)) return undefined;
  const id = swapHalves(bytes.subarray(AT.id, AT.digest)).toString('hex');
  return {
    type: bytes
      .toString('utf8', AT.type, AT.version)
      .replace(/[\0 ]+$/, '')
      .trim(),
    sequence,
    flags,
    createdAt,
    id: `${id.slice(0, 8)}-${id.slice(8, 12)}-${id.slice(12, 16)}-${id.slice(16, 20)}-${id.slice(20)}`,
    payloadType: bytes.readUInt32BE(AT.payloadType),
    payload,
  };
}

/** @returns undefined for a payload that is no JSON object */
export function parseJsonPayload(payload: Buffer): Readonly<Record<string, unknown>> | undefined {
  try {
    const value: unknown = JSON.parse(payload.toString('utf8'));
    return typeof value === 'object' && value !== null && !Array.isArray(value)
      ? (value as Record<string, unknown>)
      : undefined;
  } catch {
    return undefined;
  }
}

/** A UUID goes over the wire as two 64-bit numbers, the less significant one first. */
function swapHalves(uuid: Buffer): Buffer {
  return Buffer.concat([uuid.subarray(8, 16), uuid.subarray(0, 8)]);
}

function sha256(payload: Buffer): Buffer {
  return createHash('sha256').update(payload).digest();
}
