import { type DBInstance, paginateDescribeDBInstances } from "@aws-sdk/client-rds";
import { NotChecked } from "../../doctor/errors";
import type { Clients } from "../../doctor/clients";

/**
 * Returns the RDS instance of a host name.
 *
 * @throws NotChecked if no instance of the account and region has this host name
 */
export async function readDatabase({ rds }: Clients, host: string): Promise<DBInstance> {
  for await (const { DBInstances = [] } of paginateDescribeDBInstances({ client: rds }, {})) {
    const found = DBInstances.find(({ Endpoint }) => Endpoint?.Address === host);
    if (found !== undefined) return found;
  }
  throw new NotChecked(
    host === ""
      ? "the web environment has no variable RDS_HOSTNAME"
      : `no RDS instance of this account and region has the host name ${host}`,
  );
}
