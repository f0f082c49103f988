import { dependenciesOf, resourcesWith, tagOf } from "../../context";
import { EC2_INSTANCE_TYPES } from "../../facts/instanceTypes";
import { byIdentity } from "../../identity";
import { defineRule } from "../../rule";
import { demand, isUnknown, text } from "../../values";
import {
  demandOption,
  Environment,
  ENVIRONMENT,
  isWeb,
  optionOf,
  platformOf,
  settingsOf,
  VARIABLES,
} from "../beanstalk/settings";

const PROCESS = "aws:elasticbeanstalk:environment:process:default";
const TRIGGER = "aws:autoscaling:trigger";
const COMMAND = "aws:elasticbeanstalk:command";
const UPDATES = "aws:autoscaling:updatepolicy:rollingupdate";
const ROOT = "aws:autoscaling:launchconfiguration";
const PYTHON = "aws:elasticbeanstalk:container:python";
const DAEMON = "aws:elasticbeanstalk:sqsd";

/** An option that an environment must set, or whose default is safe, with the values that it may have. */
interface Decided {
  namespace: string;
  name: string;
  isValid: (value: string) => boolean;
  instead: string;
  /** True if AWS's default is one of the values. */
  optional?: true;
  applies?: (environment: Environment) => boolean;
}

const isPython = (environment: Environment): boolean =>
  / running Python /.test(text(platformOf(environment)));
const isWorker = (environment: Environment): boolean => !isWeb(environment);
const among =
  (...values: string[]) =>
  (value: string) =>
    values.includes(value);
const between = (min: number, max: number) => (value: string) =>
  value !== "" && Number(value) >= min && Number(value) <= max;

/** @see https://docs.aws.amazon.com/elasticbeanstalk/latest/dg/command-options-general.html */
const DECIDED: Decided[] = [
  {
    namespace: ROOT,
    name: "RootVolumeSize",
    isValid: between(16, 1000),
    instead: "a number of GB from 16 to 1000",
  },
  { namespace: ROOT, name: "RootVolumeType", isValid: among("gp3", "gp2"), instead: "gp3" },
  {
    namespace: "aws:ec2:instances",
    name: "InstanceTypes",
    isValid: (value) => value.split(",").every((one) => EC2_INSTANCE_TYPES.includes(one.trim())),
    instead: "types with x86_64 processors, as the image has",
  },
  {
    namespace: "aws:ec2:instances",
    name: "SupportedArchitectures",
    isValid: among("x86_64"),
    instead: "x86_64",
    optional: true,
  },
  {
    namespace: COMMAND,
    name: "DeploymentPolicy",
    isValid: among("Rolling", "RollingWithAdditionalBatch", "Immutable"),
    instead: "Immutable",
  },
  {
    namespace: COMMAND,
    name: "Timeout",
    isValid: between(600, 3600),
    instead: "a number of seconds from 600 to 3600",
  },
  { namespace: UPDATES, name: "RollingUpdateEnabled", isValid: among("true"), instead: "true" },
  {
    namespace: UPDATES,
    name: "RollingUpdateType",
    isValid: among("Health", "Immutable"),
    instead: "Immutable",
  },
  { namespace: "aws:autoscaling:asg", name: "MinSize", isValid: between(1, 1000), instead: "1 or more" },
  { namespace: "aws:autoscaling:asg", name: "MaxSize", isValid: between(1, 1000), instead: "1 or more" },
  {
    namespace: "aws:elasticbeanstalk:managedactions",
    name: "ManagedActionsEnabled",
    isValid: among("false"),
    instead: "false: the stack file pins the platform version",
    optional: true,
  },
  {
    namespace: "aws:elasticbeanstalk:healthreporting:system",
    name: "HealthCheckSuccessThreshold",
    isValid: among("Ok"),
    instead: "Ok",
    optional: true,
  },
  {
    namespace: PROCESS,
    name: "Port",
    isValid: among("80"),
    instead: "80, on which nginx listens",
    applies: isWeb,
    optional: true,
  },
  {
    namespace: PROCESS,
    name: "Protocol",
    isValid: among("HTTP"),
    instead: "HTTP, which nginx speaks",
    applies: isWeb,
    optional: true,
  },
  {
    namespace: PROCESS,
    name: "MatcherHTTPCode",
    isValid: among("200"),
    instead: "200",
    applies: isWeb,
    optional: true,
  },
  {
    namespace: PROCESS,
    name: "HealthCheckPath",
    isValid: (value) => /^\/[\w/-]*$/.test(value),
    instead: "a path of the application",
    applies: isWeb,
  },
  {
    namespace: "aws:elbv2:listener:443",
    name: "DefaultProcess",
    isValid: among("default"),
    instead: "default",
    applies: isWeb,
    optional: true,
  },
  {
    namespace: "aws:elasticbeanstalk:environment:proxy",
    name: "ProxyServer",
    isValid: among("nginx"),
    instead: "nginx",
    optional: true,
  },
  {
    namespace: PYTHON,
    name: "WSGIPath",
    isValid: among("hat.wsgi:application"),
    instead: "hat.wsgi:application",
    applies: isPython,
  },
  { namespace: PYTHON, name: "NumProcesses", isValid: between(1, 64), instead: "1 to 64", applies: isPython },
  { namespace: PYTHON, name: "NumThreads", isValid: between(1, 64), instead: "1 to 64", applies: isPython },
  {
    namespace: DAEMON,
    name: "MimeType",
    isValid: among("application/json"),
    instead: "application/json",
    applies: isWorker,
  },
  {
    namespace: DAEMON,
    name: "HttpConnections",
    isValid: between(1, 100),
    instead: "1 to 100",
    applies: isWorker,
  },
  {
    namespace: DAEMON,
    name: "ErrorVisibilityTimeout",
    isValid: between(1, 43_200),
    instead: "1 or more",
    applies: isWorker,
  },
];

export const optionsDecided = defineRule({
  name: "options-decided",
  types: [ENVIRONMENT],
  description: "Options whose default does not suit Iaso are set, to a value that does",
  why: "Beanstalk's defaults are for a small test application",
  severity: "high",
  check: (environment) =>
    DECIDED.filter(({ applies = () => true }) => applies(environment)).flatMap(
      ({ namespace, name, isValid, instead, optional }) => {
        const value = optionOf(environment, namespace, name);
        return optional === true && text(value) === "" && !isUnknown(value)
          ? []
          : demandOption(environment, namespace, name, instead, isValid);
      },
    ),
});

const number = (environment: Environment, namespace: string, name: string, standard: number): number => {
  const value = text(optionOf(environment, namespace, name));
  return value === "" ? standard : Number(value);
};

/** Tags that Beanstalk sets itself. */
const RESERVED = /^(Name|elasticbeanstalk:.*|aws:.*)$/;

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
    const platform = text(platformOf(environment));
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
      ...(["", "Average", "Maximum"].includes(option(TRIGGER, "Statistic"))
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
            /^[a-z0-9][a-z0-9-]{2,61}[a-z0-9]$/.test(text(cnamePrefix)),
            "cnamePrefix",
            "4 to 63 lower-case letters, digits and hyphens",
          )
        : demand(cnamePrefix, text(cnamePrefix) === "", "cnamePrefix", "nothing: a worker has no address")),
      ...demand(
        waitForReadyTimeout,
        /^([1-9]\d?h|[3-9]\dm|1\d\dm)$/.test(text(waitForReadyTimeout)),
        "waitForReadyTimeout",
        "a time from 30m to 99h",
      ),
      ...(namespaces.has(PYTHON) && / running Docker$/.test(platform)
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
      ...scheduled
        .filter(({ resource }) => resource === "")
        .map(({ name }) => `Scheduled action ${name} has no resource name. Write resource.`),
    ];
  },
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
        ? demand(
            platform,
            / running Docker$/.test(text(platform)),
            "solutionStackName",
            "the Docker platform",
          )
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
      ...(byIdentity(ENVIRONMENT, stack).size > 0 &&
      dependenciesOf(environment, "version").length === 0 &&
      version === undefined
        ? ["The environment has no version. Write one."]
        : []),
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
    const regions = stack.ofType("pulumi:providers:aws").map(({ inputs }) => text(inputs.region));
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
        ...(composed.length === 0 || composed.some((source) => source.includes(`80:${text(port)}\\n`))
          ? []
          : demand(port, false, "variable PORT", "the port that the bundle's compose file publishes")),
      ];
    }
    return [
      ...(host === "" ? [] : equals("DNS_DOMAIN", [host])),
      ...equals("AWS_S3_REGION_NAME", regions),
      ...equals("BEANSTALK_SQS_REGION", regions),
      ...equals("SENTRY_ENVIRONMENT", [tagOf(environment, "env")]),
      ...(variable("DJANGO_SETTINGS_MODULE") === undefined
        ? []
        : equals("DJANGO_SETTINGS_MODULE", ["hat.settings"])),
      ...demand(
        variable("EMAIL_PORT"),
        ["465", "587", "2465", "2525", "2587"].includes(text(variable("EMAIL_PORT"))),
        "variable EMAIL_PORT",
        "a port of SMTP with TLS, such as 587",
      ),
    ];
  },
});
