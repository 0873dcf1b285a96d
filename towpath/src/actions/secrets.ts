/** Secrets of an environment: which are needed, which are there, and how missing ones come to be. */
import { TowpathError } from '../domain/errors.ts';
import { commandToRenew } from '../domain/next-command.ts';
import type { Environment } from '../domain/project.ts';
import type { Secret } from '../domain/secret.ts';
import { closest } from '../domain/suggest.ts';
import type { Cloud, Ports, SecretEntry } from '../ports.ts';
import { enter } from './select-environment.ts';

const GENERATED_BYTES = 32;

export async function listSecrets(ports: Ports, environmentName: string): Promise<readonly SecretEntry[]> {
  const { environment, cloud } = await enter(ports, environmentName);
  return cloud.secrets.list(environment.service.secrets);
}

/**
 * @param value asked for when undefined
 * @returns `renew`: the command that has tasks that run use it
 */
export async function setSecret(
  ports: Ports,
  environmentName: string,
  name: string,
  value: Secret | undefined,
): Promise<{ readonly version: number; readonly renew: string }> {
  const { environment, cloud } = await enter(ports, environmentName);
  if (!environment.service.secrets.includes(name)) throw unknownSecret(environment, name);
  const given = value ?? (await ports.prompter.secret(`Value of ${name} in ${environment.name}`));
  if (given === undefined) {
    throw new TowpathError('SECRET_MISSING', `No value was given for ${name}.`, {
      hint: `pipe it in: printf %s "$VALUE" | towpath secret set ${environment.name} ${name} --stdin`,
    });
  }
  return { version: await cloud.secrets.set(name, given), renew: commandToRenew(environment) };
}

/**
 * The values of all secrets that the service needs. Missing ones are generated when that was asked for,
 * else asked of the person at the terminal, else reported together.
 */
export async function ensureSecrets(
  ports: Pick<Ports, 'prompter' | 'random' | 'notifier'>,
  environment: Environment,
  cloud: Cloud,
  options: { readonly generate: boolean },
): Promise<ReadonlyMap<string, Secret>> {
  const values = new Map(await cloud.secrets.read(environment.service.secrets));
  const missing: string[] = [];
  for (const name of environment.service.secrets) {
    if (values.has(name)) continue;
    const value = options.generate
      ? ports.random.secret(GENERATED_BYTES)
      : await ports.prompter.secret(`${environment.name} needs the secret ${name}; its value`);
    if (value === undefined) {
      missing.push(name);
      continue;
    }
    await cloud.secrets.set(name, value);
    values.set(name, value);
    const how = options.generate ? `generated (${GENERATED_BYTES} random bytes)` : 'set';
    ports.notifier.notify({ type: 'note', text: `secret ${name}: ${how}` });
  }
  if (missing.length > 0) {
    throw new TowpathError('SECRET_MISSING', `${environment.name} has no value for: ${missing.join(', ')}.`, {
      hint: `towpath secret set ${environment.name} ${missing[0]}, or give --generate-secrets`,
    });
  }
  return values;
}

function unknownSecret(environment: Environment, name: string): TowpathError {
  const known = environment.service.secrets;
  const suggestion = closest(name, known);
  return new TowpathError(
    'UNKNOWN_SECRET',
    `The configuration of ${environment.name} names no secret "${name}"; it has: ${known.join(', ') || 'none'}.`,
    {
      hint:
        suggestion === undefined
          ? 'add it to service.secrets in towpath.config.ts'
          : `did you mean "${suggestion}"?`,
    },
  );
}
