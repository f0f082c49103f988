import { GetParameterCommand, type SSMClient } from "@aws-sdk/client-ssm";
import { UserError } from "../cli/userError";
import {
  type DeployParameter,
  deployParameter,
  deployParameterName,
} from "../components/common/deployParameter";
import { errorName } from "../cli/awsErrors";

/** The location of an environment, as the Pulumi program writes it. */
export type Target = DeployParameter;

/** The account of an environment, from the address of its queue: https://sqs.REGION.amazonaws.com/ACCOUNT/NAME. */
export const accountOf = ({ queueUrl }: Target): string => queueUrl.split("/")[3] ?? "";

/**
 * Reads the SSM parameter that describes an environment.
 *
 * @throws UserError if there is none, it is invalid, or it belongs to another region
 */
export async function readTarget(ssm: SSMClient, env: string, region: string): Promise<Target> {
  const name = deployParameterName(env);
  const remedy = `pulumi up --stack ${env}`;
  let value: string | undefined;
  try {
    const { Parameter } = await ssm.send(new GetParameterCommand({ Name: name }));
    value = Parameter?.Value;
  } catch (error) {
    if (errorName(error) !== "ParameterNotFound") throw error;
    throw new UserError(
      `There is no environment ${env} in ${region}: the SSM parameter ${name} does not exist.`,
      `Check the name and --region, or create the environment: ${remedy}`,
    );
  }
  const parsed = deployParameter.safeParse(parseJson(value ?? ""));
  if (!parsed.success) {
    const where = parsed.error.issues.map((issue) => `${issue.path.join(".")}: ${issue.message}`).join("; ");
    throw new UserError(`The SSM parameter ${name} is invalid (${where}).`, remedy);
  }
  if (parsed.data.region !== region) {
    throw new UserError(
      `The environment ${env} is in ${parsed.data.region}, not in ${region}.`,
      `Add --region ${parsed.data.region}`,
    );
  }
  return parsed.data;
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
