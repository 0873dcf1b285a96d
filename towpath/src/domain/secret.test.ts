/** A secret shows itself nowhere but where it is asked for. */
import { format, inspect } from 'node:util';
import { expect, it } from 'vitest';
import { Secret } from './secret.ts';

const VALUE = 'hunter2';
const secret = new Secret(VALUE);

it.each<[string, () => string]>([
  ['interpolation', () => `${secret}`],
  ['JSON', () => JSON.stringify({ secret })],
  ['inspection', () => inspect({ deep: { secret } }, { depth: 9, showHidden: true })],
  ['formatting', () => format('%s %o %j', secret, secret, secret)],
  ['an error', () => inspect(new Error(`failed with ${secret}`))],
  ['its keys', () => [...Reflect.ownKeys(secret), ...Object.values(secret)].map(String).join()],
])('%s hides it', (_, show) => {
  expect(show()).not.toContain(VALUE);
});

it('reveals it when asked', () => {
  expect(secret.reveal()).toBe(VALUE);
});
