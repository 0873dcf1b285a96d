/**
 * The log stream of a task, made before the container starts: as on AWS, a missing log group fails the task.
 */
import { AwsError, type ControlPlane, TaskStartError } from '../../contract.ts';
import type { ContainerDefinition } from './task-definition.ts';
import { logTarget } from './task-spec.ts';

/** @throws TaskStartError `ResourceInitializationError` when the log group does not exist */
export async function prepareLogs(
  control: ControlPlane,
  container: ContainerDefinition,
  taskId: string,
  runtimeId: string,
): Promise<void> {
  const target = logTarget(container, taskId, runtimeId);
  if (!target) return;
  const options = container.logConfiguration?.options ?? {};
  if (options['awslogs-create-group'] === 'true')
    await ignoring('ResourceAlreadyExistsException', () =>
      control.json('logs', 'CreateLogGroup', { logGroupName: target.group }),
    );
  try {
    await ignoring('ResourceAlreadyExistsException', () =>
      control.json('logs', 'CreateLogStream', {
        logGroupName: target.group,
        logStreamName: target.stream,
      }),
    );
  } catch (error) {
    const detail = error instanceof AwsError ? `${error.code}: ${error.message}` : String(error);
    throw new TaskStartError(
      'ResourceInitializationError',
      `failed to validate logger args: create stream has been retried 1 times: failed to create Cloudwatch log stream: ${detail} (log group ${target.group}) : exit status 1`,
    );
  }
}

async function ignoring(code: string, call: () => Promise<unknown>): Promise<void> {
  try {
    await call();
  } catch (error) {
    if (!(error instanceof AwsError && error.code === code)) throw error;
  }
}
