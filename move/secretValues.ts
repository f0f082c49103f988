import { GetParameterCommand } from "@aws-sdk/client-ssm";
import { awsCli } from "../cli/awsCli";
import { describeError } from "../cli/awsErrors";
import type { Clients } from "../doctor/clients";
import type { ExistingEnvironment } from "./existing/environments";

/** Where the values of an environment's secrets are readable. */
export interface SecretSource {
  clients: Clients;
  region: string;
  /** The AWS profile of the existing Iaso's account. */
  profile?: string;
}

const PARAMETER = /^arn:aws:ssm:[a-z0-9-]+:\d{12}:parameter(\/.+|[^/]+)$/;
const SECRET = /^arn:aws:secretsmanager:[a-z0-9-]+:\d{12}:secret:[\w/+=.@-]+$/;

/** The value of a secret, or why it cannot be read. */
export type SecretValue = { value: string } | { unreadable: string };

/**
 * Returns the value of a variable: the plain one, or the one that its reference to Parameter Store or Secrets Manager leads
 * to. Undefined if the environment does not have it, or empty.
 *
 * @see https://docs.aws.amazon.com/elasticbeanstalk/latest/dg/AWSHowTo.secrets.env-vars.html
 */
export async function secretValue(
  source: SecretSource,
  environment: ExistingEnvironment,
  variable: string,
): Promise<SecretValue | undefined> {
  const reference = environment.secretVariables[variable] ?? "";
  const plain = environment.variables[variable] ?? "";
  if (reference === "") return plain === "" ? undefined : { value: plain };
  try {
    const parameter = PARAMETER.exec(reference)?.[1];
    if (parameter !== undefined) {
      const { Parameter } = await source.clients.ssm.send(
        new GetParameterCommand({ Name: parameter, WithDecryption: true }),
      );
      return { value: Parameter?.Value ?? "" };
    }
    if (!SECRET.test(reference))
      return { unreadable: `${reference} is no reference that this program knows` };
    const command = `secretsmanager get-secret-value --secret-id ${reference} --query SecretString --output text`;
    return { value: awsCli(source.region, command, source).replace(/\n$/, "") };
  } catch (error) {
    return { unreadable: describeError(error) };
  }
}
