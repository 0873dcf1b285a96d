import { describe, expect, it } from 'vitest';
import { keyOfSequence } from '../ledger/ledger-object.ts';
import { repositoryPullStatement, stateBucketLifecycle, stateBucketPolicy } from './bootstrap-documents.ts';

describe('the bucket policy', () => {
  const over = (overTls: boolean) => stateBucketPolicy('shop-state', { overTls });
  const bySid = (sid: string) => over(true).find(({ Sid }) => Sid === sid);

  it('only ever denies', () => {
    expect(new Set(over(true).map(({ Effect }) => Effect))).toEqual(new Set(['Deny']));
  });

  it('lets nothing in but TLS, the bucket itself included', () => {
    expect(bySid('TlsOnly')).toMatchObject({
      Action: 's3:*',
      Resource: ['arn:aws:s3:::shop-state', 'arn:aws:s3:::shop-state/*'],
      Condition: { Bool: { 'aws:SecureTransport': 'false' } },
    });
  });

  it('lets nobody delete or overwrite what is in the ledger', () => {
    const resource = 'arn:aws:s3:::shop-state/ledger/*';
    expect(bySid('LedgerIsAppendOnly')).toMatchObject({
      Action: ['s3:DeleteObject', 's3:DeleteObjectVersion'],
      Resource: resource,
    });
    expect(bySid('LedgerIsAppendOnly')?.Condition).toBeUndefined();
    expect(bySid('LedgerIsWrittenOnce')).toMatchObject({ Action: 's3:PutObject', Resource: resource });
    expect(keyOfSequence(7).startsWith(resource.slice('arn:aws:s3:::shop-state/'.length, -1))).toBe(true);
  });

  it('has no conditions behind an endpoint without TLS, and still guards the ledger', () => {
    expect(over(false).map(({ Sid }) => Sid)).toEqual(['LedgerIsAppendOnly']);
  });
});

describe('the lifecycle', () => {
  it('[backend.lock-versions] keeps the newest twenty earlier states for ever, others 90 days, and lock files a day', () => {
    expect(
      stateBucketLifecycle().map(({ Filter, NoncurrentVersionExpiration }) => [
        Filter?.Prefix,
        NoncurrentVersionExpiration,
      ]),
    ).toEqual([
      ['terraform.tfstate', { NoncurrentDays: 90, NewerNoncurrentVersions: 20 }],
      ['terraform.tfstate.tflock', { NoncurrentDays: 1 }],
      ['', undefined],
    ]);
  });

  it('never touches the ledger', () => {
    const rules = stateBucketLifecycle().filter(({ Filter }) =>
      'ledger/00000001.json'.startsWith(Filter?.Prefix ?? ''),
    );
    expect(
      rules.map(({ Expiration, NoncurrentVersionExpiration }) => [Expiration, NoncurrentVersionExpiration]),
    ).toEqual([[undefined, undefined]]);
  });
});

it('pull rights name each account once, and give no right to push', () => {
  const statement = repositoryPullStatement(['222222222222', '111111111111', '222222222222']);
  expect(statement.Principal).toEqual({
    AWS: ['arn:aws:iam::111111111111:root', 'arn:aws:iam::222222222222:root'],
  });
  expect([statement.Action].flat().filter((action) => /Put|Upload|Delete|Set/.test(action))).toEqual([]);
});
