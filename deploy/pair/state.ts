import {
  DescribeEnvironmentsCommand,
  DescribeInstancesHealthCommand,
  type ElasticBeanstalkClient,
  type EnvironmentDescription,
  type SingleInstanceHealth,
} from "@aws-sdk/client-elastic-beanstalk";
import { errorName } from "../../cli/awsErrors";
import { UserError } from "../../cli/userError";
import { type Member, type Pair, type Role } from "./find";

/** What one instance says of the last deployment to it. */
export interface InstanceLook {
  id: string;
  version: string | undefined;
  /** "In Progress", "Deployed" or "Failed". */
  deployment: string | undefined;
  causes: string[];
}

/** An environment as AWS shows it at one moment. */
export interface EnvironmentLook {
  role: Role;
  name: string;
  /** "Ready", "Updating" and so on; "Terminated" where the environment is gone. */
  status: string;
  /** The label on the environment. Instances may run another one. */
  version: string | undefined;
  /** The status of enhanced health: "Ok", "Info", "Warning", "Degraded", "Severe" and so on. */
  health: string;
  abortable: boolean;
  /** Only looked at where the environment is Ready: before that they are on their way. */
  instances: InstanceLook[];
}

export type PairLook = Record<Role, EnvironmentLook>;

export async function lookAtPair(client: ElasticBeanstalkClient, pair: Pair): Promise<PairLook> {
  const { Environments } = await client.send(
    new DescribeEnvironmentsCommand({ EnvironmentIds: [pair.web.id, pair.worker.id], IncludeDeleted: false }),
  );
  const look = async (member: Member): Promise<EnvironmentLook> => {
    const environment = Environments?.find(({ EnvironmentId }) => EnvironmentId === member.id);
    return lookAtEnvironment(client, member, environment);
  };
  const [web, worker] = await Promise.all([look(pair.web), look(pair.worker)]);
  return { web, worker };
}

async function lookAtEnvironment(
  client: ElasticBeanstalkClient,
  { id, name, role }: Member,
  environment: EnvironmentDescription | undefined,
): Promise<EnvironmentLook> {
  const status = environment?.Status ?? "Terminated";
  return {
    role,
    name,
    status,
    version: environment?.VersionLabel,
    health: environment?.HealthStatus ?? "No Data",
    abortable: environment?.AbortableOperationInProgress === true,
    instances: status === "Ready" ? (await listInstances(client, id, name)).map(instanceLook) : [],
  };
}

async function listInstances(
  client: ElasticBeanstalkClient,
  id: string,
  name: string,
): Promise<SingleInstanceHealth[]> {
  const instances: SingleInstanceHealth[] = [];
  let token: string | undefined;
  try {
    do {
      const page = await client.send(
        new DescribeInstancesHealthCommand({
          EnvironmentId: id,
          AttributeNames: ["HealthStatus", "Causes", "Deployment"],
          NextToken: token,
        }),
      );
      instances.push(...(page.InstanceHealthList ?? []));
      token = page.NextToken;
    } while (token !== undefined);
  } catch (error) {
    if (errorName(error) !== "InvalidRequestException") throw error;
    throw new UserError(
      `The environment ${name} does not report the health of its instances: enhanced health is off.`,
      "Set SystemType to enhanced (aws:elasticbeanstalk:healthreporting:system): pulumi up",
      { cause: error },
    );
  }
  return instances;
}

function instanceLook({ InstanceId, Deployment, Causes }: SingleInstanceHealth): InstanceLook {
  return {
    id: InstanceId ?? "",
    version: Deployment?.VersionLabel,
    deployment: Deployment?.Status,
    causes: Causes ?? [],
  };
}

/**
 * What keeps an environment from running `version` on every instance; empty where it does. The environment's own
 * label does not suffice: after a failed deployment it names the previous version, while instances may run either.
 *
 * @see https://docs.aws.amazon.com/elasticbeanstalk/latest/dg/using-features.rolling-version-deploy.html
 */
export function deviations(look: EnvironmentLook, version: string): string[] {
  if (look.status !== "Ready") return [`is ${look.status}`];
  if (look.version !== version) return [`is on ${look.version ?? "no version"}`];
  return instanceDeviations(look, version);
}

export function instanceDeviations(look: EnvironmentLook, version: string): string[] {
  if (look.instances.length === 0) return ["has no instances"];
  return look.instances
    .filter((instance) => instance.version !== version || instance.deployment !== "Deployed")
    .map(({ id, version: has, deployment }) => `${id}: ${has ?? "no version"} (${deployment ?? "unknown"})`);
}

/** "on 2.3.1-ab12cd34, Ready, Ok", for reports. */
export function describeLook(look: EnvironmentLook): string {
  const version = look.version ?? "no version";
  const odd = look.status === "Ready" ? instanceDeviations(look, version) : [];
  const instances = odd.length === 0 ? "" : `; instances: ${odd.join(", ")}`;
  return `on ${version}, ${look.status}, health ${look.health}${instances}`;
}
