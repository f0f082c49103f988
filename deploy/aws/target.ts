import { GetParameterCommand, type SSMClient } from "@aws-sdk/client-ssm";
import { z } from "zod";
import { UserError } from "../../cli/userError";
import { errorName } from "../../cli/awsErrors";

const schema = z.object({
  application: z.string().min(1),
  platform: z.enum(["python", "docker"]),
  region: z.string().min(1),
  artifactsBucket: z.string().min(1),
  staticBucket: z.string().min(1),
  staticUrl: z.string().min(1),
  webUrl: z.string().min(1),
  databaseIdentifier: z.string().min(1),
  queueUrl: z.string().min(1),
});

/** Where an environment is: what the Pulumi program writes for the deploy tool. */
export type Target = z.infer<typeof schema>;

/**
 * Reads the SSM parameter that describes an environment.
 *
 * @throws UserError if there is none, it is invalid, or it belongs to another region
 */
export async function readTarget(ssm: SSMClient, env: string, region: string): Promise<Target> {
  const name = `/iaso/${env}/deployment`;
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
  const parsed = schema.safeParse(parseJson(value ?? ""));
  if (!parsed.success) {
    const where = parsed.error.issues.map((issue) => `${issue.path.join(".")}: ${issue.message}`).join("; ");
    throw new UserError(
      `The SSM parameter ${name} is not what the Pulumi program writes (${where}).`,
      remedy,
    );
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
