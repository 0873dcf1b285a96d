/** The clock and the randomness of the machine. */
import { randomBytes } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { Secret } from '../domain/secret.ts';
import type { Clock, Random } from '../ports.ts';

export const systemClock: Clock = {
  now: () => new Date(),
  sleep: async (ms, signal) => {
    await delay(ms, undefined, signal === undefined ? {} : { signal });
  },
};

const ID_BYTES = 6;

export const systemRandom: Random = {
  secret: (bytes) => new Secret(randomBytes(bytes).toString('base64url')),
  id: () => randomBytes(ID_BYTES).toString('hex'),
};
