import { DescribeDBInstancesCommand } from "@aws-sdk/client-rds";
import { paginateDescribeParameters, type ParameterMetadata } from "@aws-sdk/client-ssm";
import { errorName } from "../../cli/awsErrors";
import { type Check, ok } from "../check";
import type { Context } from "../context";

const DAY = 24 * 3600 * 1000;
const MAXIMUM_AGE_DAYS = 365;

/** The SSM parameters with the stack's secrets, by the last part of their names. Reads no value. */
async function parametersOf({ clients, stack }: Context): Promise<Map<string, ParameterMetadata>> {
  const filter = { Key: "Path", Option: "Recursive", Values: [stack.secretsPath.replace(/\/$/, "")] };
  const found = new Map<string, ParameterMetadata>();
  const pages = paginateDescribeParameters({ client: clients.ssm }, { ParameterFilters: [filter] });
  for await (const { Parameters = [] } of pages)
    for (const one of Parameters) found.set((one.Name ?? "").slice(stack.secretsPath.length), one);
  return found;
}

export const secretsExist: Check = {
  name: "secrets",
  phase: "preflight",
  async check(context) {
    const { stack } = context;
    const parameters = await parametersOf(context);
    const missing = stack.secrets.filter((name) => !parameters.has(name));
    if (missing.length === 0) return ok();
    return {
      findings: [
        {
          wrong: `There are no SSM parameters ${missing.map((name) => stack.secretsPath + name).join(", ")}.`,
          why: "Beanstalk starts no instance whose secrets it cannot read.",
          fix: `npm run init-stack -- ${stack.name}`,
        },
      ],
    };
  },
};

export const databasePassword: Check = {
  name: "password of the database",
  phase: "check-up",
  async check({ clients, stack }) {
    const { databaseIdentifier: DBInstanceIdentifier } = stack;
    try {
      const { DBInstances } = await clients.rds.send(
        new DescribeDBInstancesCommand({ DBInstanceIdentifier }),
      );
      if (DBInstances?.[0]?.MasterUserSecret === undefined) return ok();
    } catch (error) {
      // Another check reports that the database is missing.
      if (errorName(error) === "DBInstanceNotFound") return ok();
      throw error;
    }
    return {
      findings: [
        {
          wrong: `The database ${DBInstanceIdentifier} has the password that RDS chose at its creation.`,
          why: "Iaso cannot connect: it has the password of the SSM parameter RDS_PASSWORD.",
          fix: `npm run init-stack -- ${stack.name}`,
        },
      ],
    };
  },
};

export const secretAges: Check = {
  name: "age of secrets",
  phase: "check-up",
  async check(context) {
    const { now, stack } = context;
    const parameters = await parametersOf(context);
    const findings = stack.rotatableSecrets.flatMap((name) => {
      const { LastModifiedDate = now } = parameters.get(name) ?? {};
      const days = Math.floor((now.getTime() - LastModifiedDate.getTime()) / DAY);
      if (days <= MAXIMUM_AGE_DAYS) return [];
      return [
        {
          wrong: `The secret ${stack.secretsPath}${name} is ${days} days old.`,
          why: "Everyone who has seen it can still use it.",
          fix:
            `npm run init-stack -- ${stack.name} --rotate ${name} ` +
            `(see "Rotating a secret" in docs/operations.md)`,
        },
      ];
    });
    return { findings };
  },
};
