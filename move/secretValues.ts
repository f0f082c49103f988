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
  /** The environment of the stack that gets the secrets. */
  env: string;
}

const PARAMETER = /^arn:aws:ssm:[a-z0-9-]+:\d{12}:parameter\/?(.+)$/;
const SECRET = /^arn:aws:secretsmanager:[a-z0-9-]+:\d{12}:secret:[\w/+=.@-]+$/;

/** The value of a secret and where it is, or why it cannot be read. */
export type SecretValue = { value: string; from: string } | { unreadable: string };

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
  if (reference === "") return plain === "" ? undefined : { value: plain, from: `the variable ${variable}` };
  try {
    const parameter = PARAMETER.exec(reference)?.[1];
    if (parameter !== undefined) {
      // Whoever writes the variables of the existing Iaso would otherwise get secrets carried that only this user may read.
      if (parameter.startsWith("iaso-secrets/") && !parameter.startsWith(`iaso-secrets/${source.env}/`))
        return { unreadable: `${reference} is a secret of another environment` };
      // The name alone would be one of the region and the account of the credentials.
      const { Parameter } = await source.clients.ssm.send(
        new GetParameterCommand({ Name: reference, WithDecryption: true }),
      );
      return { value: Parameter?.Value ?? "", from: reference };
    }
    if (!SECRET.test(reference))
      return { unreadable: `${reference} is no reference that this program knows` };
    const text = ["--query", "SecretString", "--output", "text"];
    const command = ["secretsmanager", "get-secret-value", "--secret-id", reference, ...text];
    return { value: awsCli(source.region, command, source).replace(/\n$/, ""), from: reference };
  } catch (error) {
    return { unreadable: describeError(error) };
  }
}
