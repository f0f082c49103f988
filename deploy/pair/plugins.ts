import { DescribeConfigurationSettingsCommand } from "@aws-sdk/client-elastic-beanstalk";
import { type Session } from "../session";
import { type Pair } from "./find";

const NAMESPACE = "aws:elasticbeanstalk:application:environment";

/** Reads the plugins that the environment enables, from the variable PLUGINS of the web environment. */
export async function readPlugins({ clients, target }: Session, { web }: Pair): Promise<string[]> {
  const { ConfigurationSettings } = await clients.beanstalk.send(
    new DescribeConfigurationSettingsCommand({
      ApplicationName: target.application,
      EnvironmentName: web.name,
    }),
  );
  const option = ConfigurationSettings?.flatMap(({ OptionSettings }) => OptionSettings ?? []).find(
    ({ Namespace, OptionName }) => Namespace === NAMESPACE && OptionName === "PLUGINS",
  );
  return (option?.Value ?? "")
    .split(",")
    .map((plugin) => plugin.trim())
    .filter((plugin) => plugin !== "");
}
