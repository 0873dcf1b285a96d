/** Fargate's sizes, against the table of the developer guide. */
import { expect, it } from 'vitest';
import { describeMemories, FARGATE_CPU_UNITS, fargateMemories } from './fargate.ts';

/** vCPU → GB: first, last, count. */
it.each([
  [256, 512, 2048, 3],
  [512, 1024, 4096, 4],
  [1024, 2048, 8192, 7],
  [2048, 4096, 16_384, 13],
  [4096, 8192, 30_720, 23],
  [8192, 16_384, 61_440, 12],
  [16_384, 32_768, 122_880, 12],
])('[fargate.sizes] %i CPU units go with %i to %i MiB in %i sizes', (cpu, first, last, count) => {
  const sizes = fargateMemories(cpu);
  expect([sizes[0], sizes.at(-1), sizes.length]).toEqual([first, last, count]);
  expect(FARGATE_CPU_UNITS).toContain(cpu);
});

it('[fargate.sizes] knows no other CPU sizes', () => {
  expect(FARGATE_CPU_UNITS).toHaveLength(7);
  expect(fargateMemories(300)).toEqual([]);
});

it('says the sizes in words', () => {
  expect(describeMemories(256)).toBe('512, 1024 or 2048');
  expect(describeMemories(4096)).toBe('8192 to 30720 in steps of 1024');
});
