/**
 * Who is behind an STS identity. Approvals count people, and one person has many ARNs.
 * Formats: "IAM identifiers" and "GetCallerIdentity" of AWS's documentation.
 */

/**
 * Session names that tools make up when nobody gave one. They name no person, and change from call to call:
 * taken for people, whoever assumes a role by profile could approve what they asked for a minute before.
 */
const NAMES_NOBODY =
  /^(?:botocore-session-|aws-cli-session-|aws-go-sdk-|aws-sdk-|aws-codebuild|awscodebuild-|githubactions$|github-\d|i-[0-9a-f]{8,17}$|[0-9a-f]{32}$|\d+$)/;

/**
 * `ACCOUNT:NAME`, equal for all ARNs of one person: IAM user (wherever their path), federated user, and sessions of
 * any role under their name. Sessions that name nobody are their role's, all of them one. Other ARNs (the account's
 * root) are themselves. Lower case, as IAM tells no names apart by case.
 */
export function personOf(arn: string): string {
  const [, , service = '', , account = '', ...rest] = arn.split(':');
  const [type = '', ...path] = rest.join(':').toLowerCase().split('/');
  const name = path.at(-1) ?? '';
  if (service === 'iam' && type === 'user') return `${account}:${name}`;
  if (service === 'sts' && type === 'federated-user') return `${account}:${name}`;
  if (service === 'sts' && type === 'assumed-role') {
    return NAMES_NOBODY.test(name) ? `${account}:role/${path[0]}` : `${account}:${name}`;
  }
  return arn.toLowerCase();
}

/** The part of an ARN that a person knows it by. */
export function shortIdentity(arn: string): string {
  return arn.split(/[/:]/).at(-1) ?? arn;
}
