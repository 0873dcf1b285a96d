/**
 * The secrets of a container, read from SSM Parameter Store when its task starts.
 */
import { type ControlPlane, TaskStartError } from '../../contract.ts';
import { assertMayReadParameters, type SecretReader } from './execution-role.ts';

/** GetParameters takes ten names at once. */
const NAMES_PER_CALL = 10;

const SSM_ARN = /^arn:[^:]+:ssm:[^:]*:[^:]*:parameter\/(.+)$/;

/** The parameter name of a `valueFrom`: a name, or an ARN whose path loses its leading slash at depth 1 only. */
export function parameterName(valueFrom: string): string | undefined {
  const match = SSM_ARN.exec(valueFrom);
  const path = match?.[1];
  if (path !== undefined) return path.includes('/') ? `/${path}` : path;
  return valueFrom.startsWith('arn:') ? undefined : valueFrom;
}

function failure(detail: string): TaskStartError {
  return new TaskStartError(
    'ResourceInitializationError',
    `unable to pull secrets or registry auth: execution resource retrieval failed: unable to retrieve secrets from ssm: service call has been retried 1 time(s): ${detail}`,
  );
}

interface ParametersAnswer {
  readonly Parameters?: readonly { readonly Name?: string; readonly Value?: string }[];
  readonly InvalidParameters?: readonly string[];
}

/**
 * @param reader who reads; without a role nothing is checked
 * @returns value by environment variable
 * @throws TaskStartError `ResourceInitializationError`, naming the parameters that are missing or forbidden
 */
export async function resolveSecrets(
  control: ControlPlane,
  secrets: readonly { readonly name: string; readonly valueFrom: string }[],
  reader?: SecretReader,
): Promise<Readonly<Record<string, string>>> {
  const names = new Map<string, string>();
  for (const secret of secrets) {
    const parameter = parameterName(secret.valueFrom);
    if (parameter === undefined)
      throw failure(
        `the embedded AWS reads SSM parameters only, and ${secret.name} comes from ${secret.valueFrom}`,
      );
    names.set(secret.name, parameter);
  }
  const wanted = [...new Set(names.values())];
  if (reader && wanted.length > 0) await assertMayReadParameters(control, reader, wanted);
  const values = new Map<string, string>();
  const invalid: string[] = [];
  for (let i = 0; i < wanted.length; i += NAMES_PER_CALL) {
    const answer = await control
      .json<ParametersAnswer>('ssm', 'GetParameters', {
        Names: wanted.slice(i, i + NAMES_PER_CALL),
        WithDecryption: true,
      })
      .catch((error: unknown) => {
        throw failure(error instanceof Error ? `${error.name}: ${error.message}` : String(error));
      });
    for (const parameter of answer.Parameters ?? [])
      if (parameter.Name !== undefined && parameter.Value !== undefined)
        values.set(parameter.Name, parameter.Value);
    invalid.push(...(answer.InvalidParameters ?? []));
  }
  const missing = wanted.filter((name) => !values.has(name));
  if (missing.length > 0)
    throw failure(`invalid parameters: ${(invalid.length > 0 ? invalid : missing).join(', ')}`);
  return Object.fromEntries([...names].map(([variable, name]) => [variable, values.get(name) ?? '']));
}
