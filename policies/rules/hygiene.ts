import type { InputsOf, ResourceType } from "../args";
import { Resource } from "../resource";
import { defineRule } from "../rule";
import { demand, isUnknown, object, text, UNKNOWN } from "../values";

const ENVIRONMENT = "aws:elasticbeanstalk/environment:Environment";

/** The resource types of this platform, by service. */
const KNOWN: Record<string, string[]> = {
  acm: ["certificate", "certificateValidation"],
  cloudfront: ["distribution"],
  cloudwatch: ["logGroup", "metricAlarm"],
  ec2: [
    "defaultSecurityGroup",
    "eip",
    "flowLog",
    "internetGateway",
    "natGateway",
    "route",
    "routeTable",
    "routeTableAssociation",
    "securityGroup",
    "subnet",
    "vpc",
    "vpcEndpoint",
  ],
  elasticache: ["parameterGroup", "replicationGroup", "subnetGroup"],
  elasticbeanstalk: ["application", "applicationVersion", "environment"],
  iam: ["instanceProfile", "openIdConnectProvider", "policy", "role", "rolePolicy", "rolePolicyAttachment"],
  lb: ["listener"],
  rds: ["instance", "parameterGroup", "subnetGroup"],
  route53: ["record"],
  s3: [
    "bucket",
    "bucketCorsConfiguration",
    "bucketLifecycleConfiguration",
    "bucketObjectv2",
    "bucketOwnershipControls",
    "bucketPolicy",
    "bucketPublicAccessBlock",
    "bucketServerSideEncryptionConfiguration",
    "bucketVersioning",
  ],
  sns: ["topic", "topicPolicy", "topicSubscription"],
  sqs: ["queue", "queuePolicy"],
  ssm: ["parameter"],
  vpc: ["securityGroupEgressRule", "securityGroupIngressRule"],
};

/** The known types that have no tags. */
const WITHOUT_TAGS = new Set([
  "acm/certificateValidation",
  "ec2/route",
  "ec2/routeTableAssociation",
  "iam/rolePolicy",
  "iam/rolePolicyAttachment",
  "route53/record",
  "s3/bucketCorsConfiguration",
  "s3/bucketLifecycleConfiguration",
  "s3/bucketOwnershipControls",
  "s3/bucketPolicy",
  "s3/bucketPublicAccessBlock",
  "s3/bucketServerSideEncryptionConfiguration",
  "s3/bucketVersioning",
  "sns/topicPolicy",
  "sns/topicSubscription",
  "sqs/queuePolicy",
]);

/** Types that are not of AWS: they have neither tags nor a row above. */
const ALLOWED = new Set([
  "pulumi:pulumi:Stack",
  "pulumi:providers:aws",
  "pulumi:providers:command",
  "command:local:Command",
]);

function kindOf(type: string): { service: string; name: string } {
  const [, service = "", name = ""] = /^aws:(\w+)\/(\w+):/.exec(type) ?? [];
  return { service, name };
}

function isKnown(type: string): boolean {
  const { service, name } = kindOf(type);
  return KNOWN[service]?.includes(name) === true;
}

export const knownTypes = defineRule({
  name: "known-types",
  types: "all",
  description: "Only resource types of this platform",
  why: "no rule would judge the resource",
  severity: "medium",
  parameters: {
    alsoAllowed: { type: "array", default: [], description: "Other types that are allowed" },
  },
  check: ({ type, custom }, { parameters }) =>
    custom === false || ALLOWED.has(type) || isKnown(type) || parameters.alsoAllowed.includes(type)
      ? []
      : [`Type ${type} is not one of this platform's. Remove it, or write it to alsoAllowed.`],
});

export const requiredTags = defineRule({
  name: "required-tags",
  types: "all",
  description:
    "Resources have the tags project, env and managed-by; a Beanstalk environment has a known role too",
  why: "costs, alarms, the deploy tool and rules find resources by their tags",
  severity: "medium",
  parameters: {
    roles: { type: "array", default: ["web", "worker", "enketo"], description: "Roles of environments" },
  },
  check: (resource, { parameters: { roles } }) => {
    const { service, name } = kindOf(resource.type);
    if (!isKnown(resource.type) || WITHOUT_TAGS.has(`${service}/${name}`)) return [];
    const { tags } = resource.inputs;
    const valueOf = (tag: string) => (isUnknown(tags) ? UNKNOWN : object(tags)[tag]);
    return [
      ...["project", "env", "managed-by"].flatMap((tag) =>
        demand(valueOf(tag), text(valueOf(tag)) !== "", `tag ${tag}`, "it into tags"),
      ),
      ...(resource.type === ENVIRONMENT
        ? demand(
            valueOf("role"),
            roles.includes(text(valueOf("role"))),
            "tag role",
            `one of ${roles.join(", ")}`,
          )
        : []),
    ];
  },
});

interface NameLimit<Type extends ResourceType> {
  /** The property that names the resource. */
  property: keyof InputsOf<Type> & string;
  pattern: RegExp;
  /** The pattern in words. */
  limit: string;
}

const IAM_NAME = "letters, digits and +=,.@-_";

/** The names that AWS accepts for each type. */
const NAME_LIMITS: { [Type in ResourceType]?: NameLimit<Type> } = {
  "aws:s3/bucket:Bucket": {
    property: "bucket",
    pattern: /^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$/,
    limit: "3 to 63 lower-case letters, digits, dots and hyphens",
  },
  "aws:cloudwatch/logGroup:LogGroup": {
    property: "name",
    pattern: /^[\w./#-]{1,512}$/,
    limit: "at most 512 letters, digits and _-/.#",
  },
  "aws:cloudwatch/metricAlarm:MetricAlarm": {
    property: "name",
    pattern: /^[\x20-\x7e]{1,255}$/,
    limit: "at most 255 characters",
  },
  "aws:ec2/securityGroup:SecurityGroup": {
    property: "name",
    pattern: /^(?!sg-)[\w .:/()#,@[\]+=&;{}!$*-]{1,255}$/,
    limit: "at most 255 characters that do not start with sg-",
  },
  "aws:elasticache/replicationGroup:ReplicationGroup": {
    property: "replicationGroupId",
    pattern: /^(?!.*--)[a-z][a-z0-9-]{0,38}[a-z0-9]$/,
    limit: "at most 40 lower-case letters, digits and single hyphens",
  },
  "aws:elasticbeanstalk/application:Application": {
    property: "name",
    pattern: /^[^/]{1,100}$/,
    limit: "at most 100 characters without /",
  },
  [ENVIRONMENT]: {
    property: "name",
    pattern: /^[a-z0-9][a-z0-9-]{2,38}[a-z0-9]$/i,
    limit: "4 to 40 letters, digits and hyphens",
  },
  "aws:iam/instanceProfile:InstanceProfile": {
    property: "name",
    pattern: /^[\w+=,.@-]{1,128}$/,
    limit: `at most 128 ${IAM_NAME}`,
  },
  "aws:iam/policy:Policy": {
    property: "name",
    pattern: /^[\w+=,.@-]{1,128}$/,
    limit: `at most 128 ${IAM_NAME}`,
  },
  "aws:iam/role:Role": {
    property: "name",
    pattern: /^[\w+=,.@-]{1,64}$/,
    limit: `at most 64 ${IAM_NAME}`,
  },
  "aws:rds/instance:Instance": {
    property: "identifier",
    pattern: /^(?!.*--)[a-z][a-z0-9-]{0,61}[a-z0-9]$/,
    limit: "at most 63 lower-case letters, digits and single hyphens",
  },
  "aws:sns/topic:Topic": {
    property: "name",
    pattern: /^[\w-]{1,256}$/,
    limit: "at most 256 letters, digits, - and _",
  },
  "aws:sqs/queue:Queue": {
    property: "name",
    pattern: /^[\w-]{1,80}$/,
    limit: "at most 80 letters, digits, - and _",
  },
};

export const nameLimits = defineRule({
  name: "name-limits",
  types: Object.keys(NAME_LIMITS) as ResourceType[],
  description: "Every resource has an explicit name that AWS accepts",
  why: "rules judge by names, and AWS would refuse others half-way",
  severity: "medium",
  check: ({ type, inputs }) => {
    const name = NAME_LIMITS[type];
    if (name === undefined) return [];
    const value = (inputs as Resource["inputs"])[name.property];
    return demand(value, name.pattern.test(text(value)), name.property, `a name of ${name.limit}`);
  },
});

export const certificateByDns = defineRule({
  name: "certificate-by-dns",
  types: ["aws:acm/certificate:Certificate"],
  description: "Certificates are validated by DNS",
  why: "validation by mail fails at each renewal",
  severity: "medium",
  check: ({ inputs: { validationMethod } }) =>
    demand(validationMethod, validationMethod === "DNS", "validationMethod", "DNS"),
});

export const logRetention = defineRule({
  name: "log-retention",
  types: ["aws:cloudwatch/logGroup:LogGroup"],
  description: "Log groups keep logs for a set time",
  why: "logs contain personal data and would be kept forever",
  severity: "medium",
  reference: "AWS FSBP CloudWatch.16",
  check: ({ inputs: { retentionInDays } }) =>
    demand(retentionInDays, Number(retentionInDays) > 0, "retentionInDays", "a number of days"),
});
