/** A local port that stays the same for a name, from run to run. Pure, but for the binding that it is given. */

/** Ports from which names get theirs. */
export const PORT_RANGE = 1000;

/** FNV-1a, 32 bits: short, and spreads similar names well. */
function hash(text: string): number {
  let value = 0x811c9dc5;
  for (const byte of Buffer.from(text)) value = Math.imul(value ^ byte, 0x01000193) >>> 0;
  return value;
}

export function stablePort(basePort: number, name: string): number {
  return basePort + (hash(name) % PORT_RANGE);
}

/**
 * Binds the stable port of a name, or the next free one of the range.
 * @param bind resolves to false when the port is taken
 * @throws Error when the whole range is taken
 */
export async function bindStablePort(
  basePort: number,
  name: string,
  bind: (port: number) => Promise<boolean>,
): Promise<number> {
  const first = stablePort(basePort, name);
  for (let step = 0; step < PORT_RANGE; step += 1) {
    const port = basePort + ((first - basePort + step) % PORT_RANGE);
    if (await bind(port)) return port;
  }
  const last = basePort + PORT_RANGE - 1;
  throw new Error(
    `no free port from ${basePort} to ${last} for load balancer ${name}: stop what listens there`,
  );
}
