/** Scheduled actions are stored and shown here; scheduled-action-runner.ts runs them at their time. */
import { randomUUID } from 'node:crypto';
import * as z from 'zod';
import { AwsError } from '../contract.ts';
import {
  type AutoscalingOptions,
  describeResource,
  isWanted,
  pagingFields,
  parseRequest,
  requireTarget,
  resourceFields,
  takePage,
} from './autoscaling-options.ts';
import { isTimezone } from './local-time.ts';
import { parseSchedule } from './schedule-expression.ts';

const schedule = z
  .string()
  .refine((text) => parseSchedule(text) !== undefined, 'must be rate(...), at(...) or cron(...)');
const timezone = z.string().refine(isTimezone, 'must be a name such as Europe/Berlin');
const putInput = z.object({
  ...resourceFields,
  ScheduledActionName: z.string().min(1).max(256),
  Schedule: schedule.optional(),
  Timezone: timezone.optional(),
  StartTime: z.number().optional(),
  EndTime: z.number().optional(),
  ScalableTargetAction: z
    .object({
      MinCapacity: z.number().int().min(0).optional(),
      MaxCapacity: z.number().int().min(0).optional(),
    })
    .optional(),
});
const deleteInput = z.object({ ...resourceFields, ScheduledActionName: z.string().min(1) });
const describeInput = z.object({
  ServiceNamespace: z.string().min(1),
  ResourceId: z.string().optional(),
  ScalableDimension: z.string().optional(),
  ScheduledActionNames: z.array(z.string()).max(50).optional(),
  ...pagingFields,
});

export async function putScheduledAction(options: AutoscalingOptions, payload: object): Promise<object> {
  const input = parseRequest(putInput, payload);
  requireTarget(options, input);
  const known = options.store.action(input, input.ScheduledActionName);
  const when = input.Schedule ?? known?.Schedule;
  if (when === undefined)
    throw new AwsError('ValidationException', 'Schedule is required for a new scheduled action');
  const { region, accountId } = options.control;
  const where = `resource/${input.ServiceNamespace}/${input.ResourceId}`;
  options.store.putAction({
    ...known,
    ...input,
    Schedule: when,
    ScheduledActionARN:
      known?.ScheduledActionARN ??
      `arn:aws:autoscaling:${region}:${accountId}:scheduledAction:${randomUUID()}:${where}:scheduledActionName/${input.ScheduledActionName}`,
    CreationTime: known?.CreationTime ?? options.now() / 1000,
  });
  return {};
}

export async function describeScheduledActions(
  { store }: AutoscalingOptions,
  payload: object,
): Promise<object> {
  const input = parseRequest(describeInput, payload);
  const names = input.ScheduledActionNames ?? [];
  const matching = store
    .actions()
    .filter(
      (action) =>
        isWanted(action, input) && (names.length === 0 || names.includes(action.ScheduledActionName)),
    );
  const page = takePage(matching, input);
  return { ScheduledActions: page.items, ...page.rest };
}

export async function deleteScheduledAction({ store }: AutoscalingOptions, payload: object): Promise<object> {
  const input = parseRequest(deleteInput, payload);
  const action = store.action(input, input.ScheduledActionName);
  if (action === undefined) {
    throw new AwsError(
      'ObjectNotFoundException',
      `No scheduled action found for ${describeResource(input)}, scheduled action name: ${input.ScheduledActionName}`,
    );
  }
  store.removeAction(action);
  return {};
}
