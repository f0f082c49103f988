import { EC2_INSTANCE_TYPES } from "../../facts/instanceTypes";
import { defineRule } from "../../rule";
import { isUnknown, text } from "../../values";
import { demandOption, Environment, ENVIRONMENT, isWeb, optionOf, platformOf } from "../../optionSettings";

const PROCESS = "aws:elasticbeanstalk:environment:process:default";
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
    instead:
      "types with x86_64 processors: the GDAL image, and Enketo 4.1.1, which Iaso uses, are built for no other",
  },
  {
    namespace: ROOT,
    name: "InstanceType",
    isValid: (value) => EC2_INSTANCE_TYPES.includes(value),
    instead: "nothing: InstanceTypes replaces it",
    optional: true,
  },
  {
    namespace: "aws:ec2:instances",
    name: "EnableSpot",
    isValid: among("false"),
    instead: "false: EC2 stops Spot instances in the middle of requests and tasks",
    optional: true,
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
    instead:
      "Immutable, RollingWithAdditionalBatch or Rolling: a worker has no load balancer to split traffic, and the roles may not create the second target group",
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
    instead:
      "false: the stack file pins the platform version, for which the image is built, and the next pulumi up would take the update back",
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
    namespace: "aws:elasticbeanstalk:healthreporting:system",
    name: "EnhancedHealthAuthEnabled",
    isValid: among("true"),
    instead: "true",
    optional: true,
  },
  {
    namespace: "aws:elasticbeanstalk:xray",
    name: "XRayEnabled",
    isValid: among("false"),
    instead: "false: the roles of instances may not send traces, which hold the addresses of requests",
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
