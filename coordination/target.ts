import { GetParameterCommand, type Parameter, type SSMClient } from "@aws-sdk/client-ssm";
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
 * @throws UserError if there is none, it is invalid, it belongs to another region, or it names resources of others
 */
export async function readTarget(ssm: SSMClient, env: string, region: string): Promise<Target> {
  const name = deployParameterName(env);
  const remedy = `pulumi up --stack ${env}`;
  let parameter: Parameter | undefined;
  try {
    parameter = (await ssm.send(new GetParameterCommand({ Name: name }))).Parameter;
  } catch (error) {
    if (errorName(error) !== "ParameterNotFound") throw error;
    throw new UserError(
      `There is no environment ${env} in ${region}: the SSM parameter ${name} does not exist.`,
      `Check the name and --region, or create the environment: ${remedy}`,
    );
  }
  const parsed = deployParameter.safeParse(parseJson(parameter?.Value ?? ""));
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
  // An ARN is arn:aws:ssm:REGION:ACCOUNT:parameter/NAME. SSM writes it, so its account is right.
  requireOwnNames(parsed.data, env, parameter?.ARN?.split(":")[4] ?? "");
  return parsed.data;
}

/** The beginning of the addresses of queues. The SDK sends the requests for a queue to the host in its address. */
function queueOrigin(region: string): string {
  const { AWS_ENDPOINT_URL, AWS_ENDPOINT_URL_SQS } = process.env;
  return AWS_ENDPOINT_URL_SQS ?? AWS_ENDPOINT_URL ?? `https://sqs.${region}.amazonaws.com`;
}

/**
 * Checks that a parameter names resources of its own environment and account. The role that updates the infrastructure
 * writes the parameter. With other names in it, a user with more permissions would read the journal from a stranger's
 * bucket, or change the database of another environment.
 */
function requireOwnNames(target: Target, env: string, account: string): void {
  const own = `iaso-${env}`;
  const expected: [key: keyof Target, isOwn: (value: string) => boolean][] = [
    ["application", (value) => value === own],
    ["artifactsBucket", (value) => value.endsWith(`-${own}-artifacts`)],
    ["staticBucket", (value) => value.endsWith(`-${own}-static`)],
    ["databaseIdentifier", (value) => value === own],
    ["imageRepository", (value) => value === own],
    ["queueUrl", (value) => value === `${queueOrigin(target.region)}/${account}/${own}-tasks`],
  ];
  const wrong = expected.flatMap(([key, isOwn]) => {
    const value = target[key];
    return value === undefined || isOwn(value) ? [] : [`${key} ${value}`];
  });
  if (wrong.length === 0) return;
  throw new UserError(
    `The SSM parameter ${deployParameterName(env)} of account ${account} names resources that are not those of ${env}: ${wrong.join(", ")}.`,
    `Find out in CloudTrail who wrote it (PutParameter), then: pulumi up --stack ${env}`,
  );
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
