import { isWithin } from "../../policies/facts/ipRanges";
import type { Note, Part } from "../note";

/** Blocks for the new VPC, in the order of preference. The first is the setting's default. */
const BLOCKS = ["10.20.0.0/16", "10.21.0.0/16", "172.20.0.0/16"];

export const network: Part = {
  judge: ({ vpc, zoneLetters }) => {
    const block = BLOCKS.find((one) => vpc === undefined || !overlap(one, vpc.cidr)) ?? BLOCKS[0];
    const notes: Note[] =
      vpc?.isDefault === true
        ? [
            {
              kind: "changes",
              what: `The instances are in the account's default VPC ${vpc.id}, and move to private subnets of a VPC of their own.`,
              why: "In the default VPC every instance has a public address.",
            },
          ]
        : [];
    const letters = zoneLetters.slice(0, 2);
    return {
      settings: {
        ...(block !== undefined && { vpcCidr: block }),
        ...(letters.length === 2 && { availabilityZones: letters }),
      },
      notes,
    };
  },
};

/** True if two blocks have an address in common: then one contains the other. */
function overlap(one: string, other: string): boolean {
  return isWithin(one, other) || isWithin(other, one);
}
