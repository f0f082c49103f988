import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { UserError } from "../cli/userError";

interface Exception {
  resource: string;
  reason: string;
  /** The day from which it is a violation itself, such as 2027-01-31. */
  expires: string;
}

interface PolicyConfig {
  "no-foreign-data"?: { alsoAllowed?: string[]; reason?: string };
  "media-for-application"?: { exceptions?: Exception[] };
}

/**
 * Allows snapshots in the policy config of a stack, in the place of earlier ones.
 *
 * @throws UserError if the file is not JSON
 */
export function allowSnapshots(stack: string, snapshots: readonly string[], reason: string): void {
  change(stack, (config) => {
    config["no-foreign-data"] = { ...config["no-foreign-data"], alsoAllowed: [...snapshots], reason };
  });
}

/**
 * Excepts the bucket of media from the policy that lets only Iaso's roles in, in the place of earlier exceptions.
 *
 * @throws UserError if the file is not JSON
 */
export function exceptMedia(stack: string, reason: string, expires: string): void {
  change(stack, (config) => {
    const exceptions = [{ resource: "media", reason, expires }];
    config["media-for-application"] = { ...config["media-for-application"], exceptions };
  });
}

function change(stack: string, make: (config: PolicyConfig) => void): void {
  const file = `policies/policy-config.${stack}.json`;
  const config = existsSync(file) ? read(file) : {};
  make(config);
  writeFileSync(file, `${JSON.stringify(config, undefined, 2)}\n`);
}

function read(file: string): PolicyConfig {
  try {
    return JSON.parse(readFileSync(file, "utf8")) as PolicyConfig;
  } catch (error) {
    throw new UserError(`${file} is not JSON: ${(error as Error).message}.`, "Fix its syntax.");
  }
}
