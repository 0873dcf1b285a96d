import { describe, expect, it } from 'vitest';
import { TowpathError } from '../../domain/errors.ts';
import { callAwsOrAbsent, isAwsError, statusOf, translateAwsError } from './errors.ts';

const AWS = { endpoint: undefined, profile: undefined };
const LOCAL = { endpoint: 'http://127.0.0.1:4700', profile: undefined };

function vendor(name: string, message = name, extra: object = {}): Error {
  return Object.assign(new Error(message), { name, ...extra });
}

const metadata = (httpStatusCode: number, more: object = {}) => ({
  $metadata: { httpStatusCode, requestId: 'req-1', ...more },
});

describe('an error of AWS', () => {
  it.each([
    [
      vendor('CredentialsProviderError', 'Could not load credentials from any providers'),
      'NO_CREDENTIALS',
      /Could not load/,
      /aws configure sso.*AWS_PROFILE.*--local/,
    ],
    [
      vendor('UnrecognizedClientException', 'bad', metadata(400)),
      'NO_CREDENTIALS',
      /does not accept.*UnrecognizedClientException/,
      /AWS_ACCESS_KEY_ID/,
    ],
    [vendor('InvalidClientTokenId', 'bad', metadata(403)), 'NO_CREDENTIALS', /InvalidClientTokenId/, /./],
    [
      vendor('ExpiredToken', 'old', metadata(400)),
      'CREDENTIALS_EXPIRED',
      /expired.*ssm:PutParameter/,
      /sign in again/,
    ],
    [vendor('ExpiredTokenException', 'old', metadata(403)), 'CREDENTIALS_EXPIRED', /expired/, /./],
    [vendor('TokenProviderError', 'SSO session expired'), 'CREDENTIALS_EXPIRED', /expired/, /./],
    [
      vendor('ThrottlingException', 'slow', metadata(400, { attempts: 4 })),
      'AWS_CALL_FAILED',
      /throttles ssm:PutParameter after 4 attempts/,
      /wait a minute/,
    ],
    [
      vendor('AccessDenied', 'Access Denied', metadata(403)),
      'ACCESS_DENIED',
      /These credentials may not call ssm:PutParameter.*req-1/,
      /allow ssm:PutParameter/,
    ],
    // An answer to HEAD has no body, so that the SDK knows nothing but the status.
    [vendor('403', 'UnknownError', metadata(403)), 'ACCESS_DENIED', /ssm:PutParameter/, /./],
  ] as const)('%s', (error, code, message, hint) => {
    const translated = translateAwsError(error, 'ssm:PutParameter', AWS);
    expect(translated).toMatchObject({
      code,
      message: expect.stringMatching(message),
      hint: expect.stringMatching(hint),
    });
    expect(translated.cause).toBe(error);
  });

  it('names identity, action and resource where AWS does', () => {
    const identity = 'arn:aws:sts::123456789012:assumed-role/dev/ann';
    const message = `User: ${identity} is not authorized to perform: s3:PutObject on resource: "arn:aws:s3:::b/k" because no`;
    expect(
      translateAwsError(vendor('AccessDeniedException', message, metadata(403)), 's3:X', AWS).message,
    ).toBe(`${identity} may not call s3:PutObject on "arn:aws:s3:::b/k" [request req-1]`);
  });

  it('says that nothing listens, and how to start the embedded AWS', () => {
    const refused = Object.assign(
      new AggregateError([Object.assign(new Error('connect'), { code: 'ECONNREFUSED' })]),
      { name: 'AggregateError' },
    );
    for (const error of [refused, vendor('Error', 'connect', { code: 'ECONNREFUSED' })]) {
      expect(translateAwsError(error, 'sts:GetCallerIdentity', LOCAL)).toMatchObject({
        code: 'AWS_UNREACHABLE',
        message: expect.stringMatching(/127\.0\.0\.1:4700.*ECONNREFUSED/),
        hint: 'towpath local up',
      });
    }
    expect(translateAwsError(refused, 'sts:GetCallerIdentity', AWS).hint).toMatch(/network/);
  });

  it('names the profile to sign in with', () => {
    const context = { endpoint: undefined, profile: 'shop-prod' };
    expect(translateAwsError(vendor('ExpiredToken'), 'x:Y', context)).toMatchObject({
      message: expect.stringContaining('profile shop-prod'),
      hint: 'aws sso login --profile shop-prod',
    });
  });

  it.each([
    [
      vendor('InternalError', 'oops', metadata(500)),
      /^AWS failed to answer s3:HeadBucket \(HTTP 500 InternalError\)/,
    ],
    // HEAD answers have no body to name the error in.
    [vendor('Unknown', 'UnknownError', metadata(500)), /^AWS failed to answer s3:HeadBucket \(HTTP 500\)/],
    [
      vendor('Unknown', 'UnknownError', metadata(503, { attempts: 4 })),
      /throttles s3:HeadBucket after 4 attempts/,
    ],
  ])('a failure of AWS itself is one to wait for', (error, says) => {
    expect(translateAwsError(error, 's3:HeadBucket', AWS)).toMatchObject({
      code: 'AWS_CALL_FAILED',
      message: expect.stringMatching(says),
      hint: 'wait a minute and run the same command again',
    });
  });

  it('keeps operation, name, first line and request id of everything else', () => {
    const error = vendor('ValidationException', 'Bad name\nand much more', metadata(400));
    expect(translateAwsError(error, 'ecs:RunTask', AWS)).toMatchObject({
      code: 'AWS_CALL_FAILED',
      message: 'ecs:RunTask failed with ValidationException: Bad name [request req-1]',
    });
  });

  it.each([undefined, null, 'text', 42])('%s is an error, too', (thrown) => {
    expect(translateAwsError(thrown, 'a:B', AWS).code).toBe('AWS_CALL_FAILED');
  });

  it('is translated once', () => {
    const translated = new TowpathError('LEDGER_RACE', 'race');
    expect(translateAwsError(translated, 'a:B', AWS)).toBe(translated);
  });

  it('can still be told apart by its AWS name and status', () => {
    const translated = translateAwsError(vendor('NoSuchBucket', 'no', metadata(404)), 's3:ListBucket', AWS);
    expect(isAwsError(translated, 'NoSuchKey', 'NoSuchBucket')).toBe(true);
    expect(isAwsError(translated, 'NoSuchKey')).toBe(false);
    expect(statusOf(translated)).toBe(404);
  });
});

it('an expected absence is a value, and nothing else is', async () => {
  const fail = (name: string) => async () => Promise.reject(vendor(name));
  expect(await callAwsOrAbsent(AWS, 'a:B', ['NoSuchKey'], fail('NoSuchKey'))).toBeUndefined();
  await expect(callAwsOrAbsent(AWS, 'a:B', ['NoSuchKey'], fail('NoSuchBucket'))).rejects.toMatchObject({
    code: 'AWS_CALL_FAILED',
  });
});
