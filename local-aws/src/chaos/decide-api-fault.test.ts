import { describe, expect, it } from 'vitest';
import { type ApiCall, recogniseS3Action } from '../gateway/api-call.ts';
import { type ApiRule, decideApiFault, type TokenBucket } from './decide-api-fault.ts';
import { createSeededRandom } from './seeded-random.ts';

const call = (changes: Partial<ApiCall> = {}): ApiCall => ({
  service: 'ecs',
  action: 'DescribeServices',
  accessKeyId: 'AKIADEV',
  protocol: 'json',
  ...changes,
});
const decide = (
  rules: readonly ApiRule[],
  one = call(),
  draw = 0,
  nowMs = 0,
  buckets: ReadonlyMap<string, TokenBucket> = new Map(),
) => decideApiFault(rules, one, nowMs, () => draw, buckets);

const fail: ApiRule = {
  id: 'f',
  kind: 'fail',
  service: 'ecs',
  action: 'DescribeServices',
  share: 0.3,
  status: 500,
  code: undefined,
};
const slow: ApiRule = { id: 's', kind: 'slow', service: 'ecs', action: undefined, share: 1, delayMs: 400 };
const throttle: ApiRule = {
  id: 't',
  kind: 'throttle',
  service: 'ecs',
  action: undefined,
  limit: { perSecond: 2 },
};
const expire: ApiRule = { id: 'e', kind: 'expire', accessKeyIds: ['AKIADEV'] };

describe('decideApiFault', () => {
  it('strikes the share that is drawn, of the calls that are meant', () => {
    expect(decide([fail], call(), 0.29)).toMatchObject({ matched: ['f'], hit: ['f'], delayMs: 0 });
    expect(decide([fail], call(), 0.3)).toMatchObject({ matched: ['f'], hit: [], error: undefined });
    expect(decide([fail], call({ action: 'ListTasks' }))).toMatchObject({ matched: [] });
    expect(decide([fail], call({ service: 'ecr' }))).toMatchObject({ matched: [] });
  });

  it('adds up delays, and refuses with what AWS would look at first', () => {
    const all = decide([fail, slow, { ...slow, id: 's2' }, throttle, expire]);
    expect(all).toMatchObject({ hit: ['s', 's2', 'e'], delayMs: 800 });
    expect(all.error?.code).toBe('ExpiredTokenException');
    expect(decide([fail, { ...throttle, limit: { share: 1 } }]).error?.code).toBe('ThrottlingException');
  });

  it('lets so many calls a second pass', () => {
    let buckets: ReadonlyMap<string, TokenBucket> = new Map();
    const passes = (nowMs: number): boolean => {
      const fault = decide([throttle], call(), 0, nowMs, buckets);
      buckets = fault.buckets;
      return fault.error === undefined;
    };
    expect([0, 1, 2, 499, 502, 503, 10_000, 10_001, 10_002].map(passes)).toEqual([
      ...[true, true, false, false, true, false],
      ...[true, true, false],
    ]);
  });

  it('expires the keys that are meant', () => {
    expect(decide([expire], call({ accessKeyId: 'AKIAREV' })).error).toBeUndefined();
    const all: ApiRule = { id: 'e', kind: 'expire', accessKeyIds: 'all' };
    expect(decide([all], call({ accessKeyId: 'AKIAREV' })).error).toBeDefined();
    expect(decide([all], call({ accessKeyId: undefined })).error).toBeUndefined();
  });

  it('draws once for each covered call, whatever other rules there are', () => {
    const draws: string[] = [];
    const draw = (id: string): number => {
      draws.push(id);
      return 0;
    };
    decideApiFault([fail, slow, expire, throttle], call(), 0, draw, new Map());
    expect(draws).toEqual(['f', 's']);
  });
});

describe('errors', () => {
  const everyKind = (one: ApiCall) =>
    [
      { ...throttle, service: one.service, limit: { share: 1 } },
      { id: 'e', kind: 'expire', accessKeyIds: 'all' } as const,
      { ...fail, service: one.service, action: undefined },
      { ...fail, service: one.service, action: undefined, status: 503 },
      { ...fail, service: one.service, action: undefined, status: 403 },
    ].map((rule) => {
      const error = decide([rule], one).error;
      return `${error?.status} ${error?.code}`;
    });

  it.each([
    [
      call(),
      [
        ...['400 ThrottlingException', '400 ExpiredTokenException', '500 ServerException'],
        ...['503 ServiceUnavailableException', '403 AccessDeniedException'],
      ],
    ],
    [
      call({ service: 'sts', protocol: 'query' }),
      [
        ...['400 Throttling', '403 ExpiredToken', '500 InternalFailure'],
        ...['503 ServiceUnavailable', '403 AccessDenied'],
      ],
    ],
    [
      call({ service: 'ec2', protocol: 'ec2' }),
      [
        ...['503 RequestLimitExceeded', '400 RequestExpired', '500 InternalError'],
        ...['503 Unavailable', '403 UnauthorizedOperation'],
      ],
    ],
    [
      call({ service: 's3', protocol: 'rest-xml' }),
      [
        ...['503 SlowDown', '400 ExpiredToken', '500 InternalError'],
        ...['503 ServiceUnavailable', '403 AccessDenied'],
      ],
    ],
  ])('are those of the service: $service', (one, expected) => {
    expect(everyKind(one)).toEqual(expected);
  });

  it('can be named', () => {
    const named = { ...fail, status: 400, code: 'ClusterNotFoundException' };
    expect(decide([named]).error).toMatchObject({ status: 400, code: 'ClusterNotFoundException' });
  });
});

describe('seeded random', () => {
  it('is the same for the same seed, and spread evenly', () => {
    const take = (seed: number) => Array.from({ length: 2_000 }, createSeededRandom(seed));
    expect(take(42)).toEqual(take(42));
    expect(take(42)).not.toEqual(take(43));
    const below = take(42).filter((drawn) => drawn < 0.3).length;
    expect(below / 2_000).toBeGreaterThan(0.26);
    expect(below / 2_000).toBeLessThan(0.34);
    expect(take(7).every((drawn) => drawn >= 0 && drawn < 1)).toBe(true);
  });
});

describe('actions of S3', () => {
  it.each([
    ['GET', '/', 'ListBuckets'],
    ['GET', '/b?list-type=2&prefix=x', 'ListObjectsV2'],
    ['GET', '/b/', 'ListObjects'],
    ['GET', '/b?versions', 'ListObjectVersions'],
    ['HEAD', '/b', 'HeadBucket'],
    ['PUT', '/b', 'CreateBucket'],
    ['PUT', '/b?versioning', 'PutBucketVersioning'],
    ['GET', '/b/?publicAccessBlock', 'GetPublicAccessBlock'],
    ['POST', '/b?delete', 'DeleteObjects'],
    ['PUT', '/b/a/b.json', 'PutObject'],
    ['PUT', '/b/a?x-id=CopyObject', 'CopyObject'],
    ['GET', '/b/%zz', 'GetObject'],
    ['PUT', '/b/a?uploadId=1&partNumber=2', ''],
    ['PATCH', '/b/a', ''],
  ])('%s %s is %s', (method, url, action) => {
    expect(recogniseS3Action(method, url)).toBe(action);
  });
});
