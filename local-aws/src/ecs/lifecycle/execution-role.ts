/**
 * Whether a task's execution role may read its secrets, judged by the role's own policies as IAM does it in the simple
 * case: an explicit deny wins, then an allow, else no. Conditions are taken for fulfilled; boundaries and
 * organisation policies are not modelled. A policy that can't be read denies nothing.
 */
import * as z from 'zod';
import { AwsError, type ControlPlane, TaskStartError } from '../../contract.ts';
import { listAt, readXml, textAt } from '../../gateway/xml.ts';

const oneOrMore = z
  .union([z.string(), z.array(z.string())])
  .transform((value) => (typeof value === 'string' ? [value] : value));

const statement = z.object({
  Effect: z.enum(['Allow', 'Deny']),
  Action: oneOrMore.optional(),
  NotAction: oneOrMore.optional(),
  Resource: oneOrMore.optional(),
  NotResource: oneOrMore.optional(),
});

const policyDocument = z.object({
  Statement: z.union([statement, z.array(statement)]).transform((value) => [value].flat()),
});

export type PolicyDocument = z.infer<typeof policyDocument>;

/** @throws Error when it is no policy document */
export function parsePolicyDocument(text: string): PolicyDocument {
  // GetRolePolicy answers it URL-encoded.
  return policyDocument.parse(JSON.parse(text.startsWith('%') ? decodeURIComponent(text) : text));
}

export type Permission = 'allowed' | 'denied' | 'not allowed';

export function decidePermission(
  documents: readonly PolicyDocument[],
  action: string,
  resource: string,
): Permission {
  const matching = documents
    .flatMap((document) => document.Statement)
    .filter(
      ({ Action, NotAction, Resource, NotResource }) =>
        chosen(Action, NotAction, action.toLowerCase(), (pattern) => pattern.toLowerCase()) &&
        chosen(Resource, NotResource, resource, (pattern) => pattern),
    );
  if (matching.some(({ Effect }) => Effect === 'Deny')) return 'denied';
  return matching.length > 0 ? 'allowed' : 'not allowed';
}

function chosen(
  wanted: readonly string[] | undefined,
  unwanted: readonly string[] | undefined,
  value: string,
  normalise: (pattern: string) => string,
): boolean {
  const fits = (pattern: string) => matchesPattern(normalise(pattern), value);
  return wanted === undefined ? unwanted !== undefined && !unwanted.some(fits) : wanted.some(fits);
}

function matchesPattern(pattern: string, value: string): boolean {
  const escaped = pattern.replace(/[.+^${}()|[\]\\]/g, '\\$&');
  return new RegExp(`^${escaped.replaceAll('*', '.*').replaceAll('?', '.')}$`).test(value);
}

export interface SecretReader {
  readonly roleArn: string;
  /** The role session of a task is named after it. */
  readonly taskId: string;
}

/** @throws TaskStartError `ResourceInitializationError` with IAM's own words */
export async function assertMayReadParameters(
  control: ControlPlane,
  reader: SecretReader,
  names: readonly string[],
): Promise<void> {
  const documents = await loadPolicies(control, reader.roleArn);
  if (documents === undefined) return;
  for (const name of names) {
    const resource = `arn:aws:ssm:${control.region}:${control.accountId}:parameter/${name.replace(/^\//, '')}`;
    const permission = decidePermission(documents, 'ssm:GetParameters', resource);
    if (permission !== 'allowed') throw refusal(control, reader, resource, permission);
  }
}

function refusal(
  control: ControlPlane,
  { roleArn, taskId }: SecretReader,
  resource: string,
  permission: Permission,
): TaskStartError {
  const session = `arn:aws:sts::${control.accountId}:assumed-role/${roleArn.split('/').at(-1)}/${taskId}`;
  const because =
    permission === 'denied'
      ? 'with an explicit deny in an identity-based policy'
      : 'because no identity-based policy allows the ssm:GetParameters action';
  return new TaskStartError(
    'ResourceInitializationError',
    `unable to pull secrets or registry auth: execution resource retrieval failed: unable to retrieve secrets from ssm: service call has been retried 1 time(s): AccessDeniedException: User: ${session} is not authorized to perform: ssm:GetParameters on resource: ${resource} ${because} status code: 400`,
  );
}

/** @returns undefined when the policies can't all be read */
async function loadPolicies(
  control: ControlPlane,
  roleArn: string,
): Promise<readonly PolicyDocument[] | undefined> {
  const RoleName = roleArn.split('/').at(-1) ?? '';
  try {
    const [inline, attached] = await Promise.all([
      control.query('iam', 'ListRolePolicies', { RoleName }),
      control.query('iam', 'ListAttachedRolePolicies', { RoleName }),
    ]);
    const names = listAt(readXml(inline), 'ListRolePoliciesResult', 'PolicyNames').map(({ text }) => text);
    const arns = listAt(readXml(attached), 'ListAttachedRolePoliciesResult', 'AttachedPolicies').flatMap(
      (policy) => textAt(policy, 'PolicyArn') ?? [],
    );
    return await Promise.all([
      ...names.map((name) => loadInline(control, RoleName, name)),
      ...arns.map((arn) => loadManaged(control, arn)),
    ]);
  } catch (error) {
    if (error instanceof AwsError && error.code === 'NoSuchEntity') throw unknownRole(roleArn);
    return undefined;
  }
}

function unknownRole(roleArn: string): TaskStartError {
  return new TaskStartError(
    'TaskFailedToStart',
    `ECS was unable to assume the role '${roleArn}' that was provided for this task. Please verify that the role being passed has the proper trust relationship and permissions and that your IAM user has permissions to pass this role.`,
  );
}

async function loadInline(control: ControlPlane, RoleName: string, PolicyName: string) {
  const xml = await control.query('iam', 'GetRolePolicy', { RoleName, PolicyName });
  return parsePolicyDocument(textAt(readXml(xml), 'GetRolePolicyResult', 'PolicyDocument') ?? '');
}

async function loadManaged(control: ControlPlane, PolicyArn: string) {
  const policy = readXml(await control.query('iam', 'GetPolicy', { PolicyArn }));
  const VersionId = textAt(policy, 'GetPolicyResult', 'Policy', 'DefaultVersionId') ?? 'v1';
  const xml = await control.query('iam', 'GetPolicyVersion', { PolicyArn, VersionId });
  return parsePolicyDocument(
    textAt(readXml(xml), 'GetPolicyVersionResult', 'PolicyVersion', 'Document') ?? '',
  );
}
