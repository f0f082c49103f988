import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { UserError } from "../cli/userError";

interface PolicyConfig {
  "no-foreign-data"?: { alsoAllowed?: string[]; reason?: string };
}

/**
 * Allows snapshots in the policy config of a stack, in the place of earlier ones.
 *
 * @throws UserError if the file is not JSON
 */
export function allowSnapshots(stack: string, snapshots: readonly string[], reason: string): void {
  const file = `policies/policy-config.${stack}.json`;
  const config = existsSync(file) ? read(file) : {};
  config["no-foreign-data"] = { ...config["no-foreign-data"], alsoAllowed: [...snapshots], reason };
  writeFileSync(file, `${JSON.stringify(config, undefined, 2)}\n`);
}

function read(file: string): PolicyConfig {
  try {
    return JSON.parse(readFileSync(file, "utf8")) as PolicyConfig;
  } catch (error) {
    throw new UserError(`${file} is not JSON: ${(error as Error).message}.`, "Fix its syntax.");
  }
}
