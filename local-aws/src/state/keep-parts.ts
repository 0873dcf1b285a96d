/** Which parts of the embedded AWS outlive a stop besides the control plane, and when they are saved. */
import type { AutoscalingStore } from '../autoscaling/autoscaling-store.ts';
import type { Chaos } from '../chaos/create-chaos.ts';
import type { RuleDescriptionsOverlay } from '../ec2/rule-descriptions-overlay.ts';
import type { ImageRegistry } from '../ecr/open-image-registry.ts';
import type { Ecs } from '../ecs/index.ts';
import type { SnapshotStore } from './snapshot-store.ts';

export interface KeptParts {
  readonly images: ImageRegistry;
  readonly ecs: Ecs;
  readonly autoscaling: AutoscalingStore;
  readonly descriptions: RuleDescriptionsOverlay;
  readonly chaos: Chaos;
}

/** Before the first request, with load balancers in place: restored services start their tasks at once. */
export async function keepParts(snapshots: SnapshotStore, parts: KeptParts): Promise<void> {
  const { images, ecs, autoscaling, descriptions, chaos } = parts;
  snapshots.add({ name: 'images', ...images });
  await images.removeUnusedBlobs();
  snapshots.add({ name: 'rule-descriptions', ...descriptions });
  snapshots.add({
    name: 'autoscaling',
    snapshot: () => autoscaling.snapshot(),
    restore: (saved) => autoscaling.restore(saved as ReturnType<AutoscalingStore['snapshot']>),
  });
  snapshots.add({ name: 'chaos', ...chaos });
  // Before services look for a zone to start in.
  await chaos.resume();
  snapshots.add({ name: 'ecs', ...ecs });
  ecs.onChange(() => {
    snapshots.touch('ecs');
    // Whatever scales, changes a desired count.
    snapshots.touch('autoscaling');
  });
}
