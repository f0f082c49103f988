import { paginateDescribeParameters } from "@aws-sdk/client-ssm";
import { type Check, type Finding } from "../check";

const DAY = 24 * 3600 * 1000;
const MAXIMUM_AGE_DAYS = 365;

/** Reads names and dates of the SSM parameters, never a value. */
export const secretAges: Check = {
  name: "age of secrets",
  phase: "check-up",
  async check({ clients, now, stack }) {
    const filter = { Key: "Path", Option: "Recursive", Values: [stack.secretsPath.replace(/\/$/, "")] };
    const findings: Finding[] = [];
    const pages = paginateDescribeParameters({ client: clients.ssm }, { ParameterFilters: [filter] });
    for await (const page of pages) {
      for (const { Name = "", LastModifiedDate = now } of page.Parameters ?? []) {
        const setting = stack.rotatableSecrets[Name.slice(stack.secretsPath.length)];
        const days = Math.floor((now.getTime() - LastModifiedDate.getTime()) / DAY);
        if (setting === undefined || days <= MAXIMUM_AGE_DAYS) continue;
        findings.push({
          wrong: `The secret ${Name} is ${days} days old.`,
          why: "Everyone who has seen it can still use it.",
          fix:
            `pulumi config set --stack ${stack.name} --secret ${setting}; pulumi up --stack ${stack.name} ` +
            `(see "Rotating a secret" in docs/operations.md)`,
        });
      }
    }
    return { findings };
  },
};
