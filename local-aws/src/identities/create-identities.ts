/** Two people with keys of their own, so that approvals by another person can be rehearsed. */
import { AwsError, type ControlPlane } from '../contract.ts';
import { listAt, readXml, textAt } from '../gateway/xml.ts';

const identityNames = ['developer', 'reviewer'] as const;
export type IdentityName = (typeof identityNames)[number];

export interface Identity {
  readonly arn: string;
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
}

export type Identities = Readonly<Record<IdentityName, Identity>>;

/**
 * The users with one access key each: those of the last run, which the control plane has again, or new ones.
 * @param known what an earlier run gave out
 */
export async function createIdentities(control: ControlPlane, known?: Identities): Promise<Identities> {
  if (known !== undefined) return known;
  const [developer, reviewer] = await Promise.all(identityNames.map((name) => createIdentity(control, name)));
  if (developer === undefined || reviewer === undefined) throw new Error('identities were not created');
  return { developer, reviewer };
}

/** A run that was killed between this and the saving of the keys has left the user. */
async function createUser(control: ControlPlane, name: IdentityName): Promise<string> {
  try {
    return await control.query('iam', 'CreateUser', { UserName: name });
  } catch (error) {
    if (!(error instanceof AwsError) || error.code !== 'EntityAlreadyExists') throw error;
  }
  const keys = readXml(await control.query('iam', 'ListAccessKeys', { UserName: name }));
  for (const key of listAt(keys, 'ListAccessKeysResult', 'AccessKeyMetadata')) {
    const AccessKeyId = textAt(key, 'AccessKeyId') ?? '';
    await control.query('iam', 'DeleteAccessKey', { UserName: name, AccessKeyId });
  }
  return control.query('iam', 'GetUser', { UserName: name });
}

async function createIdentity(control: ControlPlane, name: IdentityName): Promise<Identity> {
  const user = readXml(await createUser(control, name));
  const key = readXml(await control.query('iam', 'CreateAccessKey', { UserName: name }));
  const arn = textAt(user, 'CreateUserResult', 'User', 'Arn') ?? textAt(user, 'GetUserResult', 'User', 'Arn');
  const accessKeyId = textAt(key, 'CreateAccessKeyResult', 'AccessKey', 'AccessKeyId');
  const secretAccessKey = textAt(key, 'CreateAccessKeyResult', 'AccessKey', 'SecretAccessKey');
  if (arn === undefined || accessKeyId === undefined || secretAccessKey === undefined) {
    throw new Error(`the control plane made no user or key for ${name}`);
  }
  return { arn, accessKeyId, secretAccessKey };
}
