import { readdirSync } from "node:fs";

/** The names of the stacks with settings in a folder, in files `Pulumi.STACK.yaml`. */
export function listStackFiles(directory: string): string[] {
  return readdirSync(directory)
    .flatMap((file) => /^Pulumi\.(.+)\.yaml$/.exec(file)?.[1] ?? [])
    .sort()
    .reverse();
}
