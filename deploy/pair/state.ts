import {
  DescribeEnvironmentsCommand,
  DescribeInstancesHealthCommand,
  type ElasticBeanstalkClient,
  type EnvironmentDescription,
  type SingleInstanceHealth,
} from "@aws-sdk/client-elastic-beanstalk";
import { errorName } from "../../cli/awsErrors";
import { UserError } from "../../cli/userError";
import { type Member, type Pair, type Role, ROLES } from "./find";

/** The last deployment to one instance, as the instance reports it. */
export interface InstanceState {
  id: string;
  version: string | undefined;
  /** "In Progress", "Deployed" or "Failed". */
  deployment: string | undefined;
  /** The number of the deployment: Beanstalk counts the deployments of an environment. */
  deploymentId: number;
  /** The status of its enhanced health, such as "Ok". */
  health: string;
  causes: string[];
}

/** The state of an environment as AWS reports it. */
export interface EnvironmentState {
  role: Role;
  name: string;
  /** "Ready", "Updating" and so on; "Terminated" if the environment is gone. */
  status: string;
  /** The version label of the environment. Instances may run another version. */
  version: string | undefined;
  /** The status of enhanced health: "Ok", "Info", "Warning", "Degraded", "Severe" and so on. */
  health: string;
  /** True if an update is in progress that can be aborted. */
  abortable: boolean;
  /** Empty unless the environment is Ready: during an update instances change. */
  instances: InstanceState[];
}

export type PairState = Record<Role, EnvironmentState>;

/** Reads the state of both environments. */
export async function describePair(client: ElasticBeanstalkClient, pair: Pair): Promise<PairState> {
  const { Environments } = await client.send(
    new DescribeEnvironmentsCommand({ EnvironmentIds: [pair.web.id, pair.worker.id], IncludeDeleted: false }),
  );
  const describe = async (member: Member): Promise<EnvironmentState> => {
    const environment = Environments?.find(({ EnvironmentId }) => EnvironmentId === member.id);
    return environmentState(client, member, environment);
  };
  const [web, worker] = await Promise.all([describe(pair.web), describe(pair.worker)]);
  return { web, worker };
}

async function environmentState(
  client: ElasticBeanstalkClient,
  { id, name, role }: Member,
  environment: EnvironmentDescription | undefined,
): Promise<EnvironmentState> {
  const status = environment?.Status ?? "Terminated";
  return {
    role,
    name,
    status,
    version: environment?.VersionLabel,
    health: environment?.HealthStatus ?? "No Data",
    abortable: environment?.AbortableOperationInProgress === true,
    instances: status === "Ready" ? (await listInstances(client, id, name)).map(instanceState) : [],
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

function instanceState({
  InstanceId,
  HealthStatus,
  Deployment,
  Causes,
}: SingleInstanceHealth): InstanceState {
  return {
    id: InstanceId ?? "",
    version: Deployment?.VersionLabel,
    deployment: Deployment?.Status,
    deploymentId: Deployment?.DeploymentId ?? 0,
    health: HealthStatus ?? "No Data",
    causes: Causes ?? [],
  };
}

/**
 * The reasons why an environment does not run `version` on every instance; empty if it does. The environment's label
 * is not enough: after a failed deployment it names the previous version, while instances may run either.
 *
 * @param after the number of a deployment; instances without a later one deviate
 * @see https://docs.aws.amazon.com/elasticbeanstalk/latest/dg/using-features.rolling-version-deploy.html
 */
export function deviations(state: EnvironmentState, version: string, after = -1): string[] {
  if (state.status !== "Ready") return [`is ${state.status}`];
  if (state.version !== version) return [`is on ${state.version ?? "no version"}`];
  return instanceDeviations(state, version, after);
}

/** The numbers of the last deployments to both environments; undefined if one of them shows no instances. */
export function lastDeployments(state: PairState): Record<Role, number> | undefined {
  if (ROLES.some((role) => state[role].instances.length === 0)) return undefined;
  const last = (role: Role) => Math.max(...state[role].instances.map(({ deploymentId }) => deploymentId));
  return { web: last("web"), worker: last("worker") };
}

function instanceDeviations(state: EnvironmentState, version: string, after = -1): string[] {
  if (state.instances.length === 0) return ["has no instances"];
  return state.instances
    .filter(
      ({ deployment, deploymentId, version: has }) =>
        has !== version || deployment !== "Deployed" || deploymentId <= after,
    )
    .map(({ id, version: has, deployment }) => `${id}: ${has ?? "no version"} (${deployment ?? "unknown"})`);
}

/** The state as reports show it, such as "on 2.3.1-ab12cd34, Ready, health Ok". */
export function formatState(state: EnvironmentState): string {
  const version = state.version ?? "no version";
  const deviating = state.status === "Ready" ? instanceDeviations(state, version) : [];
  const instances = deviating.length === 0 ? "" : `; instances: ${deviating.join(", ")}`;
  return `on ${version}, ${state.status}, health ${state.health}${instances}`;
}
