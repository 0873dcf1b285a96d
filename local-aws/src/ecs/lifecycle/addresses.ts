/**
 * Which private address, and which loopback address behind it, a task gets.
 * Deterministic: a cursor walks through each subnet, so that an address is not reused right after its task ended.
 */
import { createServer } from 'node:net';
import { findFreePort } from '../../free-port.ts';

/** AWS keeps the first four addresses of a subnet and the last one. */
const RESERVED_AT_START = 4;
const RESERVED_AT_END = 1;
/** Addresses tried for one task before giving up. */
const MAX_CANDIDATES = 64;
const PROBE_TIMEOUT_MS = 2_000;

function toNumber(ip: string): number | undefined {
  const parts = ip.split('.').map(Number);
  if (parts.length !== 4 || parts.some((part) => !Number.isInteger(part) || part < 0 || part > 255))
    return undefined;
  return parts.reduce((sum, part) => sum * 256 + part, 0);
}

const toIp = (value: number): string =>
  [24, 16, 8, 0].map((shift) => Math.floor(value / 2 ** shift) % 256).join('.');

/** Offsets of the first and last usable host and the network address; undefined for a malformed CIDR. */
export function hostRange(
  cidr: string,
): { readonly network: number; readonly first: number; readonly last: number } | undefined {
  const [base, prefixText] = cidr.split('/');
  const prefix = Number(prefixText);
  const address = toNumber(base ?? '');
  if (address === undefined || !Number.isInteger(prefix) || prefix < 8 || prefix > 28) return undefined;
  const size = 2 ** (32 - prefix);
  return {
    network: address - (address % size),
    first: RESERVED_AT_START,
    last: size - 1 - RESERVED_AT_END,
  };
}

/** 10.2.101.7 → 127.2.101.7: the whole of 127.0.0.0/8 is loopback. */
export function loopbackOf(privateIp: string): string {
  return `127.${privateIp.split('.').slice(1).join('.')}`;
}

/** Addresses of `cidr` after `cursor` (an offset in the subnet), wrapping around, at most `limit` free ones. */
export function candidateAddresses(
  cidr: string,
  cursor: number,
  taken: ReadonlySet<string>,
  limit = MAX_CANDIDATES,
): readonly { readonly ip: string; readonly offset: number }[] {
  const range = hostRange(cidr);
  if (!range) return [];
  const span = range.last - range.first + 1;
  const start = cursor < range.first || cursor > range.last ? range.first - 1 : cursor;
  const found: { ip: string; offset: number }[] = [];
  for (let step = 1; step <= span && found.length < limit; step++) {
    const offset = range.first + ((start - range.first + step + span) % span);
    const ip = toIp(range.network + offset);
    if (ip.endsWith('.255') || ip.endsWith('.0') || taken.has(ip) || taken.has(loopbackOf(ip))) continue;
    found.push({ ip, offset });
  }
  return found;
}

export type BindProbe = (address: string, port: number) => Promise<'free' | 'busy' | 'no-such-address'>;

/** Tries to listen on the address for a moment. Port 0 asks only whether the address exists. */
export const probeBind: BindProbe = (address, port) =>
  new Promise((resolve) => {
    const server = createServer();
    const timer = setTimeout(() => settle('busy'), PROBE_TIMEOUT_MS);
    const settle = (result: 'free' | 'busy' | 'no-such-address'): void => {
      clearTimeout(timer);
      server.close(() => resolve(result));
      if (!server.listening) resolve(result);
    };
    server.once('error', (error: NodeJS.ErrnoException) =>
      settle(error.code === 'EADDRNOTAVAIL' ? 'no-such-address' : 'busy'),
    );
    server.listen({ host: address, port, exclusive: true }, () => settle('free'));
  });

export interface Allocation {
  readonly privateIp: string;
  /** Where the task's process listens. */
  readonly loopback: string;
  /** Other than the container's port only where the system has no loopback address but 127.0.0.1. */
  readonly port: number | undefined;
}

export interface AddressBook {
  /** undefined when the subnet has no usable address left. */
  allocate(
    subnetId: string,
    cidr: string,
    containerPort: number | undefined,
  ): Promise<Allocation | undefined>;
  release(allocation: { readonly privateIp: string; readonly loopback: string }): void;
}

export function createAddressBook(
  probe: BindProbe = probeBind,
  freePort: () => Promise<number> = findFreePort,
): AddressBook {
  const cursors = new Map<string, number>();
  const taken = new Set<string>();
  return {
    async allocate(subnetId, cidr, containerPort) {
      for (const { ip, offset } of candidateAddresses(cidr, cursors.get(subnetId) ?? 0, taken)) {
        // Two tasks may look at once; the second one finds the address taken.
        if (taken.has(ip)) continue;
        const loopback = loopbackOf(ip);
        taken.add(ip).add(loopback);
        cursors.set(subnetId, offset);
        const state = await probe(loopback, containerPort ?? 0);
        if (state === 'free') return { privateIp: ip, loopback, port: containerPort };
        taken.delete(loopback);
        if (state === 'no-such-address')
          return { privateIp: ip, loopback: '127.0.0.1', port: containerPort && (await freePort()) };
        taken.delete(ip);
      }
      return undefined;
    },
    release({ privateIp, loopback }) {
      taken.delete(privateIp);
      if (loopback !== '127.0.0.1') taken.delete(loopback);
    },
  };
}
