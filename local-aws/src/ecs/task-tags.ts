/**
 * The tags that a service's new task gets. Pure.
 */
import type { ServiceRecord, ServiceRevision, Tag } from './model.ts';

/**
 * Managed tags (cluster and service name) and propagated ones. Tags of the task definition are handed in,
 * since moto keeps them.
 */
export function taskTags(
  service: Pick<ServiceRecord, 'name' | 'clusterName' | 'tags'>,
  revision: Pick<ServiceRevision, 'enableEcsManagedTags' | 'propagateTags'>,
  definitionTags: readonly Tag[] = [],
): Tag[] {
  const tags = new Map<string, string>();
  const propagated = { NONE: [], SERVICE: service.tags, TASK_DEFINITION: definitionTags }[
    revision.propagateTags
  ];
  for (const { key, value } of propagated) tags.set(key, value);
  if (revision.enableEcsManagedTags) {
    tags.set('aws:ecs:clusterName', service.clusterName);
    tags.set('aws:ecs:serviceName', service.name);
  }
  return [...tags].map(([key, value]) => ({ key, value }));
}
