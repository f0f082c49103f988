import { PASSES_COMPOSE, passesCompose } from "../../facts/composeEnvFile";
import { STARTTLS_PORTS } from "../../facts/smtp";
import { regionsOf, resourcesWith, Stack, tagOf } from "../../context";
import { defineRule } from "../../rule";
import { demand, groupBy, isUnknown, text } from "../../values";
import {
  Environment,
  ENVIRONMENT,
  isWeb,
  optionOf,
  platformOf,
  runsDocker,
  settingsOf,
  VARIABLES,
} from "../../optionSettings";

const PROCESS = "aws:elasticbeanstalk:environment:process:default";
const TRIGGER = "aws:autoscaling:trigger";
/** Measures that count something: their sum is the load. */
const COUNTS = /^(RequestCount|NetworkIn|NetworkOut|DiskReadOps|DiskWriteOps|DiskReadBytes|DiskWriteBytes)$/;
const COMMAND = "aws:elasticbeanstalk:command";
const ROOT = "aws:autoscaling:launchconfiguration";
const PYTHON = "aws:elasticbeanstalk:container:python";

const number = (environment: Environment, namespace: string, name: string, standard: number): number => {
  const value = text(optionOf(environment, namespace, name));
  return value === "" ? standard : Number(value);
};

/** The options of a scheduled action that say how many instances run. */
const SIZES = ["DesiredCapacity", "MaxSize", "MinSize"];

/** Tags that Beanstalk sets itself. */
const RESERVED = /^(Name|elasticbeanstalk:.*|aws:.*)$/;

/** True for the text of a health configuration; the option may be absent. */
function isJson(value: string): boolean {
  try {
    return value === "" || (JSON.parse(value) as { Version?: unknown } | null)?.Version === 1;
  } catch {
    return false;
  }
}

export const environmentValues = defineRule({
  name: "environment-values",
  kind: "values together",
  types: [ENVIRONMENT],
  description:
    "An environment's health check, scaling, batches, tier, platform and tags are values that Beanstalk accepts together",
  why: "Beanstalk refuses others half-way through a deployment, or replaces healthy instances",
  severity: "high",
  check: (environment) => {
    const option = (namespace: string, name: string) => text(optionOf(environment, namespace, name));
    const [timeout, interval] = [
      number(environment, PROCESS, "HealthCheckTimeout", 5),
      number(environment, PROCESS, "HealthCheckInterval", 15),
    ];
    const [lower, upper] = [
      number(environment, TRIGGER, "LowerThreshold", 2_000_000),
      number(environment, TRIGGER, "UpperThreshold", 6_000_000),
    ];
    const measure = option(TRIGGER, "MeasureName");
    const isPercent = measure === "CPUUtilization";
    const batch = number(environment, COMMAND, "BatchSize", 1);
    const isShare = option(COMMAND, "BatchSizeType") !== "Fixed";
    const tags = Object.keys(environment.inputs.tags ?? {});
    const { cnamePrefix, waitForReadyTimeout } = environment.inputs;
    const namespaces = new Set(settingsOf(environment).map(({ namespace }) => namespace));
    const scheduled = settingsOf(environment).filter(
      ({ namespace }) => namespace === "aws:autoscaling:scheduledaction",
    );
    return [
      ...(isWeb(environment) && timeout >= interval
        ? [
            `HealthCheckTimeout ${String(timeout)} is not less than HealthCheckInterval ${String(interval)}. Write a smaller one.`,
          ]
        : []),
      ...(isWeb(environment) && interval * number(environment, PROCESS, "UnhealthyThresholdCount", 5) > 600
        ? [
            "Health checks take more than 10 minutes to find a broken instance. Write a smaller HealthCheckInterval.",
          ]
        : []),
      ...(lower < upper ? [] : ["LowerThreshold is not less than UpperThreshold. Write a smaller one."]),
      ...(isPercent && upper > 95 ? ["UpperThreshold is over 95 percent. Write a smaller one."] : []),
      ...(isPercent && upper < 20 ? ["UpperThreshold is under 20 percent. Write a greater one."] : []),
      ...(isPercent === (option(TRIGGER, "Unit") === "Percent")
        ? []
        : ["MeasureName and Unit do not fit. Write CPUUtilization and Percent."]),
      ...([
        "",
        "Average",
        "Maximum",
        ...(COUNTS.test(option(TRIGGER, "MeasureName")) ? ["Sum"] : []),
      ].includes(option(TRIGGER, "Statistic"))
        ? []
        : ["Statistic is not Average. Write Average."]),
      ...(number(environment, TRIGGER, "UpperBreachScaleIncrement", 1) > 0
        ? []
        : ["UpperBreachScaleIncrement adds no instance. Write 1 or more."]),
      ...(number(environment, TRIGGER, "LowerBreachScaleIncrement", -1) < 0
        ? []
        : ["LowerBreachScaleIncrement removes no instance. Write -1 or less."]),
      ...(number(environment, TRIGGER, "Period", 5) * number(environment, TRIGGER, "EvaluationPeriods", 1) <=
        60 && number(environment, TRIGGER, "BreachDuration", 5) <= 60
        ? []
        : ["Scaling takes more than an hour to notice load. Write smaller times."]),
      ...(isShare && batch > 100 ? ["BatchSize is more than 100 percent. Write a smaller one."] : []),
      ...(!isShare && batch > number(environment, "aws:autoscaling:asg", "MaxSize", 4)
        ? ["BatchSize is greater than MaxSize. Write a smaller one."]
        : []),
      ...tags.filter((tag) => RESERVED.test(tag)).map((tag) => `Tag ${tag} is Beanstalk's own. Remove it.`),
      ...(isWeb(environment)
        ? demand(
            cnamePrefix,
            /^[a-z0-9][a-z0-9-]{2,61}[a-z0-9]$/.test(text(cnamePrefix)) &&
              (isUnknown(environment.inputs.name) ||
                text(cnamePrefix).endsWith(text(environment.inputs.name))),
            "cnamePrefix",
            "4 to 63 lower-case letters, digits and hyphens that end with the name of the environment",
          )
        : demand(cnamePrefix, text(cnamePrefix) === "", "cnamePrefix", "nothing: a worker has no address")),
      ...demand(
        waitForReadyTimeout,
        /^([1-9]\d?h|[3-9]\dm|1\d\dm)$/.test(text(waitForReadyTimeout)),
        "waitForReadyTimeout",
        "a time from 30m to 99h",
      ),
      ...(namespaces.has(PYTHON) && runsDocker(environment)
        ? [`Options of ${PYTHON} are set on the Docker platform. Remove them.`]
        : []),
      ...[...namespaces]
        .filter((namespace) =>
          /^aws:elasticbeanstalk:(container:(?!python)|environment:proxy:staticfiles)/.test(namespace),
        )
        .map(
          (namespace) =>
            `Options of ${namespace} are set. Remove them: Iaso uses none, and they can publish its code.`,
        ),
      ...(isJson(option("aws:elasticbeanstalk:healthreporting:system", "ConfigDocument"))
        ? []
        : ["ConfigDocument is no JSON object with Version 1. Write one, or remove it."]),
      ...settingsOf(environment)
        .filter(
          ({ namespace, resource }) =>
            namespace !== "aws:autoscaling:scheduledaction" && text(resource) !== "",
        )
        .map(({ namespace, name }) => `Option ${namespace}/${name} names a resource. Remove resource.`),
      ...(environment.inputs.platformArn !== undefined && environment.inputs.solutionStackName !== undefined
        ? ["platformArn and solutionStackName are set. Write one of them."]
        : []),
      ...scheduled
        .filter(({ resource }) => resource === "")
        .map(({ name }) => `Scheduled action ${name} has no resource name. Write resource.`),
      ...scheduled
        .filter(({ name, value }) => SIZES.includes(name) && !(Number(value) >= 1))
        .map(
          ({ name, resource }) =>
            `Scheduled action ${resource} sets ${name} under 1, and nothing would answer. Write 1 or more.`,
        ),
      ...[...groupBy(scheduled, ({ resource }) => resource)]
        .filter(([, all]) => {
          const [min, max] = ["MinSize", "MaxSize"].map(
            (size) => all.find(({ name }) => name === size)?.value,
          );
          return min !== undefined && max !== undefined && Number(min) > Number(max);
        })
        .map(
          ([resource]) => `Scheduled action ${resource} has a MinSize over its MaxSize. Write a smaller one.`,
        ),
    ];
  },
});

export const variablesPassCompose = defineRule({
  name: "variables-pass-compose",
  kind: "values together",
  types: [ENVIRONMENT],
  description: "On the Docker platform, Docker Compose passes each plain variable to the container unchanged",
  why: "the container would get another value, or none of the variables",
  severity: "high",
  check: (environment) =>
    runsDocker(environment)
      ? settingsOf(environment)
          .filter(
            ({ namespace, value }) =>
              namespace === VARIABLES && !isUnknown(value) && !passesCompose(text(value)),
          )
          .map(({ name }) => `Docker Compose changes variable ${name}. Write a value ${PASSES_COMPOSE}.`)
      : [],
});

/** A name without spaces and slashes. @see https://docs.sentry.io/platforms/python/configuration/environments/ */
const SENTRY_ENVIRONMENT = /^(?!None$)[^\s/]{1,64}$/;

/** The environments that the deploy tool finds, by its parameters. */
const deployable = (stack: Stack): Set<string> =>
  stack.once("environments with a deployment parameter", () => {
    const names = stack.ofType("aws:ssm/parameter:Parameter").map(({ inputs }) => text(inputs.name));
    return new Set(names.flatMap((name) => /\/([^/]+)\/deployment$/.exec(name)?.[1] ?? []));
  });

/** The part that each role runs: the platform that it must have. */
export const roleFits = defineRule({
  name: "role-fits",
  kind: "values together",
  types: [ENVIRONMENT],
  description:
    "Enketo runs on Docker with its own application, and each environment runs a version of its application",
  why: "instances would start other code than the environment is for",
  severity: "high",
  neighbours: true,
  check: (environment, stack) => {
    const role = tagOf(environment, "role");
    const { version, application } = environment.inputs;
    const versions = resourcesWith(
      stack,
      "aws:elasticbeanstalk/applicationVersion:ApplicationVersion",
      "name",
      version,
    );
    const others = stack
      .ofType(ENVIRONMENT)
      .filter((one) => (tagOf(one, "role") === "enketo") !== (role === "enketo"));
    const platform = platformOf(environment);
    return [
      ...(role === "enketo"
        ? demand(platform, runsDocker(environment), "solutionStackName", "the Docker platform")
        : []),
      ...(role === "enketo" && optionOf(environment, ROOT, "ImageId") !== undefined
        ? ["Option ImageId is set. Remove it: Enketo runs on AWS's own image."]
        : []),
      ...(versions.length === 0 ||
      versions.some(
        (one) => text(one.inputs.application) === text(application) || isUnknown(one.inputs.application),
      )
        ? []
        : [`Version ${text(version)} is of another application. Write one of ${text(application)}.`]),
      ...others
        .filter((one) => !isUnknown(application) && one.inputs.application === application)
        .map((one) => `${one.name} has the same application. Write one for Iaso and one for Enketo.`),
      ...(role === "web" && !deployable(stack).has(tagOf(environment, "env"))
        ? ["No parameter tells the deploy tool where to deploy. Write /iaso/ENV/deployment."]
        : []),
      ...(version === undefined ? ["The environment has no version. Write one."] : []),
    ];
  },
});

/** Variables that repeat the host name of the web environment, the region or the name of the environment. */
export const variablesAgree = defineRule({
  name: "variables-agree",
  kind: "values together",
  types: [ENVIRONMENT],
  description:
    "Variables agree with each other: host name and address, regions, mail port, and the port of Enketo",
  why: "pages and links would lead to another host, or the container would not answer",
  severity: "high",
  neighbours: true,
  check: (environment, stack) => {
    const role = tagOf(environment, "role");
    const variable = (name: string) => optionOf(environment, VARIABLES, name);
    const regions = regionsOf(stack);
    const [web] = stack.once("web environments", () =>
      stack.ofType(ENVIRONMENT).filter((one) => tagOf(one, "role") === "web"),
    );
    const address = web === undefined ? undefined : optionOf(web, VARIABLES, "SERVER_URL");
    const host = /^https:\/\/([^/:]+)\/?$/.exec(text(address))?.[1] ?? "";
    const equals = (name: string, wanted: string[]) =>
      demand(variable(name), wanted.includes(text(variable(name))), `variable ${name}`, wanted.join(" or "));
    if (role === "enketo") {
      const port = variable("PORT");
      const composed = stack
        .ofType("aws:s3/bucketObjectv2:BucketObjectv2")
        .map(({ inputs }) => JSON.stringify(inputs.source ?? ""))
        .filter((source) => source.includes("docker-compose.yml") && source.includes("enketo"));
      return [
        ...(host === "" ? [] : equals("ENKETO_LINKED_FORM_AND_DATA_SERVER_SERVER_URL", [host])),
        ...(composed.length === 0 ||
        composed.some((source) => new RegExp(`(?<!\\d)80:${text(port)}(?!\\d)`).test(source))
          ? []
          : demand(port, false, "variable PORT", "the port that the bundle's compose file publishes")),
      ];
    }
    return [
      ...(host === "" ? [] : equals("DNS_DOMAIN", [host])),
      ...equals("AWS_S3_REGION_NAME", regions),
      ...equals("BEANSTALK_SQS_REGION", regions),
      // Python runs modules of the first folder in which it finds them.
      ...(variable("PYTHONPATH") === undefined ? [] : equals("PYTHONPATH", ["/var/app/current"])),
      ...demand(
        variable("SENTRY_ENVIRONMENT"),
        SENTRY_ENVIRONMENT.test(text(variable("SENTRY_ENVIRONMENT"))),
        "variable SENTRY_ENVIRONMENT",
        "a name that Sentry accepts, such as the name of the environment",
      ),
      ...(variable("DJANGO_SETTINGS_MODULE") === undefined
        ? []
        : equals("DJANGO_SETTINGS_MODULE", ["hat.settings"])),
      ...demand(
        variable("EMAIL_PORT"),
        (STARTTLS_PORTS as readonly string[]).includes(text(variable("EMAIL_PORT"))),
        "variable EMAIL_PORT",
        `a port of SMTP with STARTTLS: ${STARTTLS_PORTS.join(", ")}`,
      ),
    ];
  },
});
