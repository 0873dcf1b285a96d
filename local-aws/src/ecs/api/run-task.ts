/**
 * RunTask: tasks that belong to no service.
 */

import type { z } from 'zod';
import type { AwsRequest } from '../../contract.ts';
import { chooseCapacityProvider } from '../decide/capacity-provider.ts';
import { zonesToStartIn } from '../decide/zone-spread.ts';
import { createTaskRecord } from '../lifecycle/task-record.ts';
import { cpuUnitsOf } from '../lifecycle/task-spec.ts';
import type { Json, ServiceRevision, Tag, TaskOverrides } from '../model.ts';
import { placementText, refusePlacement, usedCpuUnits } from '../placement.ts';
import { renderTask } from '../render/task.ts';
import { requireNetwork, requireTaskDefinition } from './checks.ts';
import { type ApiContext, invalidParameter, readInput, requireCluster } from './context.ts';
import { decideLaunch } from './decide-launch.ts';
import { runTaskInput } from './schemas.ts';

/** RunTask starts at most this many tasks at once. */
const MAX_COUNT = 10;

type RunTaskInput = z.infer<typeof runTaskInput>;

function readOverrides(input: RunTaskInput, containers: readonly string[]): TaskOverrides {
  const overrides = input.overrides?.containerOverrides ?? [];
  for (const { name } of overrides)
    if (name !== undefined && !containers.includes(name))
      throw invalidParameter(
        `Override for container named ${name} is not a container in the TaskDefinition.`,
      );
  return {
    environment: overrides.flatMap((override) => override.environment ?? []),
    command: overrides.find((override) => override.command !== undefined)?.command,
    raw: { containerOverrides: [], inferenceAcceleratorOverrides: [], ...input.overrides },
  };
}

function tagsOf(input: RunTaskInput, cluster: string, definitionTags: readonly Tag[]): Tag[] {
  const tags = new Map<string, string>();
  if (input.propagateTags === 'TASK_DEFINITION')
    for (const { key, value } of definitionTags) tags.set(key, value);
  if (input.enableECSManagedTags) tags.set('aws:ecs:clusterName', cluster);
  for (const { key, value } of input.tags ?? []) tags.set(key, value);
  return [...tags].map(([key, value]) => ({ key, value }));
}

/** The provider of each task, or AWS's reason when not all of them can be placed. */
function chooseCapacity(
  { store, conditions }: ApiContext,
  revision: ServiceRevision,
  count: number,
): { readonly providers: readonly (string | undefined)[]; readonly refusal: string | undefined } {
  const { capacityProviderStrategy, cpuUnits } = revision;
  const providers: (string | undefined)[] = [];
  let used = usedCpuUnits(store.tasks());
  let refusal: string | undefined;
  for (let i = 0; i < count; i++) {
    const capacityProvider = chooseCapacityProvider(capacityProviderStrategy, providers);
    refusal ??= refusePlacement(conditions.current, { capacityProvider, cpuUnits }, used);
    used += cpuUnits;
    providers.push(capacityProvider);
  }
  return { providers, refusal };
}

export async function runTask(context: ApiContext, request: AwsRequest): Promise<Json> {
  const { store, scope, clock, runner, subnets, outages } = context;
  const input = readInput(runTaskInput, request);
  const count = input.count ?? 1;
  if (count < 1 || count > MAX_COUNT)
    throw invalidParameter(`Count must be between 1 and ${MAX_COUNT}, not ${count}.`);
  const summary = await requireCluster(context, input.cluster);
  const cluster = summary.name;
  const definition = await requireTaskDefinition(context, input.taskDefinition);
  const launch = decideLaunch(input, summary);
  if (launch.launchType === 'EC2' || launch.launchType === 'EXTERNAL')
    throw invalidParameter('No Container Instances were found in your cluster.');
  const network = await requireNetwork(context, input.networkConfiguration);
  const overrides = readOverrides(
    input,
    definition.containerDefinitions.map((container) => container.name),
  );
  const revision: ServiceRevision = {
    taskDefinitionArn: definition.taskDefinitionArn,
    cpuUnits: cpuUnitsOf(definition),
    ...launch,
    platformVersion: input.platformVersion ?? 'LATEST',
    network,
    loadBalancers: [],
    enableEcsManagedTags: input.enableECSManagedTags,
    propagateTags: input.propagateTags || 'NONE',
    definitionTags: definition.tags,
    serviceRegistries: [],
  };
  const all = [...new Set(subnets.known(network.subnets).map((subnet) => subnet.zone))];
  const zones = all.filter((zone) => !outages.isDown(zone));
  if (zones.length === 0) return { tasks: [], failures: [{ reason: placementText.capacity }] };
  const capacity = chooseCapacity(context, revision, count);
  if (capacity.refusal !== undefined) return { tasks: [], failures: [{ reason: capacity.refusal }] };
  const started = zonesToStartIn(zones, [], count).map((zone, i) => {
    const task = createTaskRecord(
      scope,
      {
        clusterName: cluster,
        service: undefined,
        deployment: undefined,
        group: input.group ?? `family:${definition.family}`,
        startedBy: input.startedBy,
        revision,
        capacityProvider: capacity.providers[i],
        overrides,
        enableExecuteCommand: input.enableExecuteCommand,
        tags: tagsOf(input, cluster, definition.tags),
        zone,
      },
      clock.now(),
    );
    store.putTask(task);
    return task;
  });
  for (const task of started) runner.launch(task);
  return { tasks: started.map((task) => renderTask(scope, task, true)), failures: [] };
}
