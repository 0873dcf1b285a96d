/** One person behind many ARNs; ARNs as IAM and STS write them. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { personOf, shortIdentity } from './person.ts';

const ALICE = 'arn:aws:iam::123456789012:user/alice';

describe('personOf is the same for', () => {
  it.each([
    ['a user below a path', 'arn:aws:iam::123456789012:user/engineering/web/alice'],
    ['a name in other case, which IAM does not tell apart', 'arn:aws:iam::123456789012:user/Alice'],
    ['a session of a role', 'arn:aws:sts::123456789012:assumed-role/deployer/alice'],
    ['a session of another role', 'arn:aws:sts::123456789012:assumed-role/Admin/alice'],
    ['a federated user', 'arn:aws:sts::123456789012:federated-user/alice'],
    ['a user of AWS China', 'arn:aws-cn:iam::123456789012:user/alice'],
    ['a session in GovCloud', 'arn:aws-us-gov:sts::123456789012:assumed-role/deployer/alice'],
  ])('%s', (_what, arn) => expect(personOf(arn)).toBe(personOf(ALICE)));

  it('two roles of the IAM Identity Center, whose sessions have the name that was logged in with', () => {
    const session = (role: string) =>
      `arn:aws:sts::123456789012:assumed-role/AWSReservedSSO_${role}_0123456789abcdef/alice@example.com`;
    expect(personOf(session('AdministratorAccess'))).toBe(personOf(session('ReadOnly')));
  });

  it.each([
    ['botocore-session-1700000000', 'botocore-session-1700000099'],
    ['AWS-CLI-session-1700000000', 'AWS-CLI-session-1700000001'],
    ['aws-go-sdk-1700000000000000000', 'aws-go-sdk-1700000000000000001'],
    ['aws-sdk-js-1700000000000', 'aws-sdk-js-1700000000001'],
    ['aws-sdk-js-session-1700000000000', 'aws-sdk-js-1700000000001'],
    ['GitHubActions', 'GitHubActions'],
    ['github-1001-1', 'github-1002-1'],
    ['i-0123456789abcdef0', 'i-0fedcba9876543210'],
    ['0123456789abcdef0123456789abcdef', 'fedcba9876543210fedcba9876543210'],
    ['1700000000', '1700000001'],
  ])('sessions of one role that name nobody: %s, %s', (one, other) => {
    const arn = (session: string, role = 'deployer') =>
      `arn:aws:sts::123456789012:assumed-role/${role}/${session}`;
    expect(personOf(arn(one))).toBe(personOf(arn(other)));
    expect(personOf(arn(one))).not.toBe(personOf(arn(other, 'reviewer')));
    expect(personOf(arn(one))).not.toBe(personOf(ALICE));
  });
});

describe('personOf differs for', () => {
  it.each([
    ['another user', 'arn:aws:iam::123456789012:user/bob'],
    ['the same name in another account', 'arn:aws:iam::210987654321:user/alice'],
    ["the account's root", 'arn:aws:iam::123456789012:root'],
    ['a session of somebody else in a role of her name', 'arn:aws:sts::123456789012:assumed-role/alice/bob'],
    ['a user in a folder of her name', 'arn:aws:iam::123456789012:user/alice/bob'],
    ['something that is no ARN', 'alice'],
  ])('%s', (_what, arn) => expect(personOf(arn)).not.toBe(personOf(ALICE)));

  it('a role with a name and a session that names nobody', () => {
    expect(personOf('arn:aws:sts::123456789012:assumed-role/alice/GitHubActions')).not.toBe(personOf(ALICE));
  });

  it('root of two accounts', () => {
    expect(personOf('arn:aws:iam::123456789012:root')).not.toBe(personOf('arn:aws:iam::210987654321:root'));
  });
});

describe('any string', () => {
  it('is a person, and always the same one', () => {
    fc.assert(fc.property(fc.string(), (arn) => personOf(arn) === personOf(personOf(arn))));
  });
});

describe('shortIdentity', () => {
  it.each([
    [ALICE, 'alice'],
    ['arn:aws:sts::123456789012:assumed-role/deployer/bob@example.com', 'bob@example.com'],
    ['arn:aws:iam::123456789012:root', 'root'],
    ['alice', 'alice'],
  ])('of %s is %s', (arn, short) => expect(shortIdentity(arn)).toBe(short));
});
