import { type DBInstance, paginateDescribeDBInstances } from "@aws-sdk/client-rds";
import { NotChecked } from "../../doctor/errors";
import type { Clients } from "../../doctor/clients";

/** The oldest major version of PostgreSQL that Iaso supports. */
export const OLDEST_VERSION = 16;

/**
 * Returns the RDS instance of a host name.
 *
 * @throws NotChecked if no instance of the account and region has this host name
 */
export async function readDatabase(clients: Pick<Clients, "rds">, host: string): Promise<DBInstance> {
  const found = await findInstance(clients, ({ Endpoint }) => Endpoint?.Address === host);
  if (found !== undefined) return found;
  throw new NotChecked(
    host === ""
      ? "the web environment has no variable RDS_HOSTNAME"
      : `no RDS instance of this account and region has the host name ${host}`,
  );
}

/**
 * Returns the RDS instance of an identifier.
 *
 * @throws NotChecked if there is none
 */
export async function readDatabaseNamed(clients: Clients, identifier: string): Promise<DBInstance> {
  const found = await findInstance(clients, (one) => one.DBInstanceIdentifier === identifier);
  if (found !== undefined) return found;
  throw new NotChecked(`there is no RDS instance ${identifier} in this account and region`);
}

async function findInstance(
  { rds }: Pick<Clients, "rds">,
  matches: (instance: DBInstance) => boolean,
): Promise<DBInstance | undefined> {
  for await (const { DBInstances = [] } of paginateDescribeDBInstances({ client: rds }, {})) {
    const found = DBInstances.find(matches);
    if (found !== undefined) return found;
  }
  return undefined;
}
