import { PreviewResource } from "../../graph/document";
import { platformVersionOf } from "../../policies/facts/platformBranches";
import { Difference } from "../diff/inputDiff";
import { own } from "../values";
import { ResourceChange, Risk, RiskContext } from "./types";
import { label, risk, shown } from "./wording";

const BUCKET = "aws:s3/bucket:Bucket";
const DATABASE = "aws:rds/instance:Instance";
const ENVIRONMENT = "aws:elasticbeanstalk/environment:Environment";
const RECORD = "aws:route53/record:Record";

/** The loss when a resource of these types is deleted. */
const STATEFUL: Record<string, string> = {
  [DATABASE]: "its data is lost except for snapshots, and a new one starts empty",
  [BUCKET]: "its objects are lost",
  "aws:elasticache/replicationGroup:ReplicationGroup":
    "its data is lost, and its clients lose their connections",
  "aws:sqs/queue:Queue": "its waiting messages are lost",
  "aws:ssm/parameter:Parameter": "reads fail until it exists again, and its earlier values are lost",
  "aws:sns/topic:Topic": "every subscriber must confirm again and gets no messages until then",
  "aws:cloudwatch/logGroup:LogGroup": "its logs are lost",
  "aws:cloudfront/distribution:Distribution":
    "it is unreachable meanwhile, and a new one has another address",
  "aws:ec2/eip:Eip": "the address is released, and allow lists of others can still hold it",
  [ENVIRONMENT]: "it is down until the new one runs, which has another address",
  "aws:elasticbeanstalk/application:Application": "its environments and versions are deleted too",
};

/** Data, addresses and services that a deletion or replacement loses. */
export function lostState({ kind, before, differences }: ResourceChange): Risk[] {
  if (before?.type === RECORD) {
    if (kind !== "deleted" && !(kind === "replaced" && hasOwn(differences, "name", "zoneId", "type")))
      return [];
    return risk(
      "state",
      `${label(before)} is deleted: DNS no longer resolves ${shown(own(before.inputs, "name")).replace(/\.$/, "")}`,
    );
  }
  const loss = before && own(STATEFUL, before.type);
  if (before === undefined || loss === undefined || (kind !== "deleted" && kind !== "replaced")) return [];
  if (before.retainOnDelete) {
    const event = kind === "replaced" ? "is replaced by an empty one" : "leaves the stack";
    return risk(
      "state",
      `${label(before)} ${event}: the old one stays in AWS with its data, and Pulumi no longer manages it` +
        obstacles({ ...before, inputs: {}, type: "" }),
    );
  }
  const event = kind === "replaced" ? "is replaced" : "is deleted";
  return risk("state", `${label(before)} ${event}: ${loss}${obstacles(before)}`, true);
}

/** Settings that prevent a deletion, or its backup. */
function obstacles({ type, inputs, protect }: PreviewResource): string {
  const found = [
    protect ? "Pulumi refuses while it is protected" : "",
    own(inputs, "deletionProtection") === true ? "AWS refuses while deletionProtection is on" : "",
    type === DATABASE && own(inputs, "skipFinalSnapshot") === true ? "no final snapshot is made" : "",
    type === BUCKET && own(inputs, "forceDestroy") !== true ? "AWS refuses while it has objects" : "",
  ].filter((text) => text !== "");
  return found.length === 0 ? "" : `; ${found.join("; ")}`;
}

/**
 * Subnet groups in use that must move to another network.
 *
 * @see https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/USER_VPC.WorkingWithRDSInstanceinaVPC.html
 */
export function strandedSubnetGroup({ kind, before, differences }: ResourceChange): Risk[] {
  if (kind !== "changed" || before === undefined || !/:SubnetGroup$/.test(before.type)) return [];
  const follows = differences.some(
    ({ property, follows }) => property === "subnetIds" && follows !== undefined,
  );
  if (!follows) return [];
  return risk(
    "state",
    `${label(before)} moves to subnets of another network, which AWS refuses while it is in use: the update fails after some changes`,
  );
}

/**
 * Environments that move to another platform branch, such as from Python to Docker. AWS recommends a new environment for
 * that.
 *
 * @see https://docs.aws.amazon.com/elasticbeanstalk/latest/dg/using-features.platform.upgrade.html
 */
export function otherPlatform({ kind, before, after }: ResourceChange): Risk[] {
  if (kind !== "changed" || before?.type !== ENVIRONMENT || after === undefined) return [];
  const branches = [before, after].map(
    ({ inputs }) => platformVersionOf(shown(own(inputs, "solutionStackName")))?.branch,
  );
  const [old, now] = branches;
  if (old === now || old === undefined || now === undefined) return [];
  return risk(
    "state",
    `${label(after)} moves from ${old} to ${now}: the running version may not start there. ` +
      "AWS recommends a new environment for this",
  );
}

/** The effect when a resource of these types is deleted. No policy requires them. */
const SAFEGUARDS: Record<string, string> = {
  "aws:ec2/flowLog:FlowLog": "the network's connections are no longer logged",
  "aws:cloudwatch/metricAlarm:MetricAlarm": "nobody is notified any more",
  "aws:sns/topicSubscription:TopicSubscription": "its endpoint gets no messages any more",
};

/** Logs, alarms and subscriptions that are deleted. */
export function lostSafeguard({ kind, before }: ResourceChange, context: RiskContext): Risk[] {
  const loss = before && own(SAFEGUARDS, before.type);
  if (before === undefined || loss === undefined || kind !== "deleted") return [];
  return isDeletedWithOwner(before, context)
    ? []
    : risk("protection", `${label(before)} is deleted: ${loss}`);
}

/** True if a deleted resource stays in AWS, or if the resource that it belongs to is deleted too. */
export function isDeletedWithOwner(before: PreviewResource, context: RiskContext): boolean {
  if (before.retainOnDelete) return true;
  const owners = [before.parent, ...Object.values(before.propertyDependencies).flat()];
  return owners.some((urn) => {
    const owner = context.before.get(urn);
    return owner?.custom === true && !owner.retainOnDelete && context.kindOf(urn) === "deleted";
  });
}

/** True if one of the properties changes, and not only because a resource that it names is replaced. */
export function hasOwn(differences: Difference[], ...properties: string[]): boolean {
  return differences.some((difference) => difference.own && properties.includes(difference.property));
}
