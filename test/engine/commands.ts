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

/** Where the CLI keeps the providers that it has installed. */
export function pluginFolder(): string {
  return join(process.env.PULUMI_HOME ?? join(homedir(), ".pulumi"), "plugins");
}

/** What the engine suite needs and this machine does not have, each with what installs it. */
export function missing(path = process.env.PATH ?? "", plugins = pluginFolder()): string[] {
  const cli = ["pulumi", "pulumi-language-nodejs"].filter((name) => find(name, path) === undefined);
  const hasProvider =
    find("pulumi-resource-command", path) !== undefined ||
    existsSync(join(plugins, `resource-command-v${command.version}`));
  return [
    ...(cli.length > 0
      ? [
          `${cli.join(" and ")} on PATH: install the Pulumi CLI, https://www.pulumi.com/docs/iac/download-install/`,
        ]
      : []),
    ...(hasProvider
      ? []
      : [`the provider for commands: pulumi plugin install resource command ${command.version}`]),
  ];
}
