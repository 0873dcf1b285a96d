/** Messages of a data channel against bytes laid out by hand, and as anything that a network may make of them. */
import { createHash } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  type AgentMessage,
  MAX_PAYLOAD_BYTES,
  parseJsonPayload,
  parseMessage,
  renderMessage,
} from './agent-message.ts';

const messages: fc.Arbitrary<AgentMessage> = fc.record({
  type: fc.constantFrom('input_stream_data', 'output_stream_data', 'acknowledge', 'channel_closed'),
  sequence: fc.maxSafeNat(),
  flags: fc.nat(3),
  id: fc.uuid(),
  createdAt: fc.maxSafeNat(),
  payloadType: fc.nat(2 ** 32 - 1),
  payload: fc.uint8Array({ maxLength: 2_048 }).map((bytes) => Buffer.from(bytes)),
});
const sample: AgentMessage = {
  type: 'output_stream_data',
  sequence: 7,
  flags: 1,
  id: 'dd01e56b-ff48-483e-a508-b5f073f31b16',
  createdAt: 1_503_434_274_948,
  payloadType: 1,
  payload: Buffer.from('hello'),
};

/** Written by AWS's layout, by hand: type `acknowledge`, sequence 1, an empty payload. */
const byHand = Buffer.concat([
  Buffer.from('00000074', 'hex'),
  Buffer.from('acknowledge'.padEnd(32)),
  Buffer.from('00000001' + '0000015e0d5d2c44' + '0000000000000001' + '0000000000000003', 'hex'),
  Buffer.from('a508b5f073f31b16dd01e56bff48483e', 'hex'),
  Buffer.from('e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855', 'hex'),
  Buffer.from('00000000' + '00000000', 'hex'),
]);

describe('a message', () => {
  it('is read as AWS lays it out', () => {
    const message = parseMessage(byHand);
    expect(message).toMatchObject({
      type: 'acknowledge',
      sequence: 1,
      flags: 3,
      id: 'dd01e56b-ff48-483e-a508-b5f073f31b16',
      payloadType: 0,
    });
    if (message !== undefined) expect(renderMessage(message)).toEqual(byHand);
  });

  it('lies in the bytes where the plugin looks for it', () => {
    const bytes = renderMessage(sample);
    expect(bytes.readUInt32BE(0)).toBe(116);
    expect(bytes.toString('latin1', 4, 36)).toBe('output_stream_data              ');
    expect(bytes.readUInt32BE(36)).toBe(1);
    expect(bytes.readBigUInt64BE(40)).toBe(1_503_434_274_948n);
    expect(bytes.readBigInt64BE(48)).toBe(7n);
    expect(bytes.readBigUInt64BE(56)).toBe(1n);
    expect(bytes.toString('hex', 64, 80)).toBe('a508b5f073f31b16dd01e56bff48483e');
    expect(bytes.toString('hex', 80, 112)).toBe(createHash('sha256').update('hello').digest('hex'));
    expect(bytes.readUInt32BE(112)).toBe(1);
    expect(bytes.readUInt32BE(116)).toBe(5);
    expect(bytes.toString('utf8', 120)).toBe('hello');
  });

  it('comes back as it went', () => {
    fc.assert(
      fc.property(messages, (message) => {
        expect(parseMessage(renderMessage(message))).toEqual(message);
      }),
    );
  });

  it('is none when any part of it is missing', () => {
    const bytes = renderMessage(sample);
    for (let length = 0; length < bytes.length; length += 1)
      expect(parseMessage(bytes.subarray(0, length))).toBeUndefined();
    expect(parseMessage(Buffer.concat([bytes, Buffer.from('x')]))).toBeUndefined();
  });

  it('is none when a bit of its payload is another', () => {
    fc.assert(
      fc.property(fc.nat(sample.payload.length - 1), fc.integer({ min: 1, max: 255 }), (at, flip) => {
        const bytes = renderMessage(sample);
        bytes.writeUInt8(bytes.readUInt8(120 + at) ^ flip, 120 + at);
        expect(parseMessage(bytes)).toBeUndefined();
      }),
    );
  });

  it('is read whatever comes, without a crash', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 400 }), (bytes) => {
        parseMessage(Buffer.from(bytes));
      }),
    );
    const head = fc.tuple(fc.nat(), fc.uint8Array({ minLength: 120, maxLength: 400 }));
    fc.assert(
      fc.property(head, ([headerLength, rest]) => {
        const bytes = Buffer.concat([Buffer.alloc(4), Buffer.from(rest)]);
        bytes.writeUInt32BE(headerLength % 500);
        parseMessage(bytes);
      }),
    );
  });

  it('has a bounded payload', () => {
    expect(() => renderMessage({ ...sample, payload: Buffer.alloc(MAX_PAYLOAD_BYTES + 1) })).toThrow(
      RangeError,
    );
    expect(() => renderMessage({ ...sample, id: 'x' })).toThrow(RangeError);
    expect(() => renderMessage({ ...sample, type: 'x'.repeat(33) })).toThrow(RangeError);
  });

  it('holds a JSON object or none', () => {
    expect(parseJsonPayload(Buffer.from('{"a":1}'))).toEqual({ a: 1 });
    for (const text of ['', '1', 'null', '[]', '{', '\u0000'])
      expect(parseJsonPayload(Buffer.from(text))).toBeUndefined();
  });

  it('that is damaged or cut off is no crash', () => {
    const damage = fc.array(fc.tuple(fc.nat(), fc.nat(255)), { maxLength: 6 });
    fc.assert(
      fc.property(messages, damage, fc.nat(), (message, changes, length) => {
        const bytes = renderMessage(message);
        for (const [at, value] of changes) bytes.writeUInt8(value, at % bytes.length);
        parseMessage(bytes.subarray(0, length % (bytes.length + 1)));
        parseMessage(bytes);
      }),
    );
  });
});
