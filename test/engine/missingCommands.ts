import { existsSync } from "node:fs";
import { delimiter, join } from "node:path";

/** What the engine suite needs and PATH does not have: the CLI, and the language host that comes with it. */
export function missingCommands(path = process.env.PATH ?? ""): string[] {
  const folders = path.split(delimiter);
  return ["pulumi", "pulumi-language-nodejs"].filter(
    (command) => !folders.some((folder) => existsSync(join(folder, command))),
  );
}
