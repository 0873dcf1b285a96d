import { expect, test } from 'vitest';
import { AwsError } from '../contract.ts';
import { jsonAnswer, queryAnswer, renderAwsError } from './aws-answer.ts';
import { readAwsError } from './control-plane.ts';
import { decideUnsupported } from './decide-unsupported.ts';
import { decideForeignOrigin } from './foreign-origin.ts';
import { forwardedHeaders } from './forwarded-headers.ts';

const error = new AwsError('SomeException', 'a <b> & "c"', 404);

test.each(['json', 'query', 'ec2', 'rest-xml'] as const)(
  'an error in %s reads back as the same error',
  (protocol) => {
    const { status, body } = renderAwsError(protocol, error);
    expect(status).toBe(404);
    expect(readAwsError('s', 'A', status, body.toString())).toMatchObject({
      code: error.code,
      message: error.message,
      status: 404,
    });
  },
);

test('rest-json carries the code in a header', () => {
  const { headers, body } = renderAwsError('rest-json', error);
  expect([headers['x-amzn-errortype'], JSON.parse(body.toString())]).toEqual([
    'SomeException',
    { message: error.message },
  ]);
});

test('clients in query mode get the old code, and the content type that they speak', () => {
  const sent = { 'x-amzn-query-mode': 'true', 'content-type': 'application/x-amz-json-1.0' };
  expect(renderAwsError('json', error, sent).headers).toMatchObject({
    'content-type': 'application/x-amz-json-1.0',
    'x-amzn-query-error': 'SomeException;Sender',
  });
});

test('answers', () => {
  expect(jsonAnswer({ a: 1, b: undefined }).body).toBe('{"a":1}');
  expect(queryAnswer('Do', 'ns', '<X/>').body).toMatch(
    /^<DoResponse xmlns="ns"><DoResult><X\/><\/DoResult><ResponseMetadata>/,
  );
});

test('an answer that is no AWS error names what was called', () => {
  expect(readAwsError('ecs', 'Do', 502, '<html>').message).toContain('ecs Do with HTTP 502');
});

const headers = { 'x-amz-target': 'T.Do' };
test.each([
  ['crash page', 'ecs', headers, 500, 'text/html; charset=utf-8', 'UnknownOperationException'],
  ['not implemented', 'ecs', headers, 501, 'application/json', 'UnknownOperationException'],
  ['unknown path', 'lambda', {}, 404, 'text/html', 'NotImplemented'],
  [
    'query service',
    'iam',
    { 'content-type': 'application/x-www-form-urlencoded' },
    500,
    'text/html',
    'InvalidAction',
  ],
  ['missing S3 page', 's3', {}, 404, 'text/html', undefined],
  ['real 500', 'ecs', headers, 500, 'application/x-amz-json-1.1', undefined],
  ['real 404', 'lambda', {}, 404, 'application/json', undefined],
  ['fine', 's3', {}, 200, 'text/html', undefined],
])('unsupported: %s', (_name, service, sent, status, contentType, code) => {
  const request = { service, action: 'Do', method: 'POST', url: '/x', headers: sent };
  const decided = decideUnsupported(request, status, contentType);
  expect([decided?.code, decided?.status]).toEqual([code, code === undefined ? undefined : 400]);
});

test.each([
  [{ host: '127.0.0.1:4700' }, true],
  [{ host: '127.3.101.7:4700' }, true],
  [{ host: 'localhost:4700' }, true],
  [{ host: 'bucket.localhost:4700' }, true],
  [{ host: '[::1]:4700' }, true],
  [{}, true],
  [{ host: 'evil.example:4700' }, false],
  [{ host: '127.0.0.1.evil.example' }, false],
  [{ host: '127.0.0.1', origin: 'http://localhost:5173' }, true],
  [{ host: '127.0.0.1', origin: 'https://evil.example' }, false],
  [{ host: '127.0.0.1', origin: 'null' }, false],
])('origin %j is let in: %s', (sent, allowed) => {
  expect(decideForeignOrigin(sent) === undefined).toBe(allowed);
});

test('headers of the connection stay behind, all others pass unchanged', () => {
  const raw = [
    'Host',
    'h',
    'Connection',
    'close',
    'X-A',
    '1',
    'x-a',
    '2',
    'Content-Length',
    '3',
    'Expect',
    '100-continue',
  ];
  expect(forwardedHeaders(raw, false)).toEqual(['Host', 'h', 'X-A', '1', 'x-a', '2', 'Content-Length', '3']);
  expect(forwardedHeaders(raw, true)).toEqual(['Host', 'h', 'X-A', '1', 'x-a', '2']);
});
