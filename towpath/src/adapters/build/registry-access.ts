/** Address and login of the account's ECR registry. */
import { TowpathError } from '../../domain/errors.ts';
import { callAws } from '../aws/errors.ts';
import type { Session } from '../aws/session.ts';

export interface RegistryAccess {
  /** `https://123456789012.dkr.ecr.us-east-1.amazonaws.com`, or where the embedded AWS listens. */
  readonly baseUrl: string;
  readonly user: string;
  /** Valid for hours; never shown or passed as an argument. */
  readonly password: string;
}

export async function requestRegistryAccess(session: Session): Promise<RegistryAccess> {
  const answer = await callAws(session, 'ecr:GetAuthorizationToken', async () => {
    const { GetAuthorizationTokenCommand } = await import('@aws-sdk/client-ecr');
    return (await session.ecr()).send(new GetAuthorizationTokenCommand({}));
  });
  const { authorizationToken, proxyEndpoint } = answer.authorizationData?.[0] ?? {};
  if (authorizationToken === undefined || proxyEndpoint === undefined) {
    throw new TowpathError(
      'AWS_CALL_FAILED',
      'ecr:GetAuthorizationToken answered without a token or an address',
      {
        hint: 'run the same command again',
      },
    );
  }
  const [user = '', ...password] = Buffer.from(authorizationToken, 'base64').toString('utf8').split(':');
  return { baseUrl: proxyEndpoint.replace(/\/$/, ''), user, password: password.join(':') };
}
