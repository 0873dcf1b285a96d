/**
 * Task definitions, which moto keeps: loaded by name or ARN and parsed to what a task needs.
 */
import * as z from 'zod';
import { AwsError, type ControlPlane } from '../../contract.ts';

const pair = z.object({ name: z.string(), value: z.string().default('') });

const container = z.object({
  name: z.string(),
  image: z.string(),
  essential: z.boolean().default(true),
  cpu: z.number().default(0),
  memory: z.number().optional(),
  memoryReservation: z.number().optional(),
  portMappings: z.array(z.object({ containerPort: z.number().optional() })).default([]),
  environment: z.array(pair).default([]),
  secrets: z.array(z.object({ name: z.string(), valueFrom: z.string() })).default([]),
  entryPoint: z.array(z.string()).optional(),
  command: z.array(z.string()).optional(),
  stopTimeout: z.number().optional(),
  /** Seconds, AWS-side; AWS's own defaults. */
  healthCheck: z
    .object({
      command: z.array(z.string()),
      interval: z.number().default(30),
      timeout: z.number().default(5),
      retries: z.number().default(3),
      startPeriod: z.number().default(0),
    })
    .optional(),
  logConfiguration: z
    .object({
      logDriver: z.string(),
      options: z.record(z.string(), z.string()).default({}),
    })
    .optional(),
});

const taskDefinition = z.object({
  taskDefinitionArn: z.string(),
  family: z.string(),
  revision: z.number(),
  status: z.string().default('ACTIVE'),
  networkMode: z.string().optional(),
  cpu: z.coerce.string().optional(),
  memory: z.coerce.string().optional(),
  executionRoleArn: z.string().optional(),
  runtimePlatform: z.object({ cpuArchitecture: z.string().optional() }).optional(),
  containerDefinitions: z.array(container).min(1),
});

export type TaskDefinition = z.infer<typeof taskDefinition>;
export type ContainerDefinition = TaskDefinition['containerDefinitions'][number];
export interface LoadedTaskDefinition extends TaskDefinition {
  readonly tags: readonly { readonly key: string; readonly value: string }[];
}

const tagList = z.array(z.object({ key: z.string(), value: z.string().default('') })).default([]);

/**
 * @param reference family, family:revision or ARN
 * @throws AwsError `ClientException` when there is no such task definition
 */
export async function loadTaskDefinition(
  control: ControlPlane,
  reference: string,
): Promise<LoadedTaskDefinition> {
  const answer = await control.json('ecs', 'DescribeTaskDefinition', {
    taskDefinition: reference,
    include: ['TAGS'],
  });
  const parsed = taskDefinition.safeParse(answer.taskDefinition);
  if (!parsed.success)
    throw new AwsError('ClientException', `Unable to describe task definition ${reference}.`);
  const tags = tagList.safeParse(answer.tags ?? undefined);
  return { ...parsed.data, tags: tags.success ? tags.data : [] };
}

/** The container that runs: the first essential one (AWS demands at least one). */
export function essentialContainer(definition: TaskDefinition): ContainerDefinition | undefined {
  return (
    definition.containerDefinitions.find((candidate) => candidate.essential) ??
    definition.containerDefinitions[0]
  );
}
