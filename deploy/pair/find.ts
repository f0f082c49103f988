import {
  type ElasticBeanstalkClient,
  type EnvironmentDescription,
  DescribeEnvironmentsCommand,
  ListTagsForResourceCommand,
} from "@aws-sdk/client-elastic-beanstalk";
import { type Target } from "../../coordination/target";
import { UserError } from "../../cli/userError";

export const ROLES = ["web", "worker"] as const;
export type Role = (typeof ROLES)[number];

/** One environment of the pair. Calls use its id, which AWS never gives to another environment. */
export interface Member {
  role: Role;
  id: string;
  name: string;
}

export type Pair = Record<Role, Member>;

const TIER: Record<Role, string> = { web: "WebServer", worker: "Worker" };

/**
 * Finds the web and the worker environment of `env` by their tags: `project` = iaso, `env` (in any case) and `role`.
 * Other environments of the application are never changed.
 *
 * @throws UserError if a role has no environment or several, or an environment has the wrong tier or platform
 */
export async function findPair(client: ElasticBeanstalkClient, env: string, target: Target): Promise<Pair> {
  const found: Record<Role, EnvironmentDescription[]> = { web: [], worker: [] };
  for (const environment of await listEnvironments(client, target.application)) {
    const tags = await readTags(client, environment);
    const role = ROLES.find((name) => name === tags.get("role"));
    if (role === undefined || tags.get("project") !== "iaso") continue;
    if (tags.get("env")?.toLowerCase() !== env.toLowerCase()) continue;
    found[role].push(environment);
  }
  return { web: single("web", found.web, env, target), worker: single("worker", found.worker, env, target) };
}

/** All environments of an application that are not terminated. */
export async function listEnvironments(
  client: ElasticBeanstalkClient,
  application: string,
): Promise<EnvironmentDescription[]> {
  const environments: EnvironmentDescription[] = [];
  let token: string | undefined;
  do {
    const page = await client.send(
      new DescribeEnvironmentsCommand({
        ApplicationName: application,
        IncludeDeleted: false,
        MaxRecords: 100,
        NextToken: token,
      }),
    );
    environments.push(...(page.Environments ?? []));
    token = page.NextToken;
  } while (token !== undefined);
  return environments.filter(({ Status }) => Status !== "Terminated" && Status !== "Terminating");
}

async function readTags(
  client: ElasticBeanstalkClient,
  environment: EnvironmentDescription,
): Promise<Map<string, string>> {
  const { ResourceTags } = await client.send(
    new ListTagsForResourceCommand({ ResourceArn: environment.EnvironmentArn }),
  );
  return new Map((ResourceTags ?? []).map(({ Key, Value }) => [Key ?? "", Value ?? ""]));
}

function single(role: Role, found: EnvironmentDescription[], env: string, target: Target): Member {
  const [environment, ...others] = found;
  const tags = `project=iaso, env=${env}, role=${role}`;
  if (environment === undefined) {
    throw new UserError(
      `The application ${target.application} has no environment with the tags ${tags}.`,
      `Create it, or correct its tags: pulumi up --stack ${env}`,
    );
  }
  const name = environment.EnvironmentName ?? "";
  if (others.length > 0) {
    const names = found.map((one) => one.EnvironmentName).join(", ");
    throw new UserError(
      `${found.length} environments have the tags ${tags}: ${names}. Only one may have them.`,
      "Remove the tag env from the other environments: aws elasticbeanstalk update-tags-for-resource",
    );
  }
  if (environment.Tier?.Name !== undefined && environment.Tier.Name !== TIER[role]) {
    throw new UserError(
      `The environment ${name} has the tag role=${role}, but its tier is ${environment.Tier.Name}.`,
      `Correct its tags: pulumi up --stack ${env}`,
    );
  }
  const platform = platformOf(environment);
  if (platform !== target.platform) {
    throw new UserError(
      `The environment ${name} runs on ${platform}, but the platform of ${env} is ${target.platform}.`,
      `Give both environments this platform: pulumi up --stack ${env}`,
    );
  }
  return { role, id: environment.EnvironmentId ?? "", name };
}

/** "python" or "docker", or Beanstalk's name of any other platform. */
function platformOf({ PlatformArn, SolutionStackName }: EnvironmentDescription): string {
  const name = PlatformArn?.split("/").at(-2) ?? SolutionStackName ?? "an unknown platform";
  const match = /(?:^|running )(Python|Docker)\b/.exec(name);
  return match?.[1]?.toLowerCase() ?? name;
}
