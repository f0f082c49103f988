import type { Plant } from "./plant";

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
