import { expect, it } from 'vitest';
import { commandToFill, commandToRenew } from './next-command.ts';

it.each([
  [0, 'towpath deploy test', 'towpath deploy test'],
  [1, 'towpath promote test', 'towpath apply test'],
])('at place %i of the ladder', (position, fill, renew) => {
  expect(commandToFill({ name: 'test', position })).toBe(fill);
  expect(commandToRenew({ name: 'test', position })).toBe(renew);
});
