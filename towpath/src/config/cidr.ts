/** IPv4 address blocks in CIDR notation. Pure. */

export interface Cidr {
  /** First address, as an unsigned 32-bit number. */
  readonly first: number;
  /** Last address, likewise. */
  readonly last: number;
  /** Bits of the network part, 0 to 32. */
  readonly prefix: number;
  /** Whether the text named an address inside the block instead of its first one. */
  readonly hostBits: boolean;
}

const PATTERN = /^(\d{1,3})\.(\d{1,3})\.(\d{1,3})\.(\d{1,3})\/(\d{1,2})$/;

/** @returns the block; undefined when `text` is none (octets above 255, leading zeros, prefix above 32) */
export function parseCidr(text: string): Cidr | undefined {
  const match = PATTERN.exec(text);
  if (!match) return undefined;
  const parts = match.slice(1);
  if (parts.some((part) => part.length > 1 && part.startsWith('0'))) return undefined;
  const [a = 0, b = 0, c = 0, d = 0, prefix = 0] = parts.map(Number);
  if ([a, b, c, d].some((octet) => octet > 255) || prefix > 32) return undefined;
  const size = 2 ** (32 - prefix);
  const address = ((a * 256 + b) * 256 + c) * 256 + d;
  const first = Math.floor(address / size) * size;
  return { first, last: first + size - 1, prefix, hostBits: address !== first };
}

export function renderCidr(block: Pick<Cidr, 'first' | 'prefix'>): string {
  const octets = [24, 16, 8, 0].map((shift) => Math.floor(block.first / 2 ** shift) % 256);
  return `${octets.join('.')}/${block.prefix}`;
}

export function cidrsOverlap(a: Pick<Cidr, 'first' | 'last'>, b: Pick<Cidr, 'first' | 'last'>): boolean {
  return a.first <= b.last && b.first <= a.last;
}

/** Private use (RFC 1918): never a part of the internet. */
export const PRIVATE_BLOCKS = ['10.0.0.0/8', '172.16.0.0/12', '192.168.0.0/16'] as const;

export function isPrivate(block: Pick<Cidr, 'first' | 'last'>): boolean {
  return PRIVATE_BLOCKS.map(parseCidr).some(
    (range) => range !== undefined && range.first <= block.first && block.last <= range.last,
  );
}
