import { expect, it } from 'vitest';
import { createWorld } from '../test/world.ts';
import { refuseUnknownSize } from './fargate-sizes.ts';

const GB = 1_024;
const fargate = (cpu: unknown, memory: unknown) => ({ requiresCompatibilities: ['FARGATE'], cpu, memory });

/** vCPU units, smallest and largest memory in GB, step. */
const sizes = [
  [256, 0.5, 0.5, 1],
  [256, 1, 2, 1],
  [512, 1, 4, 1],
  [1_024, 2, 8, 1],
  [2_048, 4, 16, 1],
  [4_096, 8, 30, 1],
  [8_192, 16, 60, 4],
  [16_384, 32, 120, 8],
] as const;

it.each(sizes)('[fargate.sizes] %i units go with %d to %d GB in steps of %d', (cpu, from, to, step) => {
  for (let gb = from; gb <= to; gb += step)
    expect(() => refuseUnknownSize(fargate(String(cpu), String(gb * GB)))).not.toThrow();
  if (cpu !== 256) {
    expect(() => refuseUnknownSize(fargate(cpu, (from - step) * GB))).toThrow(/No Fargate configuration/);
    expect(() => refuseUnknownSize(fargate(cpu, (from + step / 2) * GB))).toThrow(/No Fargate configuration/);
  }
  expect(() => refuseUnknownSize(fargate(cpu, to * GB + 1))).toThrow(/No Fargate configuration/);
});

it.each([
  ['0.25 vCPU', '0.5 GB'],
  ['1 vcpu', '2GB'],
  ['.25 vCPU', '1 GB'],
])('takes %s with %s', (cpu, memory) => {
  expect(() => refuseUnknownSize(fargate(cpu, memory))).not.toThrow();
});

it.each([
  ['300', '512'],
  ['256', '3072'],
  ['much', '512'],
  [{}, []],
  ['', '512'],
  ['256', undefined],
])('refuses %j with %j', (cpu, memory) => {
  expect(() => refuseUnknownSize(fargate(cpu, memory))).toThrow(/Fargate/);
});

it('leaves task definitions for other launch types alone', () => {
  expect(() => refuseUnknownSize({ cpu: '300' })).not.toThrow();
  expect(() => refuseUnknownSize({ requiresCompatibilities: ['EC2'] })).not.toThrow();
});

it('[fargate.sizes-refused] RegisterTaskDefinition of another size never reaches the control plane', async () => {
  const world = createWorld();
  await expect(world.call('RegisterTaskDefinition', fargate('256', '4096'))).rejects.toMatchObject({
    code: 'ClientException',
  });
  await expect(world.call('RegisterTaskDefinition', fargate('256', '512'))).resolves.toMatchObject({
    forwarded: true,
  });
  await world.ecs.stop();
});
