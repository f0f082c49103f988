import { isIPv4 } from "node:net";

/** An IPv4 block: its first address as a number, and its prefix length. */
interface Block {
  base: number;
  prefix: number;
}

/** The blocks of a VPC's subnets, one of each kind for each availability zone. */
export interface SubnetPlan {
  publicCidrs: string[];
  privateCidrs: string[];
}

/** AWS accepts VPCs from /16 to /28, and subnets down to /28. */
const SMALLEST_SUBNET_PREFIX = 28;
const LARGEST_VPC_PREFIX = 16;

/**
 * Divides the block of a VPC into a public and a private subnet for each zone.
 *
 * The first half of the block is private (instances, database, Redis). The third quarter is public (load balancers,
 * NAT gateways). The last quarter stays free. Both parts have room for at least four zones, so a zone added later
 * moves no subnet.
 *
 * @param zones Number of zones, 1 or more.
 * @throws Error if the block is malformed, has host bits set, or has a size that AWS or the division does not allow.
 * @see https://docs.aws.amazon.com/vpc/latest/userguide/subnet-sizing.html
 */
export function planSubnets(vpcCidr: string, zones: number): SubnetPlan {
  const vpc = parseCidr(vpcCidr);
  const slots = Math.max(4, 2 ** Math.ceil(Math.log2(zones)));
  const bits = Math.log2(slots);
  const privatePrefix = vpc.prefix + 1 + bits;
  const publicPrefix = vpc.prefix + 2 + bits;
  if (vpc.prefix < LARGEST_VPC_PREFIX || publicPrefix > SMALLEST_SUBNET_PREFIX) {
    const smallest = SMALLEST_SUBNET_PREFIX - 2 - bits;
    throw new Error(
      `${vpcCidr} cannot be divided into subnets for ${zones} zones: use a block from /${LARGEST_VPC_PREFIX} to /${smallest}`,
    );
  }
  const half = 2 ** (32 - vpc.prefix - 1);
  const subnets = (base: number, prefix: number) =>
    Array.from({ length: zones }, (_, zone) =>
      formatCidr({ base: base + zone * 2 ** (32 - prefix), prefix }),
    );
  return {
    privateCidrs: subnets(vpc.base, privatePrefix),
    publicCidrs: subnets(vpc.base + half, publicPrefix),
  };
}

function parseCidr(cidr: string): Block {
  const [, address = "", length] = /^([\d.]+)\/(\d{1,2})$/.exec(cidr) ?? [];
  const prefix = Number(length);
  if (!isIPv4(address) || prefix > 32) throw new Error(`${cidr} is not an IPv4 block such as 10.20.0.0/16`);
  const base = address.split(".").reduce((number, octet) => number * 256 + Number(octet), 0);
  if (base % 2 ** (32 - prefix) !== 0) {
    throw new Error(`${cidr} has host bits set: a /${prefix} block starts at a multiple of its size`);
  }
  return { base, prefix };
}

function formatCidr({ base, prefix }: Block): string {
  const octets = [2 ** 24, 2 ** 16, 2 ** 8, 1].map((unit) => Math.floor(base / unit) % 256);
  return `${octets.join(".")}/${prefix}`;
}
