import { expect, it } from 'vitest';
import { AwsError } from '../contract.ts';
import { decideProtocol, renderAwsError } from './aws-answer.ts';
import { CborError, type CborValue, decodeCbor, encodeCbor } from './cbor.ts';

it('encodes texts of any length, as RFC 8949 has it', () => {
  expect(encodeCbor({ a: 'IETF' }).toString('hex')).toBe('a161616449455446');
  expect(encodeCbor({ a: 'ü' }).toString('hex')).toBe('a1616162c3bc');
  const head = (length: number) =>
    encodeCbor({ a: 'x'.repeat(length) })
      .toString('hex')
      .slice(6, 16);
  expect([23, 24, 255].map(head).map((hex) => hex.slice(0, 4))).toEqual(['7778', '7818', '78ff']);
  expect([256, 65_535].map(head).map((hex) => hex.slice(0, 6))).toEqual(['790100', '79ffff']);
  expect(head(65_536)).toBe('7a00010000');
});

it('reads back what it writes', () => {
  const values: readonly CborValue[] = [
    ...[0, 23, 24, 255, 256, 65_535, 65_536, 2 ** 32 - 1, 2 ** 32, -1, -24, -25, 1.5, -0.1, 1e300],
    ...[true, false, null, '', 'ü'.repeat(300), new Date(1_700_000_000_123)],
    { MetricDataQueries: [{ Id: 'm', MetricStat: { Period: 60 } }], StartTime: new Date(0) },
  ];
  for (const value of values) expect(decodeCbor(encodeCbor(value))).toEqual(value);
  expect(decodeCbor(encodeCbor({ a: undefined, b: 1 }))).toEqual({ b: 1 });
});

it('reads the examples of RFC 8949, appendix A', () => {
  const examples: readonly (readonly [hex: string, value: CborValue])[] = [
    ['1b000000e8d4a51000', 1_000_000_000_000],
    ['f93c00', 1],
    ['f97bff', 65_504],
    ['f90001', 2 ** -24],
    ['f9c400', -4],
    ['fa47c35000', 100_000],
    ['c11a514b67b0', new Date(1_363_896_240_000)],
    ['c1fb41d452d9ec200000', new Date(1_363_896_240_500)],
    ['9f018202039f0405ffff', [1, [2, 3], [4, 5]]],
    ['bf61610161629f0203ffff', { a: 1, b: [2, 3] }],
    ['7f657374726561646d696e67ff', 'streaming'],
  ];
  for (const [hex, value] of examples) expect(decodeCbor(Buffer.from(hex, 'hex'))).toEqual(value);
});

it.each(['', 'a1', '9b7fffffffffffffff', '62', '420102', 'a10102', '0001', 'ff', '81'.repeat(100)])(
  'refuses %j, whatever it claims to hold',
  (hex) => {
    expect(() => decodeCbor(Buffer.from(hex, 'hex'))).toThrow(CborError);
  },
);

it('is the protocol of an error where the client speaks it', () => {
  const headers = { 'smithy-protocol': 'rpc-v2-cbor', 'x-amzn-query-mode': 'true' };
  const protocol = decideProtocol('monitoring', headers, '/service/X/operation/PutMetricData');
  expect(protocol).toBe('cbor');
  const answer = renderAwsError(protocol, new AwsError('ThrottlingException', 'Rate exceeded'), headers);
  expect(answer.headers).toMatchObject({
    'content-type': 'application/cbor',
    'smithy-protocol': 'rpc-v2-cbor',
    'x-amzn-query-error': 'ThrottlingException;Sender',
  });
  expect(answer.body.toString()).toContain('ThrottlingException');
});
