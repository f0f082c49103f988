import { dependenciesOf, resourcesUsing, tagOf } from "../../context";
import { defineRule } from "../../rule";
import { demand, groupBy, isUnknown, text } from "../../values";
import {
  Environment,
  ENVIRONMENT,
  isWeb,
  LAUNCH_CONFIGURATION,
  optionOf,
  platformOf,
  variablesOf,
} from "../../optionSettings";

const GROUP = "aws:ec2/securityGroup:SecurityGroup";
const DAEMON = "aws:elasticbeanstalk:sqsd";

export const workerTimeouts = defineRule({
  name: "worker-timeouts",
  types: [ENVIRONMENT],
  description:
    "The daemon of a worker posts to /tasks/task/ and hides a message for longer than the task may take",
  why: "a running task would be started a second time",
  severity: "high",
  check: (environment) => {
    if (isWeb(environment)) return [];
    const visibility = optionOf(environment, DAEMON, "VisibilityTimeout");
    const inactivity = optionOf(environment, DAEMON, "InactivityTimeout");
    const path = optionOf(environment, DAEMON, "HttpPath");
    return [
      ...demand(
        isUnknown(inactivity) ? inactivity : visibility,
        Number(visibility) >= Number(inactivity),
        "VisibilityTimeout",
        `InactivityTimeout (${text(inactivity) || "not set"}) or more`,
      ),
      ...demand(path, path === "/tasks/task/", "HttpPath", "/tasks/task/"),
    ];
  },
});

export const workerUnreachable = defineRule({
  name: "worker-unreachable",
  types: [ENVIRONMENT],
  description: "A worker is in security groups of this program only, and none of them has an ingress rule",
  why: "Iaso's task paths have no authentication",
  severity: "critical",
  neighbours: true,
  check: (environment, stack) => {
    if (isWeb(environment)) return [];
    const groups = stack.once(
      "URNs of security groups",
      () => new Set(stack.ofType(GROUP).map(({ urn }) => urn)),
    );
    // The ids of the groups are unknown at the first preview, their URNs are not.
    const used = dependenciesOf(environment, "settings").filter((urn) => groups.has(urn));
    if (used.length === 0 || text(optionOf(environment, LAUNCH_CONFIGURATION, "SecurityGroups")) === "")
      return ["The worker names no security group of this program. Write option SecurityGroups."];
    return used
      .flatMap((urn) =>
        resourcesUsing(
          stack,
          "aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule",
          "securityGroupId",
          urn,
        ),
      )
      .map(
        ({ name }) => `Rule ${name} lets traffic in to the worker. Remove it, or its group from the worker.`,
      );
  },
});

/** The options, apart from variables, that web and worker must have in common. */
const COMMON_OPTIONS = [[LAUNCH_CONFIGURATION, "ImageId"]] as const;

/** The commands that build an environment's image: two unknown images are equal if one command builds both. */
const imageBuildersOf = (environment: Environment): string =>
  dependenciesOf(environment, "settings")
    .filter((urn) => urn.includes("command:local:Command"))
    .sort()
    .join();

/** Names of settings that must be equal in web and worker but differ. */
function differences(web: Environment, worker: Environment): string[] {
  const images = [web, worker].map((one) => optionOf(one, LAUNCH_CONFIGURATION, "ImageId"));
  const variables = [web, worker].map(
    (one) => new Map(variablesOf(one).map(({ name, value }) => [name, value])),
  );
  const names = new Set([web, worker].flatMap(variablesOf).map(({ name }) => name));
  names.delete("WORKER");
  return [
    ...(web.inputs.application === worker.inputs.application ? [] : ["application"]),
    ...(platformOf(web) === platformOf(worker) ? [] : ["platform"]),
    ...COMMON_OPTIONS.filter(
      ([namespace, name]) => optionOf(web, namespace, name) !== optionOf(worker, namespace, name),
    ).map(([, name]) => name),
    ...(isUnknown(images[0]) && imageBuildersOf(web) !== imageBuildersOf(worker) ? ["ImageId"] : []),
    ...[...names]
      .filter((name) => variables[0]?.get(name) !== variables[1]?.get(name))
      .map((name) => `variable ${name}`),
  ];
}

export const webWorkerPair = defineRule({
  name: "web-worker-pair",
  types: [ENVIRONMENT],
  description:
    "Each env has one web and one worker, with the same platform, image, application and variables",
  why: "code that runs on one would fail on the other",
  severity: "high",
  neighbours: true,
  check: (environment, stack) => {
    const role = tagOf(environment, "role");
    if (role !== "web" && role !== "worker") return [];
    const env = tagOf(environment, "env");
    const byEnv = stack.once("environments by env", () =>
      groupBy(stack.ofType(ENVIRONMENT), (one) => tagOf(one, "env")),
    );
    const partners = (byEnv.get(env) ?? []).filter(
      (one) => tagOf(one, "role") === (role === "web" ? "worker" : "web"),
    );
    const [partner] = partners;
    if (partner === undefined || partners.length > 1)
      return [
        `There are ${String(partners.length)} partners for ${role} of env ${env}. Write exactly one of each role.`,
      ];
    if (isWeb(environment) !== (role === "web"))
      return [
        `The tier of role ${role} is ${text(environment.inputs.tier)}. Write ${role === "web" ? "WebServer" : "Worker"}.`,
      ];
    return role === "worker"
      ? []
      : differences(environment, partner).map(
          (name) => `Web and worker differ in ${name}. Write the same for both.`,
        );
  },
});
