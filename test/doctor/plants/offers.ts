import type { SnapshotDouble } from "../double/account";
import type { Plant } from "./plant";

/** A stack that starts from a snapshot, and the snapshot with one property that does not fit. */
const snapshotPlant = (
  what: string,
  own: Partial<SnapshotDouble> | undefined,
  wrong: RegExp,
  fix: RegExp,
): Plant => ({
  what,
  check: "snapshot of the database",
  settings: ({ database }) => ({ database: { ...database, snapshot: "old" } }),
  plant: ({ account }, { database }) => {
    if (own === undefined) return;
    const { allocatedStorage: allocated, majorVersion, username } = database;
    const fitting = {
      status: "available",
      isEncrypted: true,
      version: `${majorVersion}.8`,
      username,
      allocated,
    };
    account.snapshots.set("old", { ...fitting, ...own });
  },
  wrong,
  fix,
});

export const snapshotPlants: Plant[] = [
  snapshotPlant("a snapshot that is missing", undefined, /There is no snapshot old\./, /docs\/moving-in\.md/),
  snapshotPlant(
    "a snapshot that is being copied",
    { status: "creating" },
    /The snapshot old is creating\./,
    /databaseSnapshot ''$/,
  ),
  snapshotPlant(
    "an unencrypted snapshot",
    { isEncrypted: false },
    /The snapshot old is not encrypted\./,
    /copy-db-snapshot .* --kms-key-id alias\/aws\/rds$/,
  ),
  snapshotPlant(
    "a snapshot of an old version",
    { version: "12.17" },
    /The snapshot old is of PostgreSQL 12\.17, and databaseMajorVersion is 16\./,
    /Upgrade the existing database first/,
  ),
  snapshotPlant(
    "a snapshot of a newer version",
    { version: "17.2" },
    /The snapshot old is of PostgreSQL 17\.2/,
    /iaso:databaseMajorVersion 17$/,
  ),
  snapshotPlant(
    "a snapshot of another user",
    { username: "postgres" },
    /has the master user postgres, and databaseUser is iaso\./,
    /iaso:databaseUser postgres$/,
  ),
  snapshotPlant(
    "a snapshot that is larger than the storage",
    { allocated: 5000 },
    /The snapshot old has 5000 GiB/,
    /iaso:databaseStorage 5000$/,
  ),
];

/** Zones, instance types and database classes that the account or the region lacks. */
export const offerPlants: Plant[] = [
  {
    what: "a zone that the account lacks",
    check: "availability zones",
    plant: ({ account }) =>
      (account.availabilityZones = ["b", "c", "d"].map((zone) => `eu-central-1${zone}`)),
    wrong: /no availability zone eu-central-1a; it has eu-central-1b, eu-central-1c, eu-central-1d/,
    fix: /iaso:availabilityZones '\["b","c"\]'$/,
  },
  {
    what: "an instance type that the region lacks",
    check: "instance types",
    plant: ({ account }) => account.instanceTypes.delete("t3.small"),
    wrong: /does not offer t3\.small in eu-central-1a, eu-central-1b \(enketo\)/,
    fix: /iaso:enketoInstanceType TYPE/,
  },
  {
    what: "an instance type that one zone lacks",
    check: "instance types",
    stack: "prod",
    plant: ({ account }) => account.notOffered.add("t3.medium eu-central-1c"),
    wrong: /does not offer t3\.medium in eu-central-1c \(enketo\)/,
    fix: /availabilityZones$/,
  },
  {
    what: "an instance type that the region of an existing VPC lacks",
    check: "instance types",
    settings: () => ({ createsVpc: false, availabilityZones: [] }),
    plant: ({ account }) => account.notOffered.add("t3.small eu-central-1"),
    wrong: /does not offer t3\.small in eu-central-1 \(enketo\)/,
    fix: /iaso:enketoInstanceType TYPE$/,
  },
  {
    what: "a database class that has no such version of PostgreSQL",
    check: "class of the database",
    plant: ({ account }) =>
      (account.orderable = account.orderable.filter(({ version }) => version.startsWith("14."))),
    wrong: /RDS does not offer PostgreSQL 16 on db\.t4g\.\w+ in eu-central-1/,
    fix: /iaso:databaseInstanceClass CLASS$/,
  },
  {
    what: "a database class without Multi-AZ",
    check: "class of the database",
    stack: "prod",
    plant: ({ account }) => {
      for (const option of account.orderable) option.multiAz = false;
    },
    wrong: /PostgreSQL 16 on db\.m7g\.large with Multi-AZ in eu-central-1/,
    fix: /iaso:databaseInstanceClass CLASS$/,
  },
  {
    what: "a database class with one zone of the stack only",
    check: "class of the database",
    stack: "prod",
    plant: ({ account }) => {
      for (const option of account.orderable) option.zones = ["eu-central-1a"];
    },
    wrong:
      /offers PostgreSQL 16 on db\.m7g\.large with Multi-AZ in eu-central-1a, and the stack has eu-central-1a, /,
    fix: /availabilityZones$/,
  },
];
