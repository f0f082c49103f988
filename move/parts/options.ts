import { type OptionFacts, optionFacts, type OptionSetting } from "../../policies/facts/beanstalkOptions";
import type { Existing } from "../existing";
import { type ExistingEnvironment, optionOf } from "../existing/environments";
import type { Note, Part } from "../note";

/**
 * Options that the program sets for its own resources, or that the survey reports elsewhere. An entry without an option
 * stands for its namespace, one with a star at its end for everything that begins so.
 */
const HANDLED = [
  "aws:autoscaling:asg",
  "aws:autoscaling:launchconfiguration EC2KeyName",
  "aws:autoscaling:launchconfiguration IamInstanceProfile",
  "aws:autoscaling:launchconfiguration ImageId",
  "aws:autoscaling:launchconfiguration InstanceType",
  "aws:autoscaling:launchconfiguration SecurityGroups",
  // Beanstalk shows it also without a key.
  "aws:autoscaling:launchconfiguration SSHSourceRestriction",
  "aws:autoscaling:launchconfiguration DisableIMDSv1",
  "aws:autoscaling:launchconfiguration MonitoringInterval",
  "aws:autoscaling:launchconfiguration RootVolumeType",
  "aws:autoscaling:trigger",
  "aws:autoscaling:updatepolicy:rollingupdate",
  "aws:cloudformation:template:parameter",
  "aws:ec2:instances InstanceTypes",
  "aws:ec2:instances SupportedArchitectures",
  // Without EnableSpot, they have no effect.
  "aws:ec2:instances Spot*",
  "aws:ec2:vpc",
  "aws:elasticbeanstalk:application",
  "aws:elasticbeanstalk:cloudwatch:logs*",
  "aws:elasticbeanstalk:command",
  "aws:elasticbeanstalk:container:python",
  "aws:elasticbeanstalk:control",
  "aws:elasticbeanstalk:environment EnvironmentType",
  "aws:elasticbeanstalk:environment LoadBalancerType",
  "aws:elasticbeanstalk:environment ServiceRole",
  "aws:elasticbeanstalk:environment:process:default",
  "aws:elasticbeanstalk:environment:proxy*",
  "aws:elasticbeanstalk:healthreporting:system",
  "aws:elasticbeanstalk:hostmanager",
  "aws:elasticbeanstalk:managedactions*",
  "aws:elasticbeanstalk:monitoring",
  "aws:elasticbeanstalk:sqsd",
  "aws:elb:*",
  "aws:elbv2:listener:443",
  "aws:elbv2:listener:default",
  "aws:elbv2:loadbalancer",
  "aws:rds:dbinstance",
];

function isHandled({ name, namespace }: OptionSetting): boolean {
  return HANDLED.some((entry) => {
    if (entry.endsWith("*")) return `${namespace} ${name}`.startsWith(entry.slice(0, -1));
    return entry === namespace || entry === `${namespace} ${name}`;
  });
}

/** True if an option has the value that it has if nobody sets it. */
function isDefault({ name, namespace, value }: OptionSetting): boolean {
  const facts: OptionFacts | undefined = optionFacts(namespace, name);
  return value === "" || (facts !== undefined && facts.default === value);
}

export const options: Part = {
  judge: ({ enketo, web, worker }: Existing) => ({
    notes: [web, worker, enketo].flatMap((environment) =>
      environment === undefined ? [] : [...known(environment), ...others(environment)],
    ),
  }),
};

/** Options with a consequence that people should know. */
function known(environment: ExistingEnvironment): Note[] {
  const { name } = environment;
  const notes: Note[] = [];
  const key = optionOf(environment, "aws:autoscaling:launchconfiguration", "EC2KeyName");
  if (key !== "") {
    notes.push({
      kind: "changes",
      what: `The instances of ${name} have the SSH key ${key}. The new ones have none.`,
      why: "The setting shellAccess lets administrators in through Session Manager.",
    });
  }
  const image = optionOf(environment, "aws:autoscaling:launchconfiguration", "ImageId");
  if (image !== "" && !environment.platformImages.includes(image)) {
    notes.push({
      kind: "changes",
      what: `The instances of ${name} have the image ${image}. The new ones have the platform's, or this project's GDAL image.`,
      why: "An image of one's own gets no security updates by itself.",
    });
  }
  const balancer = optionOf(environment, "aws:elasticbeanstalk:environment", "LoadBalancerType");
  const isClassic = balancer === "classic" && !environment.isWorker;
  if (isClassic) {
    notes.push({
      kind: "changes",
      what: `${name} has a classic load balancer. The new one has an application load balancer.`,
      why: "AWS makes no new features for classic ones, such as a web ACL.",
    });
  }
  const listener = isClassic ? "aws:elb:listener" : "aws:elbv2:listener:default";
  if (optionOf(environment, listener, "ListenerEnabled") === "true" && !environment.isWorker) {
    notes.push({
      kind: "changes",
      what: `${name} answers at port 80. The new one answers at 443 only.`,
      why: "Passwords that somebody sends without TLS are readable on their way.",
    });
  }
  return notes;
}

/** All other options that are set. A value is shown only if Beanstalk knows the option, because it may be a secret. */
function others(environment: ExistingEnvironment): Note[] {
  return environment.options
    .filter((option) => !isHandled(option) && !isDefault(option))
    .map(({ name, namespace, value }): Note =>
      optionFacts(namespace, name) === undefined
        ? {
            kind: "unknown",
            what: `The option ${namespace} ${name} of ${environment.name} stays behind.`,
            why: "Beanstalk's documentation, as this project has it, does not list it.",
          }
        : {
            kind: "decide",
            what: `The option ${namespace} ${name} of ${environment.name} is ${value}.`,
            why: "The program does not set it.",
          },
    );
}
