/**
 * The local ports of the load balancers. A port follows from the name the first time, and is remembered from then on:
 * whoever has the address finds the load balancer there after every start, also where another project was first.
 */

/** Ports from which names get theirs. */
const PORT_RANGE = 1000;
const DEFAULT_BASE_PORT = 8000;

export interface LocalPortsOptions {
  readonly log: (line: string) => void;
  /** Ports are taken from the thousand ports that begin here (default 8000). */
  readonly basePort?: number;
  /** Told when there is something new to remember. */
  readonly changed?: () => void;
}

/** A port that was remembered and is somebody else's now. */
export interface MovedPort {
  /** Name of the load balancer; of its second listener and those after it, with `:PORT`. */
  readonly name: string;
  readonly from: number;
  readonly to: number;
}

export interface LocalPorts {
  /**
   * Binds the port of a name: the remembered one, else the one that follows from the name, else the next free one that
   * no other name remembers.
   * @param bind resolves to false when the port is taken
   * @throws Error when the whole range is taken
   */
  bind(name: string, bind: (port: number) => Promise<boolean>): Promise<number>;
  /** The name is gone; its port is anybody's. */
  forget(name: string): void;
  moved(): readonly MovedPort[];
  snapshot(): object;
  /** @throws Error when it is not what `snapshot` gave */
  restore(saved: object): void;
}

export function createLocalPorts(options: LocalPortsOptions): LocalPorts {
  const { log, basePort = DEFAULT_BASE_PORT, changed = () => undefined } = options;
  const ports = new Map<string, number>();
  const moved: MovedPort[] = [];
  return {
    async bind(name, bind) {
      const before = ports.get(name);
      if (before !== undefined && (await bind(before))) return before;
      const port = await bindNext(basePort, name, new Set(ports.values()), bind);
      ports.set(name, port);
      changed();
      if (before !== undefined) {
        moved.push({ name, from: before, to: port });
        log(`port ${before} of load balancer ${name} is taken by another program: it has ${port} now`);
      }
      return port;
    },
    forget(name) {
      if (ports.delete(name)) changed();
    },
    moved: () => moved,
    snapshot: () => Object.fromEntries(ports),
    restore(saved) {
      for (const [name, port] of Object.entries(saved)) {
        if (!Number.isInteger(port)) throw new Error(`the port of load balancer ${name} is no number`);
        ports.set(name, port as number);
      }
    },
  };
}

async function bindNext(
  basePort: number,
  name: string,
  remembered: ReadonlySet<number>,
  bind: (port: number) => Promise<boolean>,
): Promise<number> {
  const first = derivePort(basePort, name);
  for (let step = 0; step < PORT_RANGE; step += 1) {
    const port = basePort + ((first - basePort + step) % PORT_RANGE);
    if (!remembered.has(port) && (await bind(port))) return port;
  }
  const last = basePort + PORT_RANGE - 1;
  throw new Error(
    `no free port from ${basePort} to ${last} for load balancer ${name}: stop what listens there`,
  );
}

/** The same for a name on every computer. Pure. */
export function derivePort(basePort: number, name: string): number {
  return basePort + (hash(name) % PORT_RANGE);
}

/** FNV-1a, 32 bits: short, and spreads similar names well. */
function hash(text: string): number {
  let value = 0x811c9dc5;
  for (const byte of Buffer.from(text)) value = Math.imul(value ^ byte, 0x01000193) >>> 0;
  return value;
}
