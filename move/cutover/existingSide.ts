import { type EnvironmentDescription } from "@aws-sdk/client-elastic-beanstalk";
import { UserError } from "../../cli/userError";
import { type Clients } from "../../coordination/clients";
import { listListeners, requireFreePriorities } from "../../deploy/maintenance/listener";
import { queuePolicy } from "../../deploy/maintenance/queue";
import { listEnvironments } from "../../doctor/reads";
import { readDatabase } from "../existing/database";
import {
  type Choice,
  chosen,
  environmentsOn,
  type ExistingEnvironment,
  optionOf,
  readEnvironment,
  type Roles,
  rolesOf,
} from "../existing/environments";
import { type ExistingSide } from "./record";
import { onExisting, type Session } from "./session";

/** The ports of listeners that serve users. */
const PORTS = [80, 443];

/** The existing side, with what only the plan needs. */
export interface FoundSide {
  side: ExistingSide;
  /** Major version of PostgreSQL. */
  major: string;
  isEncrypted: boolean;
  /** True if Beanstalk updates the platform of the web environment by itself. */
  isManaged: boolean;
  /** The user as whom the existing Iaso connects, and the master user. */
  user: string;
  master: string;
  /** The name of the database in PostgreSQL. */
  databaseName: string;
}

/**
 * Reads the existing platform, and checks that its site can be closed. Changes nothing.
 *
 * @throws UserError if there is no such Iaso, or its site cannot be closed by rules of a load balancer of its own
 */
export async function findExistingSide(
  session: Session,
  region: string,
  choice: Choice,
  mediaAccount: string | undefined,
): Promise<FoundSide> {
  const clients = session.existingClients(region);
  const all = await listEnvironments(clients);
  const found: ExistingEnvironment[] = [];
  for (const one of chosen(all, choice)) found.push(await readEnvironment(clients, one));
  const { web, worker } = rolesOf(found, choice.application);
  const database = await readDatabase(clients, web.variables["RDS_HOSTNAME"] ?? "");
  await requireNoOthers(clients, all, found, database.Endpoint?.Address ?? "");
  const queueUrl = worker?.queueUrl ?? web.variables["BEANSTALK_SQS_URL"] ?? "";
  const side: ExistingSide = {
    region,
    web: web.name,
    worker: worker?.name,
    platform: /docker/i.test(web.platform) ? "docker" : "python",
    listeners: await listenersOf(clients, { web }, all),
    database: {
      id: database.DBInstanceIdentifier ?? "",
      host: database.Endpoint?.Address ?? "",
      gib: database.AllocatedStorage ?? 0,
    },
    bucket: { name: web.variables["AWS_STORAGE_BUCKET_NAME"] ?? "", account: mediaAccount },
  };
  if (side.bucket.name === "")
    throw new UserError(
      `${web.name} has no variable AWS_STORAGE_BUCKET_NAME, so its media are unknown.`,
      "Set it to the bucket of its media",
    );
  if (queueUrl !== "") {
    side.queue = { url: queueUrl, policy: "" };
    side.queue.policy = await queuePolicy(onExisting(session, side));
  }
  for (const listener of side.listeners)
    await requireFreePriorities(onExisting(session, side), listener, false);
  return {
    side,
    major: database.EngineVersion?.split(".")[0] ?? "",
    isEncrypted: database.StorageEncrypted === true,
    isManaged: optionOf(web, "aws:elasticbeanstalk:managedactions", "ManagedActionsEnabled") === "true",
    user: web.variables["RDS_USERNAME"] ?? "",
    master: database.MasterUsername ?? "",
    databaseName: web.variables["RDS_DB_NAME"] || "iaso",
  };
}

/** @throws UserError if environments that the cutover does not close write to the database of the existing Iaso */
async function requireNoOthers(
  clients: Clients,
  all: readonly EnvironmentDescription[],
  found: readonly ExistingEnvironment[],
  host: string,
): Promise<void> {
  const closed = found.map(({ name }) => name);
  const others = all.filter(({ EnvironmentName = "" }) => !closed.includes(EnvironmentName));
  const open = await environmentsOn(clients, others, host);
  if (open.length === 0) return;
  const [first = ""] = open;
  throw new UserError(
    `${open.join(", ")} of this account and region use the database of ${closed.join(", ")} too (RDS_HOSTNAME is ${host}), and a cutover does not close them: what they write after the snapshot would be lost.`,
    `Terminate them: aws elasticbeanstalk terminate-environment --environment-name ${first}; or name the worker of this Iaso too: ${[...closed, "WORKER"].map((name) => `--environment ${name}`).join(" ")}`,
  );
}

/** @throws UserError if the environment shares its load balancer, or has no application load balancer */
async function listenersOf(
  clients: Clients,
  { web }: Pick<Roles, "web">,
  all: readonly { EnvironmentName?: string; EndpointURL?: string }[],
): Promise<ExistingSide["listeners"]> {
  const remedy =
    `Clone ${web.name} with an application load balancer of its own (Beanstalk console, Clone environment), ` +
    "point its DNS record to the clone, and name the clone: --environment NAME. " +
    `Terminate ${web.name} when the time to live of its record is over: it would go on writing to the database`;
  const isShared =
    optionOf(web, "aws:elasticbeanstalk:environment", "LoadBalancerIsShared") === "true" ||
    all.some(
      ({ EndpointURL, EnvironmentName }) =>
        EndpointURL !== undefined && EndpointURL === web.endpoint && EnvironmentName !== web.name,
    );
  if (isShared) {
    throw new UserError(
      `${web.name} shares its load balancer with other environments, which the maintenance page would close too.`,
      remedy,
    );
  }
  const listeners = await listListeners(clients, web.endpoint);
  const serving = listeners?.filter(({ port }) => PORTS.includes(port)) ?? [];
  if (serving.length === 0) {
    throw new UserError(
      `${web.name} has no application load balancer with a listener on port 80 or 443, which could show the maintenance page.`,
      remedy,
    );
  }
  return serving.map(({ arn, targetGroup }) => ({ arn, targetGroup }));
}
