/**
 * The services as `local status` shows them.
 */
import type { LoadBalancerPlane, LocalEnvironment } from '../../contract.ts';
import type { ServiceRecord, TaskRecord } from '../model.ts';
import type { Store } from '../store.ts';
import { isPending, isRunning } from './service.ts';

/** Of the listeners of a load balancer, the one that a person is sent to: the first that is there. */
const LISTENER_PORTS = [80, 443];

/** Load balancer ARN by target group ARN. */
type LoadBalancers = ReadonlyMap<string, string>;

function urlOf(balancer: LoadBalancerPlane, loadBalancerArn: string | undefined): string | undefined {
  if (loadBalancerArn === undefined) return undefined;
  for (const listenerPort of LISTENER_PORTS) {
    const port = balancer.localPort(loadBalancerArn, listenerPort);
    if (port !== undefined) return `http://127.0.0.1:${port}`;
  }
  return undefined;
}

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
  loadBalancerOf: LoadBalancers,
  service: ServiceRecord,
): LocalEnvironment {
  const tasks = store.tasksOf(service).filter((task) => task.status !== 'STOPPED');
  const [binding] = service.revision.loadBalancers;
  return {
    name: service.tags.find((tag) => tag.key === 'Environment')?.value ?? service.clusterName,
    cluster: service.clusterName,
    service: service.name,
    url: binding && urlOf(balancer, loadBalancerOf.get(binding.targetGroupArn)),
    desired: service.desiredCount,
    running: tasks.filter(isRunning).length,
    pending: tasks.filter(isPending).length,
    tasks: tasks.map((task) => renderTask(balancer, task)),
  };
}

export function renderStatus(
  store: Store,
  balancer: LoadBalancerPlane,
  loadBalancerOf: LoadBalancers,
): LocalEnvironment[] {
  return store
    .services()
    .filter((service) => service.status !== 'INACTIVE')
    .map((service) => renderEnvironment(store, balancer, loadBalancerOf, service));
}
