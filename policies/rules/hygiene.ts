import { array, demand, object, Rule, text } from "../rule";

export const requiredTags: Rule = {
  name: "required-tags", area: "hygiene", severity: "medium", level: "mandatory",
  description: "Tags project, env and managed-by on what has tags; role on Beanstalk environments",
  why: "costs, alarms and the deploy tool find resources by them",
  check: ({ inputs, type }) => {
    const environment = type === "aws:elasticbeanstalk/environment:Environment";
    if (inputs.tags === undefined && !/^aws:(s3\/bucket:|rds\/instance:|sqs\/queue:|elasticbeanstalk\/environment:|iam\/role:|ec2\/vpc:)/.test(type)) return [];
    const tags = object(inputs.tags);
    return ["project", "env", "managed-by", ...(environment ? ["role"] : [])].flatMap((name) => demand(tags[name], text(tags[name]) !== "", `tag ${name}`, "it"));
  },
}; // prettier-ignore

const LIMITS: Record<string, [string, number]> = {
  "aws:s3/bucket:Bucket": ["bucket", 63], "aws:iam/role:Role": ["name", 64], "aws:sqs/queue:Queue": ["name", 80],
  "aws:elasticbeanstalk/environment:Environment": ["name", 40], "aws:rds/instance:Instance": ["identifier", 63],
  "aws:elasticbeanstalk/application:Application": ["name", 100], "aws:elasticache/replicationGroup:ReplicationGroup": ["replicationGroupId", 40],
}; // prettier-ignore
export const nameLimits: Rule = {
  name: "name-limits", area: "hygiene", severity: "medium", level: "mandatory", types: Object.keys(LIMITS),
  description: "Explicit names within AWS's limits", why: "policies are decided by names, and AWS would refuse long ones",
  check: ({ inputs, type }) => {
    const [property, limit] = LIMITS[type] ?? ["name", 0];
    return demand(inputs[property], text(inputs[property]) !== "" && text(inputs[property]).length <= limit, property, `a name of at most ${String(limit)} characters`);
  },
}; // prettier-ignore

const SERVICES =
  "acm alb lb autoscaling cloudfront cloudwatch ec2 elasticache elasticbeanstalk iam rds route53 s3 sns sqs ssm vpc kms secretsmanager".split(
    " ",
  );
const NEVER =
  /^aws:(iam\/(user|accessKey|group|userLoginProfile|userPolicy|userPolicyAttachment)|ec2\/(instance|keyPair|spotInstanceRequest)):/;
export const knownTypes: Rule = {
  name: "known-types", area: "hygiene", severity: "medium", level: "mandatory",
  description: "Only types of services that this platform uses; no users, keys or single instances", why: "no rule would judge it",
  parameters: { alsoAllowed: { type: "array", default: [], description: "Types that are admitted besides" } },
  check: ({ type, custom }, { parameters }) => {
    if (custom === false || type.startsWith("pulumi:") || type === "command:local:Command" || array(parameters.alsoAllowed).includes(type)) return [];
    const service = /^aws:(\w+)\//.exec(type)?.[1] ?? "";
    return SERVICES.includes(service) && !NEVER.test(type) ? [] : [`Type ${type} is not one of this platform's. Remove it, or admit it by alsoAllowed.`];
  },
}; // prettier-ignore
