/** A service that plays the looks it was given, one a call; the last one stays. */
import type { ServiceSettings } from '../../src/domain/explanation.ts';
import type { ServiceSnapshot } from '../../src/domain/rollout.ts';
import type { ServicePort } from '../../src/ports.ts';
import { sampleSettings } from './sample-settings.ts';

export interface PlayedService extends ServicePort {
  /** What the configuration says from now on. */
  configure(changes: Partial<ServiceSettings>): void;
  /** What the next looks show; an error is thrown. Without any there is no service. */
  play(...looks: readonly (ServiceSnapshot | Error | undefined)[]): void;
  /** What the load balancer answers to every probe from now on. */
  answer(status: number | undefined, detail: string): void;
  /** What tasks logged, by task id. */
  readonly logs: Map<string, readonly string[]>;
  /** What the service shows after it was made to start anew; without it, it fails again as it did. */
  afterStart: readonly ServiceSnapshot[];
  /** Addresses that were probed. */
  readonly probed: readonly string[];
}

export function createPlayedService(journal: string[]): PlayedService {
  let looks: readonly (ServiceSnapshot | Error | undefined)[] = [];
  let next = 0;
  let answered: { readonly status: number | undefined; readonly detail: string } = {
    status: 200,
    detail: '200 OK',
  };
  const logs = new Map<string, readonly string[]>();
  const probed: string[] = [];
  let configured = sampleSettings();
  const played: PlayedService = {
    afterStart: [],
    configure(changes) {
      configured = sampleSettings(changes);
    },
    logs,
    probed,
    play(...given) {
      looks = given;
      next = 0;
    },
    answer(status, detail) {
      answered = { status, detail };
    },
    async snapshot() {
      const look = looks[Math.min(next, looks.length - 1)];
      next += 1;
      if (look instanceof Error) throw look;
      return look;
    },
    async settings() {
      return configured;
    },
    async taskLog(taskId, lines) {
      return (logs.get(taskId) ?? []).slice(-lines);
    },
    async probe(url) {
      probed.push(url);
      return answered;
    },
    async retireTaskDefinitions() {
      return 0;
    },
    async startAnew() {
      journal.push('service: start anew');
      const last = looks.at(-1);
      if (played.afterStart.length > 0) played.play(...played.afterStart);
      else if (last && !(last instanceof Error)) played.play(withNewDeployments(last));
    },
    async disableDeletionProtection() {
      journal.push('load balancer: deletion protection off');
    },
  };
  return played;
}

function withNewDeployments(snapshot: ServiceSnapshot): ServiceSnapshot {
  const deployments = snapshot.deployments.map((each) => ({ ...each, id: `${each.id}-again` }));
  return { ...snapshot, deployments };
}
