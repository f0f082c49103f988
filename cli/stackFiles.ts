import { readdirSync } from "node:fs";

/** The names of the stacks with settings in a folder, in files `Pulumi.STACK.yaml`. */
export function listStackFiles(directory: string): string[] {
  return readdirSync(directory)
    .flatMap((file) => /^Pulumi\.(.+)\.yaml$/.exec(file)?.[1] ?? [])
    .sort()
    .reverse();
}

/** True for an encrypted value of a stack file. */
export function isSecure(value: unknown): boolean {
  return typeof value === "object" && value !== null && "secure" in value;
}
