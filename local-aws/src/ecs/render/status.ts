/**
 * The services as `local status` shows them.
 */
import type { LoadBalancerPlane, LocalEnvironment } from '../../contract.ts';
import type { ServiceRecord, TaskRecord } from '../model.ts';
import type { Store } from '../store.ts';
import { isPending, isRunning } from './service.ts';

/** The load balancer that a target group hangs on; kept up to date by whoever knows the control plane. */
export type LoadBalancerUrl = (targetGroupArn: string) => string | undefined;

function renderTask(balancer: LoadBalancerPlane, task: TaskRecord): LocalEnvironment['tasks'][number] {
  const [registration] = task.targets;
  const health = registration
    ? balancer
        .health(registration.targetGroupArn)
        .find(
          (entry) =>
            entry.target.id === registration.target.id && entry.target.port === registration.target.port,
        )
    : undefined;
  return {
    id: task.id,
    zone: task.zone,
    privateIp: task.network?.privateIp ?? '',
    address: task.running ? `${task.running.address}:${task.running.port}` : '',
    lastStatus: task.status,
    health: health?.state,
    startedAt: task.startedAt === undefined ? undefined : new Date(task.startedAt).toISOString(),
  };
}

function renderEnvironment(
  store: Store,
  balancer: LoadBalancerPlane,
  urlOf: LoadBalancerUrl,
  service: ServiceRecord,
): LocalEnvironment {
  const tasks = store.tasksOf(service).filter((task) => task.status !== 'STOPPED');
  const [binding] = service.revision.loadBalancers;
  return {
    name: service.tags.find((tag) => tag.key === 'Environment')?.value ?? service.clusterName,
    cluster: service.clusterName,
    service: service.name,
    url: binding ? urlOf(binding.targetGroupArn) : undefined,
    desired: service.desiredCount,
    running: tasks.filter(isRunning).length,
    pending: tasks.filter(isPending).length,
    tasks: tasks.map((task) => renderTask(balancer, task)),
  };
}

export function renderStatus(
  store: Store,
  balancer: LoadBalancerPlane,
  urlOf: LoadBalancerUrl,
): LocalEnvironment[] {
  return store
    .services()
    .filter((service) => service.status !== 'INACTIVE')
    .map((service) => renderEnvironment(store, balancer, urlOf, service));
}
