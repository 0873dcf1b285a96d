/** Two people with keys of their own, so that approvals by another person can be rehearsed. */
import type { ControlPlane } from '../contract.ts';
import { readXml, textAt } from '../gateway/xml.ts';

export const identityNames = ['developer', 'reviewer'] as const;
export type IdentityName = (typeof identityNames)[number];

export interface Identity {
  readonly arn: string;
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
}

export type Identities = Readonly<Record<IdentityName, Identity>>;

/** Creates the users and one access key each. Only for a control plane that has just started. */
export async function createIdentities(control: ControlPlane): Promise<Identities> {
  const [developer, reviewer] = await Promise.all(identityNames.map((name) => createIdentity(control, name)));
  if (developer === undefined || reviewer === undefined) throw new Error('identities were not created');
  return { developer, reviewer };
}

async function createIdentity(control: ControlPlane, name: IdentityName): Promise<Identity> {
  const user = readXml(await control.query('iam', 'CreateUser', { UserName: name }));
  const key = readXml(await control.query('iam', 'CreateAccessKey', { UserName: name }));
  const arn = textAt(user, 'CreateUserResult', 'User', 'Arn');
  const accessKeyId = textAt(key, 'CreateAccessKeyResult', 'AccessKey', 'AccessKeyId');
  const secretAccessKey = textAt(key, 'CreateAccessKeyResult', 'AccessKey', 'SecretAccessKey');
  if (arn === undefined || accessKeyId === undefined || secretAccessKey === undefined) {
    throw new Error(`the control plane made no user or key for ${name}`);
  }
  return { arn, accessKeyId, secretAccessKey };
}
