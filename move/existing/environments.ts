import {
  DescribeConfigurationSettingsCommand,
  DescribeEnvironmentResourcesCommand,
  DescribePlatformVersionCommand,
  type EnvironmentDescription,
  ListTagsForResourceCommand,
} from "@aws-sdk/client-elastic-beanstalk";
import { isRefusal } from "../../cli/awsErrors";
import { didYouMean } from "../../cli/nearest";
import { UserError } from "../../cli/userError";
import type { Clients } from "../../doctor/clients";
import variables from "../../policies/facts/env-contract.json";
import type { OptionSetting } from "../../policies/facts/beanstalkOptions";

/** The namespace of environment variables, and the one of those whose values are ARNs of secrets. */
const VARIABLES = "aws:elasticbeanstalk:application:environment";
const SECRET_VARIABLES = `${VARIABLES}secrets`;

/** The tag that tells the environments of one Iaso from those of another in the same application. */
const ENVIRONMENT_TAG = "env";

/** A Beanstalk environment of the existing Iaso. */
export interface ExistingEnvironment {
  name: string;
  isWorker: boolean;
  /** Such as `iaso-prod.eu-central-1.elasticbeanstalk.com`; undefined for a worker. */
  cname?: string;
  /** Host name of the load balancer. */
  endpoint?: string;
  version?: string;
  /** The name of the solution stack, or the ARN of the platform version. */
  platform: string;
  /** Ids of the platform version's own images. Beanstalk shows one of them as the option ImageId if nobody sets it. */
  platformImages: string[];
  tags: Record<string, string>;
  /** Without variables. */
  options: OptionSetting[];
  /** Values of variables by name. Many are secrets: nothing may print one. */
  variables: Record<string, string>;
  /** ARNs of secrets by the name of the variable. */
  secretVariables: Record<string, string>;
  /** URL of the queue that the worker's daemon reads; undefined for a web environment, or if there is none. */
  queueUrl?: string;
}

/** The environments of one Iaso by role. */
export interface Roles {
  web: ExistingEnvironment;
  worker?: ExistingEnvironment;
  /** Several if the environments to choose from have several. */
  enketo: ExistingEnvironment[];
}

export interface Choice {
  application: string;
  /** Names of environments; all of the application if there are none. */
  environments: readonly string[];
}

/** Reads the options of an environment, its variables included. */
async function readOptions(
  { beanstalk }: Pick<Clients, "beanstalk">,
  { ApplicationName, EnvironmentName }: EnvironmentDescription,
): Promise<OptionSetting[]> {
  const { ConfigurationSettings = [] } = await beanstalk.send(
    new DescribeConfigurationSettingsCommand({ ApplicationName, EnvironmentName }),
  );
  return (ConfigurationSettings[0]?.OptionSettings ?? []).map(
    ({ Namespace = "", OptionName = "", Value }) => ({
      namespace: Namespace,
      name: OptionName,
      value: Value ?? "",
    }),
  );
}

/** The names of the environments that have the host of a database as their RDS_HOSTNAME. */
export async function environmentsOn(
  clients: Pick<Clients, "beanstalk">,
  all: readonly EnvironmentDescription[],
  host: string,
): Promise<string[]> {
  const found: string[] = [];
  for (const one of all) {
    const isOn = (await readOptions(clients, one)).some(
      ({ name, namespace, value }) =>
        namespace === VARIABLES && name === "RDS_HOSTNAME" && value.toLowerCase() === host.toLowerCase(),
    );
    if (isOn) found.push(one.EnvironmentName ?? "");
  }
  return found;
}

/** Reads an environment with its options, variables and tags. */
export async function readEnvironment(
  clients: Pick<Clients, "beanstalk">,
  description: EnvironmentDescription,
): Promise<ExistingEnvironment> {
  const { beanstalk } = clients;
  const { EnvironmentName } = description;
  const { ResourceTags = [] } = await beanstalk.send(
    new ListTagsForResourceCommand({ ResourceArn: description.EnvironmentArn }),
  );
  const settings = await readOptions(clients, description);
  const inNamespace = (wanted: string) =>
    Object.fromEntries(
      settings.flatMap(({ namespace, name, value }) => (namespace === wanted ? [[name, value]] : [])),
    );
  const isWorker = description.Tier?.Name === "Worker";
  return {
    name: EnvironmentName ?? "",
    isWorker,
    cname: description.CNAME,
    endpoint: description.EndpointURL,
    version: description.VersionLabel,
    platform: description.SolutionStackName ?? description.PlatformArn ?? "",
    platformImages: await imagesOf(beanstalk, description.PlatformArn),
    tags: Object.fromEntries(ResourceTags.map(({ Key = "", Value = "" }) => [Key, Value])),
    options: settings.filter(({ namespace }) => namespace !== VARIABLES && namespace !== SECRET_VARIABLES),
    variables: inNamespace(VARIABLES),
    secretVariables: inNamespace(SECRET_VARIABLES),
    queueUrl: isWorker ? await queueOf(beanstalk, EnvironmentName) : undefined,
  };
}

/** @see https://docs.aws.amazon.com/elasticbeanstalk/latest/dg/using-features.customenv.html */
async function imagesOf(beanstalk: Clients["beanstalk"], platform?: string): Promise<string[]> {
  if (platform === undefined) return [];
  try {
    const { PlatformDescription } = await beanstalk.send(
      new DescribePlatformVersionCommand({ PlatformArn: platform }),
    );
    return (PlatformDescription?.CustomAmiList ?? []).map(({ ImageId = "" }) => ImageId);
  } catch (error) {
    // AWS does not describe the platform versions that it has deleted.
    if (isRefusal(error)) return [];
    throw error;
  }
}

/** Beanstalk lists the queue of the daemon and, if it created that one, its dead-letter queue. */
async function queueOf(beanstalk: Clients["beanstalk"], name?: string): Promise<string | undefined> {
  const { EnvironmentResources } = await beanstalk.send(
    new DescribeEnvironmentResourcesCommand({ EnvironmentName: name }),
  );
  const queue = EnvironmentResources?.Queues?.find(({ Name }) => Name === "WorkerQueue")?.URL;
  return queue === "" ? undefined : queue;
}

/** The value of an option; an empty text if it has none. */
export function optionOf({ options }: ExistingEnvironment, namespace: string, name: string): string {
  return options.find((one) => one.namespace === namespace && one.name === name)?.value ?? "";
}

/** The variables that only Enketo reads. */
const ENKETO_VARIABLES: readonly string[] = variables.variables.flatMap(({ name, roles }) =>
  roles.includes("enketo") && name !== "PORT" ? [name] : [],
);

/** True if an environment runs Enketo: its variables are Enketo's. */
export function isEnketo({ secretVariables, variables: own }: ExistingEnvironment): boolean {
  return ENKETO_VARIABLES.some((name) => name in own || name in secretVariables);
}

/** @throws UserError if the application or an environment does not exist; the message names those that do */
export function chosen(
  all: readonly EnvironmentDescription[],
  { application, environments }: Choice,
): EnvironmentDescription[] {
  const own = all.filter(({ ApplicationName }) => ApplicationName === application);
  if (own.length === 0) {
    const names = [...new Set(all.map(({ ApplicationName = "" }) => ApplicationName))];
    throw new UserError(
      `There is no environment of an application ${application} in this account and region.${didYouMean(application, names)}`,
      names.length === 0
        ? "Use credentials of the account of the existing Iaso (export AWS_PROFILE=PROFILE), and its region: --region REGION"
        : `Name one of ${names.join(", ")}, or the region: --region REGION`,
    );
  }
  const names = own.map(({ EnvironmentName = "" }) => EnvironmentName);
  for (const name of environments) {
    if (names.includes(name)) continue;
    throw new UserError(
      `The application ${application} has no environment ${name}.${didYouMean(name, names)}`,
      `Name one of ${names.join(", ")}.`,
    );
  }
  return environments.length === 0
    ? own
    : own.filter(({ EnvironmentName = "" }) => environments.includes(EnvironmentName));
}

/**
 * Returns the environments of one Iaso by role.
 *
 * @throws UserError if there is no web environment, or they are of several Iaso
 */
export function rolesOf(found: readonly ExistingEnvironment[], application: string): Roles {
  const enketo = found.filter(isEnketo);
  const workers = found.filter(({ isWorker }) => isWorker);
  const webs = found.filter((one) => !one.isWorker && !enketo.includes(one));
  const [web] = webs;
  if (web === undefined) {
    throw new UserError(
      `None of the environments ${found.map(({ name }) => name).join(", ")} is a web environment of Iaso.`,
      "Name Iaso's web environment: --environment NAME",
    );
  }
  if (webs.length > 1 || workers.length > 1) {
    throw new UserError(
      `The application ${application} has environments of several Iaso: ${found.map(({ name }) => name).join(", ")}.`,
      ["Name those of one Iaso:", ...groups([...webs, ...workers]).map((group) => `  ${group}`)].join("\n"),
    );
  }
  return { web, worker: workers[0], enketo };
}

/** The arguments that name each Iaso: environments with the same tag `env`, or one by one without it. */
function groups(found: readonly ExistingEnvironment[]): string[] {
  const byTag = new Map<string, string[]>();
  for (const { name, tags } of found) {
    const key = tags[ENVIRONMENT_TAG] ?? `without tag: ${name}`;
    byTag.set(key, [...(byTag.get(key) ?? []), name]);
  }
  return [...byTag.values()].map((names) => names.map((name) => `--environment ${name}`).join(" "));
}
