import { describe, expect, it } from 'vitest';
import { createLocalPorts, derivePort } from './local-ports.ts';

const NAME = 'towpath-test-alb';
const WANTED = derivePort(8000, NAME);
const AFTER = 8000 + ((WANTED - 8000 + 1) % 1000);
const AFTER_THAT = 8000 + ((WANTED - 8000 + 2) % 1000);

const free = async () => true;
const taken =
  (...ports: number[]) =>
  async (port: number) =>
    !ports.includes(port);

function portsWith(saved?: object) {
  const lines: string[] = [];
  let changes = 0;
  const ports = createLocalPorts({ log: (line) => lines.push(line), changed: () => void changes++ });
  if (saved !== undefined) ports.restore(saved);
  return { ports, lines, changes: () => changes };
}

describe('a local port', () => {
  it('follows from the name, is the next one when that is taken, and is missing when all are', async () => {
    expect(derivePort(8000, NAME)).toBe(WANTED);
    expect(await portsWith().ports.bind(NAME, free)).toBe(WANTED);
    const { ports, lines, changes } = portsWith();
    expect(await ports.bind(NAME, taken(WANTED))).toBe(AFTER);
    expect([lines, ports.moved(), changes()]).toEqual([[], [], 1]);
    let tried = 0;
    const never = ports.bind('x', async () => {
      tried += 1;
      return false;
    });
    await expect(never).rejects.toThrow('no free port from 8000 to 8999');
    // All but the one that the first has.
    expect(tried).toBe(999);
  });

  it('is the same after the next start, though the first choice is free then', async () => {
    const before = portsWith().ports;
    await before.bind(NAME, taken(WANTED));
    const { ports, lines, changes } = portsWith(JSON.parse(JSON.stringify(before.snapshot())));
    expect(await ports.bind(NAME, free)).toBe(AFTER);
    expect([lines, ports.moved(), changes()]).toEqual([[], [], 0]);
  });

  it('is chosen anew when somebody else has it, but never the one of another name, and it is said', async () => {
    const { ports, lines, changes } = portsWith({ [NAME]: WANTED, other: AFTER });
    expect(await ports.bind(NAME, taken(WANTED))).toBe(AFTER_THAT);
    expect(lines).toEqual([
      `port ${WANTED} of load balancer ${NAME} is taken by another program: it has ${AFTER_THAT} now`,
    ]);
    expect(ports.moved()).toEqual([{ name: NAME, from: WANTED, to: AFTER_THAT }]);
    expect(await ports.bind('other', free)).toBe(AFTER);
    expect(ports.snapshot()).toEqual({ [NAME]: AFTER_THAT, other: AFTER });
    expect(changes()).toBe(1);
  });

  it('is forgotten with its load balancer', async () => {
    const { ports, changes } = portsWith({ [NAME]: AFTER });
    ports.forget(NAME);
    ports.forget('nobody');
    expect(ports.snapshot()).toEqual({});
    expect(changes()).toBe(1);
  });

  it('refuses what is no memory of ports', () => {
    expect(() => portsWith({ [NAME]: 'high' })).toThrow(`the port of load balancer ${NAME} is no number`);
  });
});
