import { type LocationType, paginateDescribeInstanceTypeOfferings } from "@aws-sdk/client-ec2";
import {
  type OrderableDBInstanceOption,
  paginateDescribeOrderableDBInstanceOptions,
} from "@aws-sdk/client-rds";
import { type Check, type Finding, ok } from "../check";
import type { Context } from "../context";

/** @see https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_DescribeAvailabilityZones.html */
export const zones: Check = {
  name: "availability zones",
  phase: "preflight",
  async check(context) {
    const { stack } = context;
    if (!stack.createsVpc) return ok("the stack uses an existing VPC");
    const offered = await context.availabilityZones();
    const absent = stack.availabilityZones.filter((zone) => !offered.includes(zone));
    if (absent.length === 0) return ok();
    return {
      findings: [
        {
          wrong: `The account has no availability zone ${absent.join(", ")}; it has ${offered.join(", ")}.`,
          why: "pulumi up fails when it creates the subnets.",
          fix: `Choose other letters: ${stack.setCommand("availabilityZones")} '${JSON.stringify(offered.slice(0, stack.availabilityZones.length).map((zone) => zone.slice(-1)))}'`,
        },
      ],
    };
  },
};

/** @see https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_DescribeInstanceTypeOfferings.html */
export const instanceTypes: Check = {
  name: "instance types",
  phase: "preflight",
  async check(context) {
    const { availabilityZones, createsVpc, environments, region, setCommand } = context.stack;
    const types = [...new Set(environments.map(({ instanceType }) => instanceType))];
    // The zones of an existing VPC are not in the settings. Another check reports zones that the account lacks.
    const known = createsVpc ? await context.availabilityZones() : [];
    const places = createsVpc ? availabilityZones.filter((zone) => known.includes(zone)) : [region];
    const offered = await offerings(context, createsVpc ? "availability-zone" : "region", types);
    return {
      findings: environments.flatMap(({ instanceType, role }): Finding[] => {
        const absent = places.filter((place) => !offered.has(`${instanceType} ${place}`));
        if (absent.length === 0) return [];
        return [
          {
            wrong: `EC2 does not offer ${instanceType} in ${absent.join(", ")} (${role}).`,
            why: "Instances cannot start there.",
            fix: `Choose another type: ${setCommand(`${role}InstanceType`)} TYPE${createsVpc ? ". Or other zones: availabilityZones" : ""}`,
          },
        ];
      }),
    };
  },
};

/** The offered types, as "type place". */
async function offerings({ clients }: Context, LocationType: LocationType, types: string[]) {
  const offered = new Set<string>();
  const Filters = [{ Name: "instance-type", Values: types }];
  for await (const page of paginateDescribeInstanceTypeOfferings(
    { client: clients.ec2 },
    { LocationType, Filters },
  ))
    for (const { InstanceType, Location } of page.InstanceTypeOfferings ?? [])
      offered.add(`${String(InstanceType)} ${String(Location)}`);
  return offered;
}

/** @see https://docs.aws.amazon.com/AmazonRDS/latest/APIReference/API_DescribeOrderableDBInstanceOptions.html */
export const databaseClass: Check = {
  name: "class of the database",
  phase: "preflight",
  async check({ clients, stack }) {
    const { instanceClass, majorVersion, multiAz } = stack.database;
    const zones = new Set<string>();
    // All versions of PostgreSQL, because the setting is a major version.
    const pages = paginateDescribeOrderableDBInstanceOptions(
      { client: clients.rds },
      { Engine: "postgres", DBInstanceClass: instanceClass, Vpc: true },
    );
    let orderable = false;
    for await (const page of pages)
      for (const option of page.OrderableDBInstanceOptions ?? []) {
        if (!fits(option, majorVersion, multiAz)) continue;
        orderable = true;
        for (const { Name = "" } of option.AvailabilityZones ?? []) zones.add(Name);
      }
    const why = "pulumi up fails when it creates the database.";
    const fix = `Choose another class: ${stack.setCommand("databaseInstanceClass")} CLASS`;
    const what = `PostgreSQL ${majorVersion} on ${instanceClass}${multiAz ? " with Multi-AZ" : ""}`;
    if (!orderable) {
      return {
        findings: [{ wrong: `RDS does not offer ${what} in ${stack.region}.`, why, fix }],
      };
    }
    const own = stack.availabilityZones.filter((zone) => zones.has(zone));
    if (!stack.createsVpc || own.length >= (multiAz ? 2 : 1)) return ok();
    return {
      findings: [
        {
          wrong: `RDS offers ${what} in ${[...zones].sort().join(", ")}, and the stack has ${stack.availabilityZones.join(", ")}.`,
          why,
          fix: `${fix}. Or other zones: availabilityZones`,
        },
      ],
    };
  },
};

/** True if an option is for a version of the engine, and has all that the program turns on. */
function fits(option: OrderableDBInstanceOption, majorVersion: string, multiAz: boolean): boolean {
  return (
    (option.EngineVersion ?? "").split(".")[0] === majorVersion &&
    option.StorageType === "gp3" &&
    option.SupportsStorageEncryption === true &&
    option.SupportsEnhancedMonitoring === true &&
    option.SupportsPerformanceInsights === true &&
    (!multiAz || option.MultiAZCapable === true)
  );
}
