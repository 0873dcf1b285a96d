/** Randomness that repeats: ids and secrets are counted. */
import { Secret } from '../../src/domain/secret.ts';
import type { Random } from '../../src/ports.ts';

export function createMemoryRandom(prefix = 'id'): Random {
  let count = 0;
  return {
    id: () => `${prefix}-${++count}`,
    secret: (bytes) => new Secret(`${prefix}-secret-${++count}`.padEnd(bytes, 'x')),
  };
}
