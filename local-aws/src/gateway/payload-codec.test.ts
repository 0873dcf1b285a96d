import { expect, test } from 'vitest';
import type { AwsRequest } from '../contract.ts';
import { decodeCbor, encodeCbor } from './cbor.ts';
import { NamedValues, readPayload, renderPayload } from './payload-codec.ts';
import { buildAwsRequest, type Headers } from './recognise-request.ts';

function request(headers: Headers, body: string | Buffer, url = '/'): AwsRequest {
  const scope = { service: 'monitoring', region: 'us-east-1', accessKeyId: undefined };
  return buildAwsRequest({ method: 'POST', url, headers }, scope, Buffer.from(body), '1');
}
const form = { 'content-type': 'application/x-www-form-urlencoded; charset=utf-8' };
const json = { 'content-type': 'application/x-amz-json-1.0', 'x-amz-target': 'T.Get' };
const cbor = { 'smithy-protocol': 'rpc-v2-cbor' };

test('one question in three protocols', () => {
  const query =
    'Action=Get&Queries.member.2.Id=b&Queries.member.1.Stat.Period=60&Queries.member.1.Id=a&Queries.member.10.Id=c';
  expect(readPayload(request(form, query))).toEqual({
    Action: 'Get',
    Queries: [{ Stat: { Period: '60' }, Id: 'a' }, { Id: 'b' }, { Id: 'c' }],
  });
  const asked = { Queries: [{ Id: 'a', Stat: { Period: 60 } }] };
  expect(readPayload(request(json, JSON.stringify(asked)))).toEqual(asked);
  expect(readPayload(request(cbor, encodeCbor(asked)))).toEqual(asked);
});

test.each([
  [form, `${'a.'.repeat(5_000)}a=1`],
  [json, '{'],
  [cbor, 'not CBOR'],
])('what is malformed is told: %j', (headers, body) => {
  expect(() => readPayload(request(headers, body))).toThrow(
    expect.objectContaining({ code: 'SerializationException' }),
  );
});

test('a path that names a prototype changes nothing', () => {
  readPayload(request(form, '__proto__.polluted=1&constructor.prototype.polluted=1'));
  expect(({} as { polluted?: string }).polluted).toBeUndefined();
});

test('one answer in three protocols', () => {
  const answer = {
    Points: [{ At: new Date(1_500), Unit: '<s>', Values: new NamedValues({ p95: 0.5 }) }],
    None: undefined,
  };
  const body = (headers: Headers) =>
    renderPayload(request(headers, '', '/service/G/operation/Get'), 'ns', answer).body;
  expect(body(form).toString()).toMatch(
    /<GetResult><Points><member><At>1970-01-01T00:00:01.500Z<\/At><Unit>&lt;s&gt;<\/Unit><Values><entry><key>p95<\/key><value>0.5<\/value><\/entry><\/Values><\/member><\/Points><\/GetResult>/,
  );
  expect(JSON.parse(body(json).toString())).toEqual({
    Points: [{ At: 1.5, Unit: '<s>', Values: { p95: 0.5 } }],
  });
  expect(decodeCbor(body(cbor) as Buffer)).toEqual({
    Points: [{ At: new Date(1_500), Unit: '<s>', Values: { p95: 0.5 } }],
  });
});
