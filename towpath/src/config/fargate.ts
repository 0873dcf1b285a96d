/** Task sizes that Fargate offers (Amazon ECS developer guide, "Fargate task size"). Pure. */

interface MemoryRange {
  readonly min: number;
  readonly max: number;
  readonly step: number;
}

/** At the smallest size the memories double instead of growing by a step. */
const SMALLEST = { cpu: 256, memories: [512, 1024, 2048] } as const;

/** CPU units → memory in MiB, above the smallest size. */
const RANGES: ReadonlyMap<number, MemoryRange> = new Map([
  [512, { min: 1024, max: 4096, step: 1024 }],
  [1024, { min: 2048, max: 8192, step: 1024 }],
  [2048, { min: 4096, max: 16_384, step: 1024 }],
  [4096, { min: 8192, max: 30_720, step: 1024 }],
  [8192, { min: 16_384, max: 61_440, step: 4096 }],
  [16_384, { min: 32_768, max: 122_880, step: 8192 }],
]);

export const FARGATE_CPU_UNITS: readonly number[] = [SMALLEST.cpu, ...RANGES.keys()];

/** Memory sizes (MiB) for so many CPU units; empty when there is no such CPU size. */
export function fargateMemories(cpu: number): readonly number[] {
  if (cpu === SMALLEST.cpu) return SMALLEST.memories;
  const range = RANGES.get(cpu);
  if (!range) return [];
  const count = (range.max - range.min) / range.step + 1;
  return Array.from({ length: count }, (_, index) => range.min + index * range.step);
}

/** The same in words: `512, 1024 or 2048`, `8192 to 30720 in steps of 1024`. */
export function describeMemories(cpu: number): string {
  const sizes = fargateMemories(cpu);
  const range = RANGES.get(cpu);
  if (!range || sizes.length <= 4) return `${sizes.slice(0, -1).join(', ')} or ${sizes.at(-1)}`;
  return `${range.min} to ${range.max} in steps of ${range.step}`;
}
