/**
 * What the security groups and routes of a VPC let through, as far as tasks are concerned. Pure.
 * Security groups are judged for inbound traffic from the load balancer; network ACLs are not modelled.
 */

export interface IngressRule {
  /** `-1` for all protocols. */
  readonly protocol: string;
  readonly fromPort: number | undefined;
  readonly toPort: number | undefined;
  readonly groups: readonly string[];
  readonly cidrs: readonly string[];
  /** Managed prefix lists; what they hold is not looked up, so they count as open. */
  readonly prefixLists: readonly string[];
}

/** Where connections come from: a load balancer. */
export interface Source {
  readonly groups: readonly string[];
  /** Address ranges of its subnets. */
  readonly cidrs: readonly string[];
}

export interface Route {
  readonly destination: string;
  /** Gateway, NAT gateway, network interface ...; undefined for a blackhole. */
  readonly target: string | undefined;
}

/** Whether one of the rules lets TCP connections from the source to the port. */
export function admits(rules: readonly IngressRule[], port: number, from: Source): boolean {
  return rules.some((rule) => coversPort(rule, port) && comesFrom(rule, from));
}

function coversPort({ protocol, fromPort, toPort }: IngressRule, port: number): boolean {
  if (protocol === '-1') return true;
  if (protocol !== 'tcp' && protocol !== '6') return false;
  return (fromPort ?? 0) <= port && port <= (toPort ?? 65_535);
}

function comesFrom(rule: IngressRule, from: Source): boolean {
  if (rule.prefixLists.length > 0) return true;
  if (rule.groups.some((group) => from.groups.includes(group))) return true;
  return rule.cidrs.some((outer) => from.cidrs.some((inner) => covers(outer, inner)));
}

/** Whether an IPv4 range holds all of another one. */
export function covers(outer: string, inner: string): boolean {
  const large = parseRange(outer);
  const small = parseRange(inner);
  if (!large || !small || large.prefix > small.prefix) return false;
  const size = 2 ** (32 - large.prefix);
  return Math.floor(large.address / size) === Math.floor(small.address / size);
}

function parseRange(cidr: string): { readonly address: number; readonly prefix: number } | undefined {
  const match = /^(\d{1,3})\.(\d{1,3})\.(\d{1,3})\.(\d{1,3})(?:\/(\d{1,2}))?$/.exec(cidr);
  if (!match) return undefined;
  const address = match.slice(1, 5).reduce((sum, part) => sum * 256 + Number(part), 0);
  return { address, prefix: Number(match[5] ?? '32') };
}

/** An internet gateway carries only those who have a public address; every other target carries all. */
export function hasWayOut(routes: readonly Route[], publicIp: boolean): boolean {
  return routes.some(({ destination, target }) => {
    if (destination !== '0.0.0.0/0' || target === undefined) return false;
    return target.startsWith('igw-') ? publicIp : true;
  });
}
