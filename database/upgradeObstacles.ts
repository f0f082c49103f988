import { GetMetricStatisticsCommand } from "@aws-sdk/client-cloudwatch";
import { type DBInstance } from "@aws-sdk/client-rds";
import { type Inspection } from "./inspection";
import { type Session } from "./session";

const GIB = 2 ** 30;
const HOUR = 3_600_000;

/**
 * The share of the storage that has to be free before an upgrade. pg_upgrade writes the catalogue and the write-ahead log
 * anew, and RDS does not upgrade an instance whose storage is full.
 */
const FREE_SHARE = 0.1;

/** The reason why the storage does not suffice for an upgrade; undefined if it does. */
export async function storageObstacle(
  { clients, clock, env }: Session,
  { AllocatedStorage = 0, DBInstanceIdentifier = "" }: DBInstance,
): Promise<string | undefined> {
  const { Datapoints = [] } = await clients.cloudWatch.send(
    new GetMetricStatisticsCommand({
      Namespace: "AWS/RDS",
      MetricName: "FreeStorageSpace",
      Dimensions: [{ Name: "DBInstanceIdentifier", Value: DBInstanceIdentifier }],
      StartTime: new Date(clock.now() - HOUR),
      EndTime: new Date(clock.now()),
      Period: HOUR / 1000,
      Statistics: ["Minimum"],
    }),
  );
  const free = Math.min(...Datapoints.map(({ Minimum = Infinity }) => Minimum)) / GIB;
  if (!Number.isFinite(free)) {
    return `CloudWatch has no FreeStorageSpace of ${DBInstanceIdentifier} in the last hour. Try again later.`;
  }
  if (free >= AllocatedStorage * FREE_SHARE) return undefined;
  return (
    `Only ${free.toFixed(1)} of ${AllocatedStorage} GiB are free, less than ${FREE_SHARE * 100} %. RDS adds some if the maximum allows it: ` +
    `pulumi config set iaso:databaseMaxStorage ${Math.ceil(AllocatedStorage * 1.5)} --stack ${env}, and pulumi up`
  );
}

/** The extensions that RDS's check refuses if they are outdated. */
const POSTGIS = /^(postgis|address_standardizer)/;

/** The action of an operator that removes an obstacle, by its name. */
const REMEDIES: Readonly<Record<string, string>> = {
  "prepared-transactions": "Commit them, or roll them back (pg_prepared_xacts).",
  "logical-replication-slots": "Drop them (pg_drop_replication_slot).",
  "columns-of-reg-types": "Give these columns another type: only regtype and regclass can be upgraded.",
};

/**
 * The reasons in a database why RDS would not upgrade it: RDS upgrades no extension, and its check before the upgrade
 * refuses an outdated PostGIS.
 *
 * @see https://repost.aws/knowledge-center/rds-postgresql-upgrade-postgis
 */
export function databaseObstacles({ extensions, obstacles, postgisError }: Inspection): string[] {
  return [
    ...extensions
      .filter(
        ({ available, name, version }) =>
          available === "none" || (POSTGIS.test(name) && available !== version),
      )
      .map(({ available, name, version }) =>
        available === "none"
          ? `The server does not have the extension ${name} ${version} any more: DROP EXTENSION ${name}`
          : `The extension ${name} has the version ${version}, and the server ${available}: ALTER EXTENSION ${name} UPDATE`,
      ),
    ...[...obstacles]
      .filter(([, count]) => count > 0)
      .map(([name, count]) => `${count} ${name.replaceAll("-", " ")}. ${REMEDIES[name] ?? ""}`.trim()),
    ...(postgisError === undefined ? [] : [`PostGIS does not work: ${postgisError}`]),
  ];
}

/** The extensions of an upgraded database that have a newer version there, as SQL. */
export function extensionUpdates({ extensions }: Pick<Inspection, "extensions">): string[] {
  return extensions
    .filter(({ available, version }) => available !== version && available !== "none")
    .map(({ name }) => `ALTER EXTENSION ${name} UPDATE;`);
}
