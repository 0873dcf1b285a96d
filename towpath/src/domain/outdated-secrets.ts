/** Which secrets have a value that some task can't have read. Pure. */
import type { TaskView } from './rollout.ts';

/**
 * A task reads its secrets once, after ECS has created it. One that is older than a value has the value before.
 * @returns names, in the order given
 */
export function outdatedSecrets(
  secrets: readonly { readonly name: string; readonly modifiedAt: string | undefined }[],
  tasks: readonly Pick<TaskView, 'createdAt'>[],
): readonly string[] {
  const created = tasks.flatMap(({ createdAt }) => (createdAt === undefined ? [] : [Date.parse(createdAt)]));
  const oldest = Math.min(...created);
  return secrets
    .filter(({ modifiedAt }) => modifiedAt !== undefined && Date.parse(modifiedAt) > oldest)
    .map(({ name }) => name);
}
