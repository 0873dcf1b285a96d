/** What the services run and what it takes: for metrics, and for the autoscaler. */
import { isPending, isRunning } from './render/service.ts';
import type { Store } from './store.ts';

export interface TaskLoad {
  readonly id: string;
  /** Reserved by the task: 1024 are one vCPU. */
  readonly cpuUnits: number;
  readonly memoryMb: number;
  /** CPU units since the call before, and memory now. */
  usage(): { readonly cpuUnits: number; readonly memoryMb: number };
}

export interface ServiceLoad {
  readonly clusterName: string;
  readonly serviceName: string;
  readonly desiredCount: number;
  readonly runningCount: number;
  readonly pendingCount: number;
  /** Whether a deployment is in progress: Application Auto Scaling does not scale in then. */
  readonly deploying: boolean;
  readonly tasks: readonly TaskLoad[];
}

export function readServiceLoads(store: Store): readonly ServiceLoad[] {
  return store
    .services()
    .filter((service) => service.status === 'ACTIVE')
    .map((service) => {
      const tasks = store.tasksOf(service).filter((task) => task.status !== 'STOPPED');
      return {
        clusterName: service.clusterName,
        serviceName: service.name,
        desiredCount: service.desiredCount,
        runningCount: tasks.filter(isRunning).length,
        pendingCount: tasks.filter(isPending).length,
        deploying: service.deployments[0]?.rolloutState === 'IN_PROGRESS',
        tasks: tasks.flatMap(({ id, cpu, memory, running }) =>
          running === undefined
            ? []
            : [{ id, cpuUnits: Number(cpu), memoryMb: Number(memory), usage: () => running.usage() }],
        ),
      };
    });
}

/** @param resourceId `service/CLUSTER/NAME` */
export function findLoad(loads: readonly ServiceLoad[], resourceId: string): ServiceLoad | undefined {
  return loads.find(({ clusterName, serviceName }) => `service/${clusterName}/${serviceName}` === resourceId);
}
