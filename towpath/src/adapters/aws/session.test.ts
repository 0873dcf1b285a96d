import { describe, expect, it } from 'vitest';
import { sampleEnvironment } from '../../../test/fakes/sample-project.ts';
import { createIdentity } from './identity.ts';
import { createSession, type Session } from './session.ts';

const ENV_KEYS = {
  AWS_ACCESS_KEY_ID: 'AKIAENV',
  AWS_SECRET_ACCESS_KEY: 'env-secret',
  AWS_SESSION_TOKEN: 'env-token',
};
const GIVEN = { accessKeyId: 'AKIAGIVEN', secretAccessKey: 'given-secret' };

async function keysUsedBy(session: Session): Promise<string> {
  return (await (await session.sts()).config.credentials()).accessKeyId;
}

describe('credentials', () => {
  it('given ones win over the environment', async () => {
    const session = createSession({ region: 'us-east-1', credentials: GIVEN, env: ENV_KEYS });
    expect(await keysUsedBy(session)).toBe('AKIAGIVEN');
  });

  it('of the environment win over a profile, as CI systems need it', async () => {
    const session = createSession({ region: 'us-east-1', profile: 'not-there', env: ENV_KEYS });
    expect(await keysUsedBy(session)).toBe('AKIAENV');
  });

  it('never wait for a chain at an endpoint', async () => {
    const session = createSession({ region: 'us-east-1', endpoint: 'http://127.0.0.1:1', env: {} });
    expect(await keysUsedBy(session)).toBe('local');
  });
});

describe('the environment of a child process', () => {
  it('points at the endpoint with the same keys, whatever the shell says', async () => {
    const session = createSession({
      region: 'eu-west-1',
      endpoint: 'http://127.0.0.1:4700',
      credentials: GIVEN,
      env: ENV_KEYS,
    });
    expect(await session.environment()).toEqual({
      AWS_ENDPOINT_URL: 'http://127.0.0.1:4700',
      AWS_ACCESS_KEY_ID: 'AKIAGIVEN',
      AWS_SECRET_ACCESS_KEY: 'given-secret',
      AWS_SESSION_TOKEN: '',
      AWS_PROFILE: '',
      AWS_REGION: 'eu-west-1',
      AWS_DEFAULT_REGION: 'eu-west-1',
      AWS_EC2_METADATA_DISABLED: 'true',
    });
  });

  it('names the profile where there are no keys', async () => {
    const session = createSession({ region: 'us-east-1', profile: 'shop-prod', env: {} });
    expect(await session.environment()).toEqual({
      AWS_PROFILE: 'shop-prod',
      AWS_REGION: 'us-east-1',
      AWS_DEFAULT_REGION: 'us-east-1',
    });
  });
});

describe('clients', () => {
  it('are made once', async () => {
    const session = createSession({ region: 'us-east-1', credentials: GIVEN });
    expect(await session.ssm()).toBe(await session.ssm());
    session.close();
  });

  it('address buckets by path at an endpoint, and by host name on AWS', async () => {
    const at = async (endpoint: string | undefined) =>
      (await createSession({ region: 'us-east-1', credentials: GIVEN, endpoint }).s3()).config.forcePathStyle;
    expect([await at('http://127.0.0.1:1'), await at(undefined)]).toEqual([true, false]);
  });
});

describe('the account', () => {
  const sessionIn = (Account: string, endpoint?: string): Session => ({
    ...createSession({ region: 'us-east-1', credentials: GIVEN, endpoint }),
    sts: async () => ({ send: async () => ({ Account, Arn: `arn:aws:iam::${Account}:user/ann` }) }) as never,
  });
  const environment = { ...sampleEnvironment('prod', 1), account: '111122223333', profile: 'shop-prod' };

  it('must be the configured one', async () => {
    const identity = createIdentity({ session: sessionIn('444455556666'), environment });
    await expect(identity.whoami()).rejects.toMatchObject({
      code: 'WRONG_ACCOUNT',
      message:
        'prod belongs to account 111122223333, but arn:aws:iam::444455556666:user/ann is in account 444455556666',
      hint: expect.stringContaining('shop-prod'),
    });
    const right = createIdentity({ session: sessionIn('111122223333'), environment });
    expect(await right.whoami()).toMatchObject({ kind: 'aws', account: '111122223333', endpoint: undefined });
  });

  it('is one for all environments in the embedded AWS', async () => {
    const identity = createIdentity({
      session: sessionIn('444455556666', 'http://127.0.0.1:1'),
      environment,
    });
    expect(await identity.whoami()).toMatchObject({ kind: 'local', account: '444455556666' });
  });
});
