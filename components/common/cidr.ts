/** An IPv4 block as a number and a prefix length. */
interface Block {
  base: number;
  prefix: number;
}

/** The subnets of one VPC, one of each kind per availability zone. */
export interface SubnetPlan {
  publicCidrs: string[];
  privateCidrs: string[];
}

/** AWS takes VPC blocks from /16 to /28 and subnets no smaller than /28. */
const SMALLEST_SUBNET_PREFIX = 28;
const LARGEST_VPC_PREFIX = 16;

/**
 * Cuts a VPC block into one public and one private subnet for each zone.
 *
 * The first half of the block is private (instances, database, Redis), the third quarter is public (load
 * balancer, NAT), the last quarter stays free for what comes later. Each half is cut into the next power of two
 * of the number of zones, at least four, so that a zone added later moves no subnet.
 *
 * @throws Error where the block is malformed, has host bits set, or is too small.
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
      `${vpcCidr} cannot be cut into subnets for ${zones} zones: use a block from /${LARGEST_VPC_PREFIX} to /${smallest}`,
    );
  }
  const half = 2 ** (32 - vpc.prefix - 1);
  const cut = (base: number, prefix: number) =>
    Array.from({ length: zones }, (_, zone) =>
      formatCidr({ base: base + zone * 2 ** (32 - prefix), prefix }),
    );
  return { privateCidrs: cut(vpc.base, privatePrefix), publicCidrs: cut(vpc.base + half, publicPrefix) };
}

function parseCidr(cidr: string): Block {
  const match = /^(\d{1,3})\.(\d{1,3})\.(\d{1,3})\.(\d{1,3})\/(\d{1,2})$/.exec(cidr);
  const [a = 256, b = 256, c = 256, d = 256, prefix = 33] = match === null ? [] : match.slice(1).map(Number);
  if ([a, b, c, d].some((octet) => octet > 255) || prefix > 32) {
    throw new Error(`${cidr} is not an IPv4 block such as 10.20.0.0/16`);
  }
  const base = ((a * 256 + b) * 256 + c) * 256 + d;
  if (base % 2 ** (32 - prefix) !== 0) {
    throw new Error(`${cidr} has host bits set: a /${prefix} block starts at a multiple of its size`);
  }
  return { base, prefix };
}

function formatCidr({ base, prefix }: Block): string {
  const octets = [2 ** 24, 2 ** 16, 2 ** 8, 1].map((unit) => Math.floor(base / unit) % 256);
  return `${octets.join(".")}/${prefix}`;
}
