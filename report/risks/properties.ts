import { PropertyValue } from "../../graph/document";
import { Difference } from "../diff/inputDiff";
import { asList, canonical, isAbsent, isFalse, isObject, isTrue, own, textsOf } from "../values";
import { ResourceChange, Risk } from "./types";
import { label, risk, transition } from "./wording";

type Value = PropertyValue | undefined;

/** A property whose change can make a resource less safe without violating a policy. */
interface PropertyRule {
  /** Path of the property, or `namespace name` of a Beanstalk option. */
  path: RegExp;
  kind: Risk["kind"];
  weakens: (before: Value, after: Value) => boolean;
  why: string;
}

const isLowered = (before: Value, after: Value) => Number(after ?? 0) < Number(before ?? 0);
const isTurnedOff = (before: Value, after: Value) => isTrue(before) && !isTrue(after);
const grows = (before: Value, after: Value) => asList(after).some((item) => !asList(before).includes(item));
const shrinks = (before: Value, after: Value) => grows(after, before);
const changes = (before: Value, after: Value) => canonical(before) !== canonical(after);
const expiresSooner = (before: Value, after: Value) => days(after) < days(before);

/** Retention of 0 days, or none, means forever. */
function days(value: Value): number {
  return Number(value ?? 0) || Infinity;
}

const PROPERTIES: PropertyRule[] = [
  {
    path: /^(vpcSecurityGroupIds|securityGroupIds|securityGroups)$/,
    kind: "access",
    weakens: grows,
    why: "the rules of other security groups apply: check who can reach it",
  },
  {
    path: /^subnetIds$/,
    kind: "access",
    weakens: grows,
    why: "it is in other subnets: check that they are private",
  },
  {
    path: /^backupRetentionPeriod$/,
    kind: "protection",
    weakens: isLowered,
    why: "it can be restored for fewer days",
  },
  {
    path: /^snapshotRetentionLimit$/,
    kind: "protection",
    weakens: isLowered,
    why: "fewer snapshots are kept",
  },
  {
    path: /^retentionInDays$/,
    kind: "protection",
    weakens: expiresSooner,
    why: "older logs are deleted",
  },
  {
    path: /^messageRetentionSeconds$/,
    kind: "protection",
    weakens: isLowered,
    why: "messages that wait longer are lost",
  },
  {
    path: /(^|\.)(noncurrentDays|expiration\.days)$/,
    kind: "protection",
    weakens: (before, after) => !isAbsent(after) && Number(after) < Number(before ?? Infinity),
    why: "objects or their old versions are deleted sooner",
  },
  {
    path: /^enabledCloudwatchLogsExports$/,
    kind: "protection",
    weakens: shrinks,
    why: "these logs are no longer kept",
  },
  {
    path: /^automaticFailoverEnabled$/,
    kind: "protection",
    weakens: isTurnedOff,
    why: "it is down if its node fails",
  },
  {
    path: /^numCacheClusters$/,
    kind: "protection",
    weakens: isLowered,
    why: "fewer copies are left if a node fails",
  },
  {
    path: /^alarmActions$/,
    kind: "protection",
    weakens: shrinks,
    why: "these topics are no longer notified",
  },
  {
    path: /^actionsEnabled$/,
    kind: "protection",
    weakens: (before, after) => !isFalse(before) && isFalse(after),
    why: "nobody is notified",
  },
];

const OPTIONS: PropertyRule[] = [
  {
    path: /^aws:autoscaling:launchconfiguration IamInstanceProfile$/,
    kind: "access",
    weakens: changes,
    why: "the instances have the rights of another role",
  },
  {
    path: /^aws:(autoscaling:launchconfiguration|elbv2:loadbalancer) (SecurityGroups|ManagedSecurityGroup)$/,
    kind: "access",
    weakens: (before, after) => grows(csv(before), csv(after)),
    why: "the rules of other security groups apply: check who can reach it",
  },
  {
    path: /^aws:ec2:vpc (Subnets|ELBSubnets)$/,
    kind: "access",
    weakens: (before, after) => grows(csv(before), csv(after)),
    why: "it is in other subnets: check that they are meant for it",
  },
  {
    path: /^aws:ec2:vpc ELBScheme$/,
    kind: "access",
    weakens: (before, after) => before === "internal" && after !== "internal",
    why: "the internet can reach the load balancer",
  },
  {
    path: /^aws:elasticbeanstalk:cloudwatch:logs(:health)? RetentionInDays$/,
    kind: "protection",
    weakens: expiresSooner,
    why: "older logs are deleted",
  },
  {
    path: /^aws:elasticbeanstalk:cloudwatch:logs(:health)? DeleteOnTerminate$/,
    kind: "protection",
    weakens: (before, after) => isTrue(after) && !isTrue(before),
    why: "logs are deleted with the environment",
  },
  {
    path: /^aws:elbv2:loadbalancer AccessLogsS3Enabled$/,
    kind: "protection",
    weakens: isTurnedOff,
    why: "requests are no longer logged",
  },
  {
    path: /^aws:elasticbeanstalk:managedactions ManagedActionsEnabled$/,
    kind: "protection",
    weakens: isTurnedOff,
    why: "the platform no longer gets security fixes by itself",
  },
];

/** Returns risks of weaker properties: shorter retention, fewer backups, other security groups and subnets. */
export function weakerProperties(change: ResourceChange): Risk[] {
  return judge(change, leavesOf(change.differences), PROPERTIES, (path) => path);
}

/** Returns risks of weaker properties: the option settings of a Beanstalk environment. */
export function weakerOptions(change: ResourceChange): Risk[] {
  if (change.after?.type !== "aws:elasticbeanstalk/environment:Environment") return [];
  const options = leavesOf(change.differences).flatMap((leaf) => {
    const option = /^settings\[(\S+ \S+?)(?: [^\]]*)?\]\.value$/.exec(leaf.path)?.[1];
    return option === undefined ? [] : [{ ...leaf, path: option }];
  });
  return judge(change, options, OPTIONS, (path) => `the option ${path}`);
}

/** Returns risks of weaker properties: the Pulumi options that keep a resource and its data. */
export function unprotected({ before, after }: ResourceChange): Risk[] {
  if (before === undefined || after === undefined) return [];
  return [
    ...(before.protect && !after.protect
      ? risk(
          "protection",
          `${label(after)} is no longer protected: Pulumi deletes it if the program leaves it out`,
        )
      : []),
    ...(before.retainOnDelete && !after.retainOnDelete
      ? risk(
          "protection",
          `${label(after)} is no longer kept on delete: AWS deletes it if the program leaves it out`,
        )
      : []),
  ];
}

interface Leaf {
  path: string;
  before?: PropertyValue;
  after?: PropertyValue;
}

function judge(
  { kind: change, after: resource }: ResourceChange,
  leaves: Leaf[],
  rules: PropertyRule[],
  name: (path: string) => string,
): Risk[] {
  if (resource === undefined || change === "added") return [];
  return leaves.flatMap(({ path, before, after }) =>
    rules
      .filter((rule) => rule.path.test(path) && rule.weakens(before, after))
      .flatMap(({ kind, why }) =>
        risk(kind, `${label(resource)} has ${name(path)} ${transition(before, after)}: ${why}`),
      ),
  );
}

/** The differences as single values and lists of values, without those that only follow a replacement. */
function leavesOf(differences: Difference[]): Leaf[] {
  const split = (path: string, before: Value, after: Value): Leaf[] => {
    if (isObject(before) || isObject(after)) {
      const [old, now] = [isObject(before) ? before : {}, isObject(after) ? after : {}];
      return [...new Set([...Object.keys(old), ...Object.keys(now)])].flatMap((key) =>
        split(`${path}.${key}`, own(old, key), own(now, key)),
      );
    }
    const items = [...asList(before), ...asList(after)];
    if (items.some(isObject)) {
      return items.flatMap((_, index) =>
        split(`${path}[${index}]`, asList(before)[index], asList(after)[index]),
      );
    }
    return isAbsent(before) && isAbsent(after) ? [] : [{ path, before, after }];
  };
  return differences
    .filter((difference) => difference.own)
    .flatMap(({ path, before, after }) => split(path, before, after));
}

function csv(value: Value): string[] {
  return typeof value === "string" ? value.split(",") : textsOf(value);
}
