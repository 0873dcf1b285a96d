/** Secrets of an environment as SecureString parameters below `/project/environment/`. */
import { TowpathError } from '../../domain/errors.ts';
import { commonTags, environmentNames } from '../../domain/names.ts';
import type { Environment, Project } from '../../domain/project.ts';
import { Secret } from '../../domain/secret.ts';
import type { SecretEntry, SecretsPort } from '../../ports.ts';
import { callAws, callAwsOrAbsent } from './errors.ts';
import type { Session } from './session.ts';

/** Largest value of a standard parameter, bytes of UTF-8 (SSM API reference). */
export const MAX_SECRET_BYTES = 4_096;
/** Names in one GetParameters or DeleteParameters call (SSM API reference). */
const NAMES_PER_CALL = 10;

export interface SecretsOptions {
  readonly session: Session;
  readonly project: Project;
  readonly environment: Environment;
}

/** @throws {TowpathError} `SECRET_INVALID` for a value that SSM can't hold; never shows the value */
export function checkSecret(name: string, value: Secret): void {
  const bytes = Buffer.byteLength(value.reveal(), 'utf8');
  if (bytes === 0) {
    throw new TowpathError('SECRET_INVALID', `The value of secret ${name} is empty`, {
      hint: 'give it at least one character',
    });
  }
  if (bytes > MAX_SECRET_BYTES) {
    throw new TowpathError(
      'SECRET_INVALID',
      `The value of secret ${name} has ${bytes} bytes; a parameter holds at most ${MAX_SECRET_BYTES}`,
      { hint: 'keep large documents in S3 or Secrets Manager, and their key here' },
    );
  }
}

export function createSecrets(options: SecretsOptions): SecretsPort {
  const { session, project, environment } = options;
  const { parameter } = environmentNames(project.name, environment.name);

  async function fetchParameters(
    names: readonly string[],
    decrypt: boolean,
  ): Promise<ReadonlyMap<string, ParameterView>> {
    const found = new Map<string, ParameterView>();
    for (const chunk of chunksOf(names.map(parameter))) {
      const answer = await callAws(session, 'ssm:GetParameters', async () => {
        const { GetParametersCommand } = await import('@aws-sdk/client-ssm');
        return (await session.ssm()).send(
          new GetParametersCommand({ Names: chunk, WithDecryption: decrypt }),
        );
      });
      for (const entry of answer.Parameters ?? []) if (entry.Name !== undefined) found.set(entry.Name, entry);
    }
    return found;
  }

  return {
    async list(names) {
      const found = await fetchParameters(names, false);
      return names.map((name) => entryOf(name, found.get(parameter(name))));
    },
    async read(names) {
      const found = await fetchParameters(names, true);
      const values = new Map<string, Secret>();
      for (const name of names) {
        const value = found.get(parameter(name))?.Value;
        if (value !== undefined) values.set(name, new Secret(value));
      }
      return values;
    },
    async remove(names) {
      for (const Names of chunksOf(names.map(parameter))) {
        // Names that do not exist come back as InvalidParameters, not as an error.
        await callAws(session, 'ssm:DeleteParameters', async () => {
          const { DeleteParametersCommand } = await import('@aws-sdk/client-ssm');
          return (await session.ssm()).send(new DeleteParametersCommand({ Names }));
        });
      }
    },
    async set(name, value) {
      checkSecret(name, value);
      const { PutParameterCommand } = await import('@aws-sdk/client-ssm');
      const ssm = await callAws(session, 'ssm:PutParameter', () => session.ssm());
      const common = { Name: parameter(name), Value: value.reveal(), Type: 'SecureString' as const };
      const tags = Object.entries(commonTags(project, environment.name)).map(([Key, Value]) => ({
        Key,
        Value,
      }));
      // SSM takes tags only without Overwrite: create first, and overwrite when it was there.
      const created = await callAwsOrAbsent(session, 'ssm:PutParameter', ['ParameterAlreadyExists'], () =>
        ssm.send(new PutParameterCommand({ ...common, Tier: 'Standard', Tags: tags })),
      );
      const written =
        created ??
        (await callAws(session, 'ssm:PutParameter', () =>
          ssm.send(new PutParameterCommand({ ...common, Overwrite: true })),
        ));
      return written.Version ?? 1;
    },
  };
}

function chunksOf(names: readonly string[]): string[][] {
  const count = Math.ceil(names.length / NAMES_PER_CALL);
  return Array.from({ length: count }, (_, index) =>
    names.slice(index * NAMES_PER_CALL, (index + 1) * NAMES_PER_CALL),
  );
}

interface ParameterView {
  readonly Name?: string | undefined;
  readonly Value?: string | undefined;
  readonly Version?: number | undefined;
  readonly LastModifiedDate?: Date | undefined;
}

function entryOf(name: string, found: ParameterView | undefined): SecretEntry {
  return {
    name,
    present: found !== undefined,
    version: found?.Version,
    modifiedAt: found?.LastModifiedDate?.toISOString(),
  };
}
