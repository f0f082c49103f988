/** One option setting of a Beanstalk environment, as the provider takes and gives it. */
export interface Setting {
  namespace: string;
  name: string;
  value: string;
  resource?: string;
}

/** Settings that Beanstalk adds to every environment and that show up when it is read. */
const DEFAULTS: Setting[] = [
  { namespace: "aws:elasticbeanstalk:command", name: "BatchSize", value: "100" },
  { namespace: "aws:elasticbeanstalk:command", name: "BatchSizeType", value: "Percentage" },
  { namespace: "aws:elasticbeanstalk:command", name: "DeploymentPolicy", value: "AllAtOnce" },
  { namespace: "aws:elasticbeanstalk:command", name: "Timeout", value: "600" },
  { namespace: "aws:elasticbeanstalk:healthreporting:system", name: "SystemType", value: "basic" },
  { namespace: "aws:elasticbeanstalk:managedactions", name: "ManagedActionsEnabled", value: "false" },
  { namespace: "aws:autoscaling:asg", name: "MaxSize", value: "4" },
  { namespace: "aws:autoscaling:asg", name: "MinSize", value: "1" },
];

/** Options whose value is a set: AWS keeps no order and gives them back sorted. */
const LISTS = new Set(["Subnets", "ELBSubnets", "SecurityGroups", "InstanceTypes", "ManagedSecurityGroup"]);

/** Namespaces that only one tier knows; AWS drops what belongs to the other. */
const OTHER_TIER: Record<string, RegExp> = {
  WebServer: /^aws:elasticbeanstalk:sqsd$/,
  Worker: /^aws:elb(v2)?:|^aws:elasticbeanstalk:environment:process:/,
};

/**
 * The settings as AWS gives them back: sorted by namespace and name, one entry for each option, lists sorted,
 * booleans in lower case, `resource` empty where none was named, nothing of the other tier.
 *
 * @see https://docs.aws.amazon.com/elasticbeanstalk/latest/api/API_DescribeConfigurationSettings.html
 */
export function readBack(settings: Setting[], tier: string): Setting[] {
  const byOption = new Map<string, Setting>();
  for (const { namespace, name, value, resource = "" } of settings) {
    if (OTHER_TIER[tier]?.test(namespace)) continue;
    byOption.set(`${namespace}\n${name}\n${resource}`, {
      namespace,
      name,
      value: canonical(name, value),
      resource,
    });
  }
  return [...byOption.entries()].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, setting]) => setting);
}

/** All settings of the environment: those that were asked for, and AWS's defaults for the rest. */
export function withDefaults(settings: Setting[], tier: string): Setting[] {
  return readBack([...DEFAULTS, ...settings], tier);
}

function canonical(name: string, value: unknown): string {
  if (typeof value !== "string") return String(value);
  if (/^(true|false)$/i.test(value)) return value.toLowerCase();
  return LISTS.has(name) ? value.split(",").sort().join(",") : value;
}
