import { DescribeConfigurationSettingsCommand } from "@aws-sdk/client-elastic-beanstalk";
import { type Session } from "../session";
import { type Pair } from "./find";

const PLAIN = "aws:elasticbeanstalk:application:environment";
const SECRET = "aws:elasticbeanstalk:application:environmentsecrets";

/** The environment variables of the application, as Beanstalk has them. */
export interface EnvironmentVariables {
  plain: Record<string, string>;
  /** The names of those whose values Beanstalk fetches from a secret store. */
  secret: string[];
}

/** Reads the environment variables of the web environment. */
export async function readVariables(
  { clients, target }: Session,
  { web }: Pair,
): Promise<EnvironmentVariables> {
  const { ConfigurationSettings } = await clients.beanstalk.send(
    new DescribeConfigurationSettingsCommand({
      ApplicationName: target.application,
      EnvironmentName: web.name,
    }),
  );
  const options = ConfigurationSettings?.flatMap(({ OptionSettings }) => OptionSettings ?? []) ?? [];
  const of = (namespace: string): [string, string][] =>
    options
      .filter(({ Namespace }) => Namespace === namespace)
      .map(({ OptionName, Value }) => [OptionName ?? "", Value ?? ""]);
  return { plain: Object.fromEntries(of(PLAIN)), secret: of(SECRET).map(([name]) => name) };
}
