/** Chaos of the embedded AWS, put together: what the daemon needs of it. */
import { randomInt } from 'node:crypto';
import type { Clock, ControlPlane } from '../contract.ts';
import type { Ecs } from '../ecs/index.ts';
import type { ApiCall } from '../gateway/api-call.ts';
import type { LocalRoute } from '../gateway/gateway-server.ts';
import { readXml, textAt } from '../gateway/xml.ts';
import type { Identities } from '../identities/create-identities.ts';
import { ApiFaults } from './api-faults.ts';
import { createChaosActions } from './carry-out-chaos.ts';
import { ChaosDesk, type KeptChaos } from './chaos-desk.ts';
import type { ChaosEntry } from './chaos-entry.ts';
import { createChaosRoute } from './chaos-route.ts';
import { MAX_SEED } from './seeded-random.ts';

export interface ChaosOptions {
  readonly ecs: Pick<Ecs, 'zones' | 'findTask' | 'interruptSpot' | 'status'>;
  readonly control: ControlPlane;
  readonly identities: Identities;
  readonly clock: Clock;
  readonly log: (line: string) => void;
  /** Told when the snapshot may be another. */
  readonly changed: () => void;
}

export interface Chaos {
  readonly route: LocalRoute;
  /** Before anything else sees a call of AWS's API; rejects or throws with the AwsError that answers it. */
  admit(describe: () => ApiCall): Promise<void> | undefined;
  active(): readonly ChaosEntry[];
  /** What goes on after a stop: zones that are down. */
  snapshot(): KeptChaos;
  restore(saved: unknown): void;
  /** Begins again what was restored. */
  resume(): Promise<void>;
  /** Undoes everything. */
  close(): void;
}

export function createChaos({ ecs, control, identities, clock, log, changed }: ChaosOptions): Chaos {
  const faults = new ApiFaults(clock);
  const platform = {
    zones: ecs.zones,
    zoneNames: () => loadZoneNames(control),
    environments: () => ecs.status(),
    findTask: (reference: string) => ecs.findTask(reference),
    interruptSpot: ecs.interruptSpot,
    accessKeyOf: (identity: keyof Identities) => identities[identity].accessKeyId,
  };
  const begin = createChaosActions(platform, faults, () => randomInt(MAX_SEED));
  const desk = new ChaosDesk({ clock, begin, log, changed });
  return {
    route: createChaosRoute(desk),
    admit: (describe) => (faults.idle ? undefined : faults.admit(describe())),
    active: () => desk.list().active,
    snapshot: () => desk.snapshot(),
    restore: (saved) => desk.restore(saved),
    resume: () => desk.resume(),
    close: () => desk.close(),
  };
}

async function loadZoneNames(control: ControlPlane): Promise<readonly string[]> {
  const answer = readXml(await control.query('ec2', 'DescribeAvailabilityZones', {}));
  const zones = answer.children.find(({ name }) => name === 'availabilityZoneInfo')?.children ?? [];
  return zones.flatMap((zone) => textAt(zone, 'zoneName') ?? []).sort();
}
