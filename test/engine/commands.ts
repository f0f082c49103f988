import { existsSync } from "node:fs";
import { homedir } from "node:os";
import { delimiter, join } from "node:path";
import command from "@pulumi/command/package.json";

/** The path of a command on PATH. */
export function find(name: string, path = process.env.PATH ?? ""): string | undefined {
  return path
    .split(delimiter)
    .map((folder) => join(folder, name))
    .find((file) => existsSync(file));
}

/** The folder in which the CLI keeps the plugins that it has installed. */
export function pluginFolder(): string {
  return join(process.env.PULUMI_HOME ?? join(homedir(), ".pulumi"), "plugins");
}

/** The plugins that the suite serves itself and attaches to the engine, because Pulumi's own are not installed. */
export function attached(): { language: boolean; command: boolean } {
  return {
    language: find("pulumi-language-nodejs") === undefined,
    command:
      find("pulumi-resource-command") === undefined &&
      !existsSync(join(pluginFolder(), `resource-command-v${command.version}`)),
  };
}

/** Says how to get the engine on a machine that has none; undefined on a machine that can run the suite. */
export function missingEngine(): string | undefined {
  if (find("pulumi") !== undefined) return undefined;
  return (
    "There is no pulumi on PATH. Install the Pulumi CLI (https://www.pulumi.com/docs/iac/download-install/), " +
    'or build its engine with Go: PATH="$(test/engine/hosts/build-engine):$PATH"'
  );
}
