/** How many tasks a service has, set by whoever scales it, which is never a user of the API. */
import type { Clock } from '../contract.ts';
import { changeDesiredCount } from './api/update-service.ts';
import { serviceKey } from './identifiers.ts';
import type { Store } from './store.ts';
import { eventText } from './wording.ts';

interface Surroundings {
  readonly store: Store;
  readonly clock: Clock;
  readonly log: (line: string) => void;
}

/**
 * @param resourceId `service/<cluster>/<service>`; one that is not there any more is logged
 * @param cause why, for the service's events and the log
 */
export function setDesiredCount(
  { store, clock, log }: Surroundings,
  resourceId: string,
  count: number,
  cause: string,
): void {
  const [kind, cluster, name] = resourceId.split('/');
  const service = kind === 'service' ? store.service(serviceKey(cluster ?? '', name ?? '')) : undefined;
  if (service?.status !== 'ACTIVE') {
    log(`desired count of ${resourceId} not set to ${count}: no such active service (${cause})`);
    return;
  }
  log(`desired count of ${resourceId}: ${service.desiredCount} -> ${count} (${cause})`);
  changeDesiredCount(service, count);
  store.addEvent(service, eventText.autoscaled(count, cause), clock.now());
  store.touch();
}
