import { describe, expect, test } from 'vitest';
import { decideProtocol } from './aws-answer.ts';
import { buildAwsRequest, isSigned, recogniseAction, recogniseScope } from './recognise-request.ts';

const form = { 'content-type': 'application/x-www-form-urlencoded; charset=utf-8' };
const signed = (scope: string) => ({
  authorization: `AWS4-HMAC-SHA256 Credential=${scope}, SignedHeaders=host;x-amz-date, Signature=ab`,
});

describe('recogniseScope', () => {
  test.each([
    [
      'header',
      signed('AKID/20260101/eu-west-1/ecs/aws4_request'),
      '/',
      { service: 'ecs', region: 'eu-west-1', accessKeyId: 'AKID' },
    ],
    [
      'header without blanks',
      {
        authorization:
          'AWS4-HMAC-SHA256 Credential=A/20260101/us-east-1/elasticloadbalancing/aws4_request,SignedHeaders=h,Signature=s',
      },
      '/',
      { service: 'elasticloadbalancing', region: 'us-east-1', accessKeyId: 'A' },
    ],
    [
      'presigned',
      {},
      '/b/k?X-Amz-Credential=A%2F20260101%2Fus-west-2%2Fs3%2Faws4_request&X-Amz-Signature=1',
      { service: 's3', region: 'us-west-2', accessKeyId: 'A' },
    ],
    ['unsigned', {}, '/bucket/key', { service: 's3', region: 'us-east-1', accessKeyId: undefined }],
    [
      'basic',
      { authorization: 'Basic QVdTOng=' },
      '/v2/',
      { service: 's3', region: 'us-east-1', accessKeyId: undefined },
    ],
    [
      'malformed',
      signed('A/today/us-east-1/ecs'),
      '/',
      { service: 's3', region: 'us-east-1', accessKeyId: undefined },
    ],
  ])('%s', (_name, headers, url, expected) => {
    expect(recogniseScope(headers, url, 'us-east-1')).toEqual(expected);
  });

  test('only AWS signatures count as signed', () => {
    expect(isSigned(signed('A/20260101/us-east-1/ecs/aws4_request'), '/')).toBe(true);
    expect(isSigned({}, '/k?X-Amz-Credential=A')).toBe(true);
    expect(isSigned({ authorization: 'Basic eA==' }, '/v2/')).toBe(false);
  });
});

describe('recogniseAction', () => {
  test.each([
    [
      'target',
      { 'x-amz-target': 'AmazonEC2ContainerServiceV20141113.CreateService' },
      '/',
      '{}',
      'CreateService',
    ],
    ['form', form, '/', 'Version=2015-12-01&Action=CreateListener', 'CreateListener'],
    ['query', {}, '/?Action=DescribeVpcs&Version=1', '', 'DescribeVpcs'],
    ['cbor', {}, '/service/GraniteServiceVersion20100801/operation/PutMetricData', '', 'PutMetricData'],
    ['rest', {}, '/2015-03-31/functions', '', ''],
  ])('%s', (_name, headers, url, body, expected) => {
    expect(recogniseAction(headers, url, Buffer.from(body))).toBe(expected);
  });
});

test.each([
  ['ecs', { 'x-amz-target': 'X.Y' }, '/', 'json'],
  ['ec2', form, '/', 'ec2'],
  ['iam', form, '/', 'query'],
  ['sts', {}, '/?Action=GetCallerIdentity', 'query'],
  ['s3', {}, '/bucket', 'rest-xml'],
  ['s3', form, '/bucket', 'rest-xml'],
  ['lambda', {}, '/2015-03-31/functions', 'rest-json'],
])('protocol of %s', (service, headers, url, expected) => {
  expect(decideProtocol(service, headers, url)).toBe(expected);
});

describe('buildAwsRequest', () => {
  const scope = { service: 'ecs', region: 'us-east-1', accessKeyId: 'A' };
  const request = (body: string, headers: Record<string, string> = {}) =>
    buildAwsRequest({ method: 'POST', url: '/?a=1', headers }, scope, Buffer.from(body), '123456789012');

  test('an empty body is an empty object', () => {
    expect(request('').json()).toEqual({});
  });
  test.each(['{', '[]', '1', 'null'])('%s is a SerializationException', (body) => {
    expect(() => request(body).json()).toThrow(
      expect.objectContaining({ code: 'SerializationException', status: 400 }),
    );
  });
  test('a form comes from the body, else from the query', () => {
    expect(request('a=2&b=%2B', form).form().get('b')).toBe('+');
    expect(request('').form().get('a')).toBe('1');
  });
});
