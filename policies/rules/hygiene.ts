import { array, at, demand, rulesOf, text } from "../rule";

const ENVIRONMENT = "aws:elasticbeanstalk/environment:Environment";

const rule = rulesOf({ area: "hygiene", severity: "medium" });

/** What this platform consists of, by service. */
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

/** Those of them that AWS gives no tags. */
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

function kindOf(type: string): { service: string; name: string } {
  const [, service = "", name = ""] = /^aws:(\w+)\/(\w+):/.exec(type) ?? [];
  return { service, name };
}

function isKnown(type: string): boolean {
  const { service, name } = kindOf(type);
  return KNOWN[service]?.includes(name) === true;
}

export const requiredTags = rule(
  "required-tags",
  "Tags project, env and managed-by on what takes tags; a known role on Beanstalk environments",
  "costs, alarms, the deploy tool and rules of this pack find resources by them",
  ({ inputs, type }, { parameters }) => {
    const { service, name } = kindOf(type);
    if (!isKnown(type) || WITHOUT_TAGS.has(`${service}/${name}`)) return [];
    const tag = (key: string) => at(inputs.tags, key);
    return [
      ...["project", "env", "managed-by"].flatMap((key) =>
        demand(tag(key), text(tag(key)) !== "", `tag ${key}`, "it into tags"),
      ),
      ...(type === ENVIRONMENT
        ? demand(
            tag("role"),
            array(parameters.roles).includes(tag("role")),
            "tag role",
            `one of ${array(parameters.roles).join(", ")}`,
          )
        : []),
    ];
  },
  {
    parameters: {
      roles: { type: "array", default: ["web", "worker", "enketo"], description: "Roles of environments" },
    },
  },
);

/** For each type the property that names it, what AWS takes, and that in words. */
const NAMES: Record<string, [property: string, taken: RegExp, words: string]> = {
  "aws:s3/bucket:Bucket": [
    "bucket",
    /^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$/,
    "3 to 63 lower-case letters, digits, dots and hyphens",
  ],
  "aws:cloudwatch/logGroup:LogGroup": ["name", /^[\w./#-]{1,512}$/, "at most 512 letters, digits and _-/.#"],
  "aws:cloudwatch/metricAlarm:MetricAlarm": ["name", /^[\x20-\x7e]{1,255}$/, "at most 255 characters"],
  "aws:ec2/securityGroup:SecurityGroup": [
    "name",
    /^(?!sg-)[\w .:/()#,@[\]+=&;{}!$*-]{1,255}$/,
    "at most 255 characters that do not start with sg-",
  ],
  "aws:elasticache/replicationGroup:ReplicationGroup": [
    "replicationGroupId",
    /^(?!.*--)[a-z][a-z0-9-]{0,38}[a-z0-9]$/,
    "at most 40 lower-case letters, digits and single hyphens",
  ],
  "aws:elasticbeanstalk/application:Application": [
    "name",
    /^[^/]{1,100}$/,
    "at most 100 characters without /",
  ],
  [ENVIRONMENT]: ["name", /^[a-z0-9][a-z0-9-]{2,38}[a-z0-9]$/i, "4 to 40 letters, digits and hyphens"],
  "aws:iam/instanceProfile:InstanceProfile": [
    "name",
    /^[\w+=,.@-]{1,128}$/,
    "at most 128 letters, digits and +=,.@-_",
  ],
  "aws:iam/policy:Policy": ["name", /^[\w+=,.@-]{1,128}$/, "at most 128 letters, digits and +=,.@-_"],
  "aws:iam/role:Role": ["name", /^[\w+=,.@-]{1,64}$/, "at most 64 letters, digits and +=,.@-_"],
  "aws:rds/instance:Instance": [
    "identifier",
    /^(?!.*--)[a-z][a-z0-9-]{0,61}[a-z0-9]$/,
    "at most 63 lower-case letters, digits and single hyphens",
  ],
  "aws:sns/topic:Topic": ["name", /^[\w-]{1,256}$/, "at most 256 letters, digits, - and _"],
  "aws:sqs/queue:Queue": ["name", /^[\w-]{1,80}$/, "at most 80 letters, digits, - and _"],
};

export const nameLimits = rule(
  "name-limits",
  "Explicit names that AWS takes",
  "policies are decided by names, and AWS would refuse others half-way",
  ({ inputs, type }) => {
    const [property, taken, words] = NAMES[type] ?? ["name", /./, ""];
    return demand(inputs[property], taken.test(text(inputs[property])), property, `a name of ${words}`);
  },
  { types: Object.keys(NAMES) },
);

export const knownTypes = rule(
  "known-types",
  "Only types of resources that this platform consists of",
  "no rule would judge it",
  ({ type, custom }, { parameters }) =>
    custom === false ||
    type === "pulumi:pulumi:Stack" ||
    type === "pulumi:providers:aws" ||
    type === "pulumi:providers:command" ||
    type === "command:local:Command" ||
    isKnown(type) ||
    array(parameters.alsoAllowed).includes(type)
      ? []
      : [`Type ${type} is not one of this platform's. Remove it, or admit it by alsoAllowed.`],
  {
    parameters: {
      alsoAllowed: { type: "array", default: [], description: "Types that are admitted besides" },
    },
  },
);
