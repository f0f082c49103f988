import {
  DBInstanceNotFoundFault,
  DescribeDBInstancesCommand,
  ModifyDBInstanceCommand,
  RDSClient,
} from "@aws-sdk/client-rds";
import { awsCli } from "../cli/awsCli";

/*
 * The passwords of the database and of Enketo's Redis. The program cannot set them: each input of a resource is in
 * Pulumi's state, write-only ones too (https://github.com/pulumi/pulumi-terraform-bridge/issues/3201).
 */

/** True if RDS still manages the password of the database, as after its creation. False if there is no database. */
export async function databaseNeedsPassword(client: RDSClient, identifier: string): Promise<boolean> {
  try {
    const { DBInstances } = await client.send(
      new DescribeDBInstancesCommand({ DBInstanceIdentifier: identifier }),
    );
    return DBInstances?.[0]?.MasterUserSecret !== undefined;
  } catch (error) {
    if (error instanceof DBInstanceNotFoundFault) return false;
    throw error;
  }
}

/**
 * Sets the password of the database's owner. RDS would otherwise rotate the one that it manages every week, and the
 * instances read a secret only when they start.
 */
export async function setDatabasePassword(
  client: RDSClient,
  identifier: string,
  password: string,
): Promise<void> {
  await client.send(
    new ModifyDBInstanceCommand({
      DBInstanceIdentifier: identifier,
      ...((await databaseNeedsPassword(client, identifier)) && { ManageMasterUserPassword: false }),
      MasterUserPassword: password,
      ApplyImmediately: true,
    }),
  );
}

/** The ids of those Redis that exist with TLS and without a token. */
export function redisWithoutToken(region: string, groupIds: readonly string[]): string[] {
  if (groupIds.length === 0) return [];
  const { ReplicationGroups = [] } = JSON.parse(
    awsCli(region, ["elasticache", "describe-replication-groups", "--output", "json"]),
  ) as {
    ReplicationGroups?: {
      ReplicationGroupId: string;
      TransitEncryptionEnabled?: boolean;
      AuthTokenEnabled?: boolean;
    }[];
  };
  return ReplicationGroups.filter(
    ({ AuthTokenEnabled, ReplicationGroupId, TransitEncryptionEnabled }) =>
      groupIds.includes(ReplicationGroupId) && TransitEncryptionEnabled === true && AuthTokenEnabled !== true,
  ).map(({ ReplicationGroupId }) => ReplicationGroupId);
}

/**
 * Sets the token of a Redis.
 *
 * @param strategy `SET` for the first token, which Redis demands from then on. `ROTATE` for another one: Redis also accepts
 *   the one before it.
 * @see https://docs.aws.amazon.com/AmazonElastiCache/latest/dg/auth.html
 */
export function setRedisToken(
  region: string,
  groupId: string,
  token: string,
  strategy: "SET" | "ROTATE",
): void {
  const input = {
    ReplicationGroupId: groupId,
    AuthToken: token,
    AuthTokenUpdateStrategy: strategy,
    ApplyImmediately: true,
  };
  awsCli(region, ["elasticache", "modify-replication-group"], { input });
}
