import { DescribeSecurityGroupsCommand } from "@aws-sdk/client-ec2";
import { type DBInstance } from "@aws-sdk/client-rds";
import { UserError } from "../cli/userError";
import { type Session } from "../coordination/session";

/**
 * The default security group of the database's network, in which no connection is allowed.
 *
 * @throws UserError if it allows connections
 */
export async function isolatedGroup(
  { clients, env }: Session,
  { DBSubnetGroup }: DBInstance,
): Promise<string> {
  const { SecurityGroups } = await clients.ec2.send(
    new DescribeSecurityGroupsCommand({
      Filters: [
        { Name: "vpc-id", Values: [DBSubnetGroup?.VpcId ?? ""] },
        { Name: "group-name", Values: ["default"] },
      ],
    }),
  );
  const [group] = SecurityGroups ?? [];
  if (group?.GroupId !== undefined && (group.IpPermissions ?? []).length === 0) return group.GroupId;
  throw new UserError(
    `The default security group of the network ${DBSubnetGroup?.VpcId ?? ""} allows connections, or does not exist.`,
    `Remove its rules: pulumi refresh --stack ${env}, then pulumi up --stack ${env}`,
  );
}
