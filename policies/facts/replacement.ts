import { RESOURCE_TYPES } from "./resourceTypes";

type Properties = Readonly<Record<string, unknown>>;

/** True if the change from the old to the new properties replaces the resource. */
type Condition = (before: Properties, after: Properties) => boolean;

/** Services without regions: https://docs.aws.amazon.com/general/latest/gr/rande.html#global-endpoints */
const GLOBAL_SERVICES = /^aws:(iam|cloudfront|route53)\//;

/** True if resources of the type are in a region. */
export function isRegional(type: string): boolean {
  return type.startsWith("aws:") && !GLOBAL_SERVICES.test(type);
}

/** The source of a security group rule can change in place, but its kind cannot. */
const SOURCES = new Map(
  ["cidrIpv4", "cidrIpv6", "prefixListId", "referencedSecurityGroupId"].map(
    (property): [string, Condition] => [
      property,
      (before, after) => (before[property] === undefined) !== (after[property] === undefined),
    ],
  ),
);

/** Properties of which only some changes replace the resource, as the Terraform provider for AWS 6.x plans them. */
const SOMETIMES = new Map<string, ReadonlyMap<string, Condition>>([
  [
    "aws:elasticache/replicationGroup:ReplicationGroup",
    new Map<string, Condition>([
      [
        "engineVersion",
        (before, after) =>
          before.engine === after.engine && isOlder(after.engineVersion, before.engineVersion),
      ],
      ["transitEncryptionEnabled", (before) => isOlder(before.engineVersion, "7.0.5")],
    ]),
  ],
  ["aws:vpc/securityGroupEgressRule:SecurityGroupEgressRule", SOURCES],
  ["aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule", SOURCES],
]);

/**
 * True if the change of a property replaces the resource. A new `region` replaces every regional resource:
 * https://www.pulumi.com/registry/packages/aws/how-to-guides/aws-enhanced-region-support/
 */
export function isReplacing(type: string, property: string, before: Properties, after: Properties): boolean {
  if (property === "region" && isRegional(type)) return true;
  if (RESOURCE_TYPES[type]?.replacedBy?.includes(property)) return true;
  return SOMETIMES.get(type)?.get(property)?.(before, after) ?? false;
}

function isOlder(version: unknown, than: unknown): boolean {
  const [a, b] = [version, than].map((text) => String(text).split(".").map(Number));
  for (const [index, part] of (a ?? []).entries()) {
    const other = b?.[index] ?? 0;
    if (part !== other) return part < other;
  }
  return false;
}
