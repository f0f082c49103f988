import { DescribeVpcsCommand } from "@aws-sdk/client-ec2";
import type { Clients } from "../../doctor/clients";
import { type ExistingEnvironment, optionOf } from "./environments";

export interface ExistingVpc {
  id: string;
  cidr: string;
  isDefault: boolean;
}

/** The VPC of an environment: the one in its options, or the account's default one. */
export async function readVpc(
  { ec2 }: Clients,
  environment: ExistingEnvironment,
): Promise<ExistingVpc | undefined> {
  const id = optionOf(environment, "aws:ec2:vpc", "VPCId");
  const { Vpcs = [] } = await ec2.send(
    new DescribeVpcsCommand(
      id === "" ? { Filters: [{ Name: "is-default", Values: ["true"] }] } : { VpcIds: [id] },
    ),
  );
  const [vpc] = Vpcs;
  return vpc && { id: vpc.VpcId ?? "", cidr: vpc.CidrBlock ?? "", isDefault: vpc.IsDefault === true };
}
