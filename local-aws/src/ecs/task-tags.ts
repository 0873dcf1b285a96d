/**
 * The tags that a service's new task gets. Pure.
 */
import type { ServiceRecord, ServiceRevision, Tag } from './model.ts';

/** Managed tags (cluster and service name) and those propagated from the service or the task definition. */
export function taskTags(
  service: Pick<ServiceRecord, 'name' | 'clusterName' | 'tags'>,
  revision: Pick<ServiceRevision, 'enableEcsManagedTags' | 'propagateTags' | 'definitionTags'>,
): Tag[] {
  const tags = new Map<string, string>();
  const propagated = { NONE: [], SERVICE: service.tags, TASK_DEFINITION: revision.definitionTags }[
    revision.propagateTags
  ];
  for (const { key, value } of propagated) tags.set(key, value);
  if (revision.enableEcsManagedTags) {
    tags.set('aws:ecs:clusterName', service.clusterName);
    tags.set('aws:ecs:serviceName', service.name);
  }
  return [...tags].map(([key, value]) => ({ key, value }));
}
