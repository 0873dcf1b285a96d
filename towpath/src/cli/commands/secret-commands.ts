/** `secret set`, `secret list`. Values never come from arguments: those stand in shell histories and process lists. */

import { listSecrets, setSecret } from '../../actions/index.ts';
import { TowpathError } from '../../domain/errors.ts';
import { Secret } from '../../domain/secret.ts';
import type { CommandBody } from '../session.ts';
import { renderTable } from '../views/style.ts';

const GENERATED_BYTES = 32;

export function setSecretCommand(environment: string, flags: Readonly<Record<string, unknown>>): CommandBody {
  return async ({ open, context }) => {
    const name = String((flags.args as readonly unknown[])[1]);
    if (flags.stdin === true && flags.generate === true) {
      throw new TowpathError('USAGE', '--stdin and --generate exclude each other.', {
        hint: 'give one of the two',
      });
    }
    const ports = await open();
    const value =
      flags.generate === true
        ? ports.random.secret(GENERATED_BYTES)
        : flags.stdin === true
          ? new Secret((await context.readStdin()).replace(/\r?\n$/, ''))
          : undefined;
    const { version, renew } = await setSecret(ports, environment, name, value);
    return {
      json: { environment, name, version },
      text: `${name} in ${environment} is now version ${version}; tasks read it when they start\nnext: ${renew}, where some run already`,
    };
  };
}

export function listSecretsCommand(environment: string): CommandBody {
  return async ({ open, paint }) => {
    const secrets = await listSecrets(await open(), environment);
    const rows = secrets.map((secret) => [
      secret.name,
      secret.present ? paint('green', `version ${secret.version}`) : paint('red', 'missing'),
      secret.modifiedAt ?? '',
    ]);
    return {
      json: { environment, secrets },
      text: rows.length === 0 ? `${environment} needs no secrets` : renderTable(rows),
    };
  };
}
