/**
 * Which pairs of CPU and memory Fargate has. Pure. The control plane takes any.
 */
import { AwsError } from '../../contract.ts';

const UNITS_PER_VCPU = 1_024;
const MB_PER_GB = 1_024;

const steps = (fromGb: number, toGb: number, stepGb: number): readonly number[] =>
  Array.from({ length: (toGb - fromGb) / stepGb + 1 }, (_, i) => (fromGb + i * stepGb) * MB_PER_GB);

/** Memory in MB by CPU units. */
const FARGATE_SIZES: ReadonlyMap<number, readonly number[]> = new Map([
  [256, [512, 1_024, 2_048]],
  [512, steps(1, 4, 1)],
  [1_024, steps(2, 8, 1)],
  [2_048, steps(4, 16, 1)],
  [4_096, steps(8, 30, 1)],
  [8_192, steps(16, 60, 4)],
  [16_384, steps(32, 120, 8)],
]);

/** `256`, `0.25 vCPU`; NaN for anything else. */
function parseCpuUnits(value: unknown): number {
  const text = String(value).trim().toLowerCase();
  return /^[\d.]+ ?vcpu$/.test(text) ? Number.parseFloat(text) * UNITS_PER_VCPU : Number(text);
}

/** `512`, `0.5 GB`; NaN for anything else. */
function parseMemoryMb(value: unknown): number {
  const text = String(value).trim().toLowerCase();
  return /^[\d.]+ ?gb$/.test(text) ? Number.parseFloat(text) * MB_PER_GB : Number(text);
}

/**
 * Looks at the input of RegisterTaskDefinition.
 * @throws AwsError `ClientException`, in AWS's words, for a Fargate task definition of a size that Fargate lacks
 */
export function refuseUnknownSize(input: Readonly<Record<string, unknown>>): void {
  const { requiresCompatibilities: wanted, cpu, memory } = input;
  if (!Array.isArray(wanted) || !wanted.includes('FARGATE')) return;
  if (cpu === undefined || cpu === null || cpu === '')
    throw new AwsError('ClientException', "Fargate requires that 'cpu' be defined at the task level.");
  if (memory === undefined || memory === null || memory === '')
    throw new AwsError('ClientException', "Fargate requires that 'memory' be defined at the task level.");
  if (FARGATE_SIZES.get(parseCpuUnits(cpu))?.includes(parseMemoryMb(memory))) return;
  throw new AwsError(
    'ClientException',
    `No Fargate configuration exists for given values: ${String(cpu)} CPU, ${String(memory)} memory. See the Amazon ECS documentation for the valid values.`,
  );
}
