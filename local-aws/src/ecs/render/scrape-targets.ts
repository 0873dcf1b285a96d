/**
 * Running tasks of services as Prometheus' HTTP service discovery wants them (`http_sd_config`): a list of target
 * groups, each with its labels. Tasks that are on their way in or out are left out, so that a rollout rings no alarm.
 */
import type { ServiceRecord, TaskRecord } from '../model.ts';
import type { Store } from '../store.ts';
import { isRunning } from './service.ts';

/** As `local status` and `towpath logs` cut them. */
const SHORT_TASK_CHARS = 12;
const SHORT_DIGEST_CHARS = 12;
const DIGEST_PREFIX = 'sha256:';

/** One entry of the answer of `GET /_local/scrape-targets`, in the format of Prometheus' HTTP service discovery. */
export interface ScrapeTargetGroup {
  /** `127.2.101.7:5000` */
  readonly targets: readonly string[];
  readonly labels: Readonly<Record<string, string>>;
}

export function renderScrapeTargets(store: Store): ScrapeTargetGroup[] {
  return store
    .services()
    .flatMap((service) => store.tasksOf(service).flatMap((task) => renderTask(service, task)));
}

function renderTask(service: ServiceRecord, task: TaskRecord): ScrapeTargetGroup[] {
  if (!isRunning(task) || task.running === undefined) return [];
  const { address, port } = task.running;
  return [
    {
      targets: [`${address}:${port}`],
      labels: {
        environment: tagOf(service, 'Environment') ?? service.clusterName,
        service: tagOf(service, 'Application') ?? service.name,
        task: task.id.slice(0, SHORT_TASK_CHARS),
        zone: task.zone,
        release: releaseOf(task),
      },
    },
  ];
}

function tagOf(service: ServiceRecord, key: string): string | undefined {
  return service.tags.find((tag) => tag.key === key)?.value;
}

/** The first digits of the image's digest, as the service itself shows them; its tag while there is no digest. */
function releaseOf(task: TaskRecord): string {
  const container = task.containers.find(({ runs }) => runs);
  const digest = container?.imageDigest ?? container?.image.split('@')[1];
  if (digest?.startsWith(DIGEST_PREFIX) === true)
    return digest.slice(DIGEST_PREFIX.length, DIGEST_PREFIX.length + SHORT_DIGEST_CHARS);
  return container?.image.slice(container.image.lastIndexOf(':') + 1) ?? '';
}
