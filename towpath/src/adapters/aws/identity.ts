/** Who is asking, and in which account: one STS call, remembered for the length of a command. */
import { TowpathError } from '../../domain/errors.ts';
import type { Environment } from '../../domain/project.ts';
import type { TargetInfo } from '../../ports.ts';
import { callAws } from './errors.ts';
import type { Session } from './session.ts';

export interface Identity {
  /** @throws {TowpathError} `WRONG_ACCOUNT` when the credentials lead into another account than configured */
  whoami(): Promise<TargetInfo>;
}

export function createIdentity(options: {
  readonly session: Session;
  readonly environment: Environment;
}): Identity {
  const { session, environment } = options;
  let known: Promise<TargetInfo> | undefined;
  return {
    whoami() {
      known ??= lookUp(session, environment).catch((error: unknown) => {
        known = undefined;
        throw error;
      });
      return known;
    },
  };
}

async function lookUp(session: Session, environment: Environment): Promise<TargetInfo> {
  const caller = await callAws(session, 'sts:GetCallerIdentity', async () => {
    const { GetCallerIdentityCommand } = await import('@aws-sdk/client-sts');
    return (await session.sts()).send(new GetCallerIdentityCommand({}));
  });
  const account = caller.Account ?? '';
  const identity = caller.Arn ?? '';
  // An embedded AWS has one account for all environments; the configured ids mean AWS's accounts.
  if (
    session.endpoint === undefined &&
    environment.account !== undefined &&
    account !== environment.account
  ) {
    const hint =
      environment.profile === undefined
        ? `sign in to account ${environment.account}, or set \`profile\` of ${environment.name} in towpath.config.ts`
        : `check that profile ${environment.profile} leads to account ${environment.account}`;
    throw new TowpathError(
      'WRONG_ACCOUNT',
      `${environment.name} belongs to account ${environment.account}, but ${identity} is in account ${account}`,
      { hint },
    );
  }
  return {
    kind: session.endpoint === undefined ? 'aws' : 'local',
    account,
    region: session.region,
    identity,
    endpoint: session.endpoint,
  };
}
