/**
 * Shortages of Fargate: no capacity at a provider, or the account's vCPU quota. None by default; a rehearsal
 * declares them through the gateway. Pure but for the declared conditions themselves.
 */
import * as z from 'zod';
import type { TaskRecord } from './model.ts';

const conditions = z.strictObject({
  /** Capacity providers that have nothing to give. */
  unavailableCapacity: z.array(z.enum(['FARGATE', 'FARGATE_SPOT'])).default([]),
  /** vCPUs of On-Demand and of Spot tasks together that may run at once; null for no limit. */
  vcpuLimit: z.number().positive().nullable().default(null),
});

export type Conditions = z.infer<typeof conditions>;

const CPU_UNITS_PER_VCPU = 1_024;

const MORE = 'For more information, see the Troubleshooting section of the Amazon ECS Developer Guide.';
export const placementText = {
  capacity: `Capacity is unavailable at this time. Please try again later or in a different availability zone. ${MORE}`,
  quota: `You've reached the limit on the number of vCPUs you can run concurrently. ${MORE}`,
} as const;

export class DeclaredConditions {
  #current: Conditions = conditions.parse({});

  get current(): Conditions {
    return this.#current;
  }

  /** @throws Error that names what is malformed */
  declare(input: unknown): Conditions {
    const parsed = conditions.safeParse(input);
    if (!parsed.success) throw new Error(z.prettifyError(parsed.error));
    this.#current = parsed.data;
    return parsed.data;
  }
}

/** CPU units of all tasks that have not ended. */
export function usedCpuUnits(tasks: readonly Pick<TaskRecord, 'status' | 'revision'>[]): number {
  return tasks
    .filter((task) => task.status !== 'STOPPED')
    .reduce((sum, task) => sum + task.revision.cpuUnits, 0);
}

/**
 * @param wanted the provider and CPU units of the task to place
 * @param usedCpuUnits of all tasks that live now
 * @returns AWS's reason when it can't be placed
 */
export function refusePlacement(
  { unavailableCapacity, vcpuLimit }: Conditions,
  wanted: { readonly capacityProvider: string | undefined; readonly cpuUnits: number },
  usedCpuUnits: number,
): string | undefined {
  const provider = wanted.capacityProvider ?? 'FARGATE';
  if (unavailableCapacity.some((name) => name === provider)) return placementText.capacity;
  const limit = vcpuLimit === null ? Number.POSITIVE_INFINITY : vcpuLimit * CPU_UNITS_PER_VCPU;
  return usedCpuUnits + wanted.cpuUnits > limit ? placementText.quota : undefined;
}
