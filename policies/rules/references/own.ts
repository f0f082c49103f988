import type { ResourceType } from "../../args";
import { REFERENCES } from "../../facts/references";
import { byIdentity, hasKnownIds } from "../../identity";
import { Use, used, usersOf, usesOf } from "../../references";
import { Resource } from "../../resource";
import { Stack } from "../../context";
import { defineRule } from "../../rule";
import { array, isUnknown, notEvaluated, text } from "../../values";

const VPC = "aws:ec2/vpc:Vpc";
const SUBNET = "aws:ec2/subnet:Subnet";
const CERTIFICATE = "aws:acm/certificate:Certificate";

/** The types that a stack may take from outside: the network of an account that has one. */
const EXISTING = [VPC, SUBNET];

/** AWS's own: default parameter groups, keys, and managed policies, which `no-broad-managed-policy` judges. */
const AWS_OWN = /^(default\.(redis|postgres)[\d.a-z]*$|arn:aws:iam::aws:policy\/|alias\/aws\/)/;

/** An id that EC2 gives, which nobody knows before the resource exists. */
const EC2_ID = /^[a-z]+-[0-9a-f]{8,17}$/;

/** The types whose output stands for another type: a certificate can be used when its validation is done. */
const STANDS_FOR: Record<string, string> = {
  [CERTIFICATE]: "aws:acm/certificateValidation:CertificateValidation",
  "aws:s3/bucket:Bucket": "aws:s3/bucketObjectv2:BucketObjectv2",
};

/** The resources of the type, or of the one that stands for it, whose outputs the property uses. */
const sourcesOf = (resource: Resource, { reference: { property, to } }: Use, stack: Stack): Resource[] =>
  [to, STANDS_FOR[to] ?? to].flatMap((type) => used(resource, property, type, stack));

/** True if the text names a resource that is made by this program, or by AWS for everyone. */
function isOwn(resource: Resource, use: Use, stack: Stack): boolean {
  const { to } = use.reference;
  const name = text(use.value);
  const sources = () => sourcesOf(resource, use, stack);
  const target = byIdentity(to, stack).get(name);
  // Pulumi waits for the other resource only if the id is its output.
  if (target !== undefined) return !EC2_ID.test(name) || sources().includes(target);
  if (AWS_OWN.test(name)) return true;
  const made = byIdentity(to, stack).size > 0;
  if (EXISTING.includes(to) && !made && hasKnownIds(to, stack))
    return (usersOf(to, stack).get(name)?.size ?? 0) > 1;
  // The engine shows a value before it shows the id that the value comes from.
  return !hasKnownIds(to, stack) && sources().length > 0;
}

/** References without which a resource has no place, or nothing to act on. */
const REQUIRED = [
  "allocationId",
  "application",
  "arn",
  "backupVaultName",
  "bucket",
  "key",
  "loadBalancerArn",
  "planId",
  "queueUrl",
  "role",
  "routeTableId",
  "securityGroupId",
  "subnetGroupName",
  "subnetId",
  "subnetIds",
  "topic",
  "validationRecordFqdns",
  "vpcId",
];

/** The required references of a resource that name nothing. */
const missingIn = ({ type, inputs }: Resource): string[] =>
  (REFERENCES[type] ?? [])
    .filter(({ option, property }) => option === undefined && REQUIRED.includes(property))
    .map(({ property }) => property)
    .filter((property) => array(inputs[property]).filter((one) => text(one) !== "").length === 0);

export const referencesOwn = defineRule({
  name: "references-own",
  kind: "closed world",
  types: Object.keys(REFERENCES) as ResourceType[],
  description:
    "Each id, ARN and name by which a resource refers to another one is that of a resource of this program",
  why: "no rule judges a resource of somebody else, and its owner can change or delete it",
  severity: "critical",
  neighbours: true,
  parameters: {
    alsoAllowed: {
      type: "array",
      default: [],
      description: "Ids, ARNs and names of resources that other programs make",
    },
  },
  check: (resource, stack) => {
    const gone = Object.entries(resource.propertyDependencies ?? {}).filter(([, urns]) =>
      urns.some((urn) => stack.withUrn(urn) === undefined),
    );
    const missing = [
      ...missingIn(resource).map(
        (property) => `${property} is not set. Write the output of a resource of this program.`,
      ),
      ...gone.map(
        ([property]) => `${property} uses an output of a resource that the program does not have. Write one.`,
      ),
    ];
    const strangers = usesOf(resource, stack).flatMap((use) => {
      const { reference, value, where } = use;
      const [, kind] = reference.to.split("/");
      if (isUnknown(value)) return sourcesOf(resource, use, stack).length > 0 ? [] : notEvaluated(where);
      return isOwn(resource, use, stack) || stack.parameters.alsoAllowed.includes(text(value))
        ? []
        : [
            `${where} is ${JSON.stringify(value)}, which no ${kind?.split(":")[1] ?? "resource"} of this program has. Write the output of one, or write the value to alsoAllowed.`,
          ];
    });
    return [...missing, ...strangers];
  },
});
