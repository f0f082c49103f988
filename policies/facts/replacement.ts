import replacement from "./replacement-properties.json";

type Properties = Readonly<Record<string, unknown>>;

/** Services without regions: https://docs.aws.amazon.com/general/latest/gr/rande.html#global-endpoints */
const WITHOUT_REGION = /^aws:(iam|cloudfront|route53)\//;

export function isRegional(type: string): boolean {
  return type.startsWith("aws:") && !WITHOUT_REGION.test(type);
}

const ALWAYS = new Map<string, string[]>([
  ...Object.entries(replacement.types),
  ["command:local:Command", ["triggers"]],
]);

type Condition = (before: Properties, after: Properties) => boolean;

/** A rule can get another source in place, but not another kind of source. */
function otherKind(property: string): Condition {
  return (before, after) => (before[property] === undefined) !== (after[property] === undefined);
}

const SOURCES = new Map(
  ["cidrIpv4", "cidrIpv6", "prefixListId", "referencedSecurityGroupId"].map((property) => [
    property,
    otherKind(property),
  ]),
);

/** Properties of which only some changes replace, as the Terraform provider for AWS 6.x plans them. */
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
 * Whether the change of a property makes another resource of it.
 *
 * @see https://www.pulumi.com/registry/packages/aws/how-to-guides/aws-enhanced-region-support/ of `region`
 */
export function isReplacing(type: string, property: string, before: Properties, after: Properties): boolean {
  if (property === "region" && isRegional(type)) return true;
  if ((ALWAYS.get(type) ?? []).includes(property)) return true;
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
