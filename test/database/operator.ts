import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { Statement } from "../../policies/iam/document";
import { ACCOUNT, REGION, Role } from "../authorization";
import { ARTIFACTS } from "../deploy/double/aws";

/** A role with the policy that docs/operations.md gives to operators. */
export function operatorRole(env: string, artifactsBucket = ARTIFACTS): Role {
  const text = readFileSync(join(__dirname, "../../database/operatorPolicy.json"), "utf8")
    .replaceAll("ACCOUNT", ACCOUNT)
    .replaceAll("ARTIFACTS", artifactsBucket)
    .replaceAll("ENV", env)
    .replaceAll("REGION", REGION);
  return new Role((JSON.parse(text) as { Statement: Statement[] }).Statement);
}
