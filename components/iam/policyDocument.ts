/** The value of a policy element that takes one string or several. */
export type OneOrMany = string | string[];

/** Condition operators, such as `StringEquals`, with the values of each condition key. */
export type PolicyCondition = Record<string, Record<string, OneOrMany>>;

/**
 * One statement of an IAM, bucket, queue or topic policy.
 *
 * @see https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_statement.html
 */
export interface PolicyStatement {
  Sid: string;
  Effect: "Allow" | "Deny";
  /** Only in policies of resources. In the policy of a role, the principal is the role. */
  Principal?: "*" | Record<string, OneOrMany>;
  Action: OneOrMany;
  Resource?: OneOrMany;
  NotResource?: OneOrMany;
  Condition?: PolicyCondition;
}

/**
 * Returns the JSON text of a policy. All parts are plain strings: {@link Naming} says why documents hold no outputs.
 *
 * @see https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements.html
 */
export function policyDocument(statements: PolicyStatement[]): string {
  return JSON.stringify({ Version: "2012-10-17", Statement: statements });
}

/** Returns the trust policy of a role: the principal that may assume it, and under which condition. */
export function trustPolicy(principal: Record<string, string>, condition?: PolicyCondition): string {
  return policyDocument([
    {
      Sid: "AssumeRole",
      Effect: "Allow",
      Principal: principal,
      Action: "sts:AssumeRole",
      ...(condition && { Condition: condition }),
    },
  ]);
}

/** Returns the condition keys of tags, such as `aws:ResourceTag/env`, with their values. */
export function tagConditions(prefix: string, tags: Record<string, OneOrMany>): Record<string, OneOrMany> {
  return Object.fromEntries(Object.entries(tags).map(([tag, value]) => [`${prefix}/${tag}`, value]));
}

/**
 * Returns the trust policy of a role for an AWS service. The service may assume the role only on behalf of this
 * account, which prevents the confused deputy problem. EC2 does not name the account: use {@link trustPolicy} there.
 *
 * @see https://docs.aws.amazon.com/IAM/latest/UserGuide/confused-deputy.html
 */
export function serviceTrustPolicy(service: string, accountId: string): string {
  return trustPolicy({ Service: service }, { StringEquals: { "aws:SourceAccount": accountId } });
}

/**
 * Returns the condition that a bucket belongs to this account. After a bucket is deleted, another account can create one of
 * its name.
 */
export function inOwnAccount(accountId: string): PolicyCondition {
  return { StringEquals: { "aws:ResourceAccount": accountId } };
}

/**
 * The actions that an instance needs to stream its logs to CloudWatch. The log groups exist: Beanstalk creates them with
 * the environment.
 *
 * @see https://docs.aws.amazon.com/elasticbeanstalk/latest/dg/AWSHowTo.cloudwatchlogs.html
 */
export const LOG_STREAMING_ACTIONS = ["logs:CreateLogStream", "logs:PutLogEvents"];

/**
 * The actions that an instance needs for Session Manager. None of them takes a resource.
 *
 * @see https://docs.aws.amazon.com/systems-manager/latest/userguide/getting-started-create-iam-instance-profile.html
 */
export const SESSION_MANAGER_ACTIONS = [
  "ssm:UpdateInstanceInformation",
  "ssmmessages:CreateControlChannel",
  "ssmmessages:CreateDataChannel",
  "ssmmessages:OpenControlChannel",
  "ssmmessages:OpenDataChannel",
];

/** The actions with which Docker pulls an image from a repository of Amazon ECR. */
export const IMAGE_PULL_ACTIONS = ["ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer"];
