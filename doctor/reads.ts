import { DescribeAvailabilityZonesCommand } from "@aws-sdk/client-ec2";
import { DescribeEnvironmentsCommand, type EnvironmentDescription } from "@aws-sdk/client-elastic-beanstalk";
import {
  GetOpenIDConnectProviderCommand,
  type GetOpenIDConnectProviderCommandOutput,
} from "@aws-sdk/client-iam";
import { type DBSnapshot, DescribeDBSnapshotsCommand, type RDSClient } from "@aws-sdk/client-rds";
import { errorName } from "../cli/awsErrors";
import type { Clients } from "./clients";

/* Reads of an account that concern no stack, for the checks and for `npm run move`. */

export const GITHUB_ISSUER = "token.actions.githubusercontent.com";

/** All Beanstalk environments of the region that are not terminated. */
export async function listEnvironments({
  beanstalk,
}: Pick<Clients, "beanstalk">): Promise<EnvironmentDescription[]> {
  const found: EnvironmentDescription[] = [];
  let token: string | undefined;
  do {
    const page = await beanstalk.send(
      new DescribeEnvironmentsCommand({ IncludeDeleted: false, MaxRecords: 100, NextToken: token }),
    );
    found.push(...(page.Environments ?? []));
    token = page.NextToken;
  } while (token !== undefined && token !== "");
  return found;
}

/** The availability zones that the account can use in the region, sorted. */
export async function listAvailabilityZones({ ec2 }: Clients): Promise<string[]> {
  // Filters, because EC2 refuses a list of zones with an unknown one among them.
  const { AvailabilityZones = [] } = await ec2.send(
    new DescribeAvailabilityZonesCommand({
      Filters: [
        { Name: "zone-type", Values: ["availability-zone"] },
        { Name: "state", Values: ["available"] },
      ],
    }),
  );
  return AvailabilityZones.map(({ ZoneName = "" }) => ZoneName).sort();
}

export function identityProviderArn(accountId: string): string {
  return `arn:aws:iam::${accountId}:oidc-provider/${GITHUB_ISSUER}`;
}

/** The account's identity provider for GitHub; undefined if there is none. */
export async function findIdentityProvider(
  { iam }: Clients,
  accountId: string,
): Promise<GetOpenIDConnectProviderCommandOutput | undefined> {
  const OpenIDConnectProviderArn = identityProviderArn(accountId);
  try {
    return await iam.send(new GetOpenIDConnectProviderCommand({ OpenIDConnectProviderArn }));
  } catch (error) {
    if (errorName(error) === "NoSuchEntity" || errorName(error) === "NoSuchEntityException") return undefined;
    throw error;
  }
}

/** The snapshot of a database with this identifier or ARN; undefined if there is none. */
export async function findSnapshot(rds: RDSClient, name: string): Promise<DBSnapshot | undefined> {
  try {
    const { DBSnapshots = [] } = await rds.send(
      new DescribeDBSnapshotsCommand({ DBSnapshotIdentifier: name }),
    );
    return DBSnapshots[0];
  } catch (error) {
    if (errorName(error).startsWith("DBSnapshotNotFound")) return undefined;
    throw error;
  }
}
