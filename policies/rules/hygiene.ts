import { array, demand, object, Rule, text } from "../rule";

const ENVIRONMENT = "aws:elasticbeanstalk/environment:Environment";

const rule = (
  name: string,
  description: string,
  why: string,
  check: Rule["check"],
  more: Partial<Rule> = {},
): Rule => ({
  name,
  area: "hygiene",
  description,
  why,
  severity: "medium",
  level: "mandatory",
  check,
  ...more,
});

/** What must have tags, though AWS would take it without. */
const TAGGED = [
  "aws:s3/bucket:Bucket",
  "aws:rds/instance:Instance",
  "aws:sqs/queue:Queue",
  ENVIRONMENT,
  "aws:iam/role:Role",
  "aws:ec2/vpc:Vpc",
];

export const requiredTags = rule(
  "required-tags",
  "Tags project, env and managed-by on what has tags; role on Beanstalk environments",
  "costs, alarms and the deploy tool find resources by them",
  ({ inputs, type }) => {
    if (inputs.tags === undefined && !TAGGED.includes(type)) return [];
    const tags = object(inputs.tags);
    return ["project", "env", "managed-by", ...(type === ENVIRONMENT ? ["role"] : [])].flatMap((name) =>
      demand(tags[name], text(tags[name]) !== "", `tag ${name}`, "it"),
    );
  },
);

/** For each type the property that names it, and the most characters that AWS takes. */
const LIMITS: Record<string, [property: string, limit: number]> = {
  "aws:s3/bucket:Bucket": ["bucket", 63],
  "aws:iam/role:Role": ["name", 64],
  "aws:sqs/queue:Queue": ["name", 80],
  [ENVIRONMENT]: ["name", 40],
  "aws:rds/instance:Instance": ["identifier", 63],
  "aws:elasticbeanstalk/application:Application": ["name", 100],
  "aws:elasticache/replicationGroup:ReplicationGroup": ["replicationGroupId", 40],
};

export const nameLimits = rule(
  "name-limits",
  "Explicit names within AWS's limits",
  "policies are decided by names, and AWS would refuse long ones",
  ({ inputs, type }) => {
    const [property, limit] = LIMITS[type] ?? ["name", 0];
    const name = text(inputs[property]);
    return demand(
      inputs[property],
      name !== "" && name.length <= limit,
      property,
      `a name of at most ${limit} characters`,
    );
  },
  { types: Object.keys(LIMITS) },
);

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

const isKnown = (type: string) => {
  const [, service = "", name = ""] = /^aws:(\w+)\/(\w+):/.exec(type) ?? [];
  return KNOWN[service]?.includes(name) === true;
};

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
