/**
 * Subnets as EC2 knows them: zone, address range, VPC. Kept once looked up, since none of these ever changes.
 */
import type { ControlPlane } from '../../contract.ts';

export interface Subnet {
  readonly id: string;
  readonly vpcId: string;
  readonly zone: string;
  readonly cidr: string;
}

/** Subnets remembered at once. */
const MAX_SUBNETS = 2_000;

const tag = (xml: string, name: string): string | undefined =>
  new RegExp(`<${name}>([^<]*)</${name}>`).exec(xml)?.[1];

/** Reads the answer of DescribeSubnets; a subnet that lacks a field is left out. */
export function parseSubnets(xml: string): readonly Subnet[] {
  return xml
    .split('<subnetId>')
    .slice(1)
    .flatMap((chunk) => {
      const id = chunk.slice(0, chunk.indexOf('<'));
      const zone = tag(chunk, 'availabilityZone');
      const cidr = tag(chunk, 'cidrBlock');
      const vpcId = tag(chunk, 'vpcId');
      return zone && cidr && vpcId ? [{ id, zone, cidr, vpcId }] : [];
    });
}

export interface SubnetDirectory {
  /** Those of `ids` that are known already, in their order. */
  known(ids: readonly string[]): readonly Subnet[];
  /** @throws AwsError as EC2 answers it, e.g. `InvalidSubnetID.NotFound` */
  load(ids: readonly string[]): Promise<readonly Subnet[]>;
}

export function createSubnetDirectory(control: ControlPlane): SubnetDirectory {
  const subnets = new Map<string, Subnet>();
  const known = (ids: readonly string[]): readonly Subnet[] =>
    ids.flatMap((id) => {
      const subnet = subnets.get(id);
      return subnet ? [subnet] : [];
    });
  return {
    known,
    async load(ids) {
      const missing = ids.filter((id) => !subnets.has(id));
      if (missing.length > 0) {
        const params = Object.fromEntries(missing.map((id, i) => [`SubnetId.${i + 1}`, id]));
        for (const subnet of parseSubnets(await control.query('ec2', 'DescribeSubnets', params)))
          subnets.set(subnet.id, subnet);
        for (const id of [...subnets.keys()].slice(0, Math.max(0, subnets.size - MAX_SUBNETS)))
          subnets.delete(id);
      }
      return known(ids);
    },
  };
}
