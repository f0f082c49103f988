import { ownAccounts, regionsOf, Stack, tagOf } from "../../context";
import { conditionsOf } from "../../iam/document";
import { secretArns } from "../../optionSettings";
import { defineRule } from "../../rule";
import { first, groupBy, isUnknown, text } from "../../values";
import { grantsOf, ROLE } from "./grants";
import { mayOf, permissionsOf } from "./boundary";

/** A request to a resource of another environment. */
interface Probe {
  action: string;
  resource: string;
  context?: Record<string, string>;
}

/**
 * The names of a stack's resources of one type, as another environment would have them: with its name between delimiters,
 * as in `iaso-ENV-media` and `/iaso-secrets/ENV/KEY`.
 */
function namesIn(env: string, other: string, names: unknown[]): string[] {
  const ofEnv = new RegExp(`(^|[-/])${env}(?=$|[-/])`);
  return names
    .filter((name) => typeof name === "string" && !isUnknown(name) && ofEnv.test(name))
    .map((name) => text(name).replace(ofEnv, `$1${other}`));
}

/** Requests to the resources of an environment of another name in the same account and region. */
function probesOf(stack: Stack, env: string, other: string): Probe[] {
  const [account = ""] = ownAccounts(stack);
  const [region = ""] = regionsOf(stack);
  const arn = (service: string, resource: string) => `arn:aws:${service}:${region}:${account}:${resource}`;
  const on = (actions: string[], resources: string[], context?: Probe["context"]): Probe[] =>
    resources.flatMap((resource) =>
      actions.map((action) => ({ action, resource, ...(context && { context }) })),
    );
  const named = (names: unknown[]) => namesIn(env, other, names);
  const buckets = named(stack.ofType("aws:s3/bucket:Bucket").map(({ inputs }) => inputs.bucket));
  const parameters = named([
    ...stack.ofType("aws:ssm/parameter:Parameter").map(({ inputs }) => inputs.name),
    ...[...secretArns(stack)].map((one) => one.replace(/^.*:parameter(?=\/)/, "")),
  ]);
  const queues = named(stack.ofType("aws:sqs/queue:Queue").map(({ inputs }) => inputs.name));
  const topics = named(stack.ofType("aws:sns/topic:Topic").map(({ inputs }) => inputs.name));
  const roles = named(stack.ofType(ROLE).map(({ inputs }) => inputs.name));
  const databases = named(stack.ofType("aws:rds/instance:Instance").map(({ inputs }) => inputs.identifier));
  const groups = named(stack.ofType("aws:cloudwatch/logGroup:LogGroup").map(({ inputs }) => inputs.name));
  const repositories = named(stack.ofType("aws:ecr/repository:Repository").map(({ inputs }) => inputs.name));
  const environments = named(
    stack.ofType("aws:elasticbeanstalk/environment:Environment").map(({ inputs }) => inputs.name),
  );
  const tags = {
    "aws:ResourceTag/project": "iaso",
    "aws:ResourceTag/env": other,
    "aws:ResourceTag/role": "web",
    "aws:ResourceTag/elasticbeanstalk:environment-name": environments[0] ?? other,
    "ec2:ResourceTag/env": other,
  };
  return [
    ...on(
      ["s3:GetObject", "s3:PutObject", "s3:DeleteObject"],
      buckets.map((bucket) => `arn:aws:s3:::${bucket}/bundles/1`),
    ),
    ...on(
      ["s3:PutBucketPolicy", "s3:PutLifecycleConfiguration", "s3:DeleteBucket"],
      buckets.map((bucket) => `arn:aws:s3:::${bucket}`),
    ),
    ...on(
      ["ssm:GetParameter", "ssm:GetParameters", "ssm:GetParametersByPath", "ssm:PutParameter"],
      parameters.map((name) => arn("ssm", `parameter${name}`)),
    ),
    ...on(
      ["sqs:SendMessage", "sqs:ReceiveMessage", "sqs:SetQueueAttributes", "sqs:DeleteQueue"],
      queues.map((name) => arn("sqs", name)),
    ),
    ...on(
      ["sns:Publish", "sns:SetTopicAttributes"],
      topics.map((name) => arn("sns", name)),
    ),
    ...on(
      ["rds:ModifyDBInstance", "rds:DeleteDBInstance"],
      databases.map((name) => arn("rds", `db:${name}`)),
      tags,
    ),
    ...on(
      ["iam:PassRole"],
      roles.map((name) => `arn:aws:iam::${account}:role/${name}`),
      { "iam:PassedToService": "ec2.amazonaws.com" },
    ),
    ...on(
      ["iam:PutRolePolicy", "iam:AttachRolePolicy"],
      roles.map((name) => `arn:aws:iam::${account}:role/${name}`),
      { "iam:PermissionsBoundary": `arn:aws:iam::${account}:policy/iaso-${other}-boundary` },
    ),
    ...on(
      ["ecr:BatchDeleteImage", "ecr:BatchGetImage", "ecr:PutImage", "ecr:PutLifecyclePolicy"],
      repositories.map((name) => arn("ecr", `repository/${name}`)),
    ),
    ...on(
      ["logs:DeleteLogGroup", "logs:PutLogEvents"],
      groups.map((name) => arn("logs", `log-group:${name}`)),
    ),
    ...on(
      ["elasticbeanstalk:UpdateEnvironment", "elasticbeanstalk:TerminateEnvironment"],
      environments.map((name) => arn("elasticbeanstalk", `environment/iaso-${other}/${name}`)),
      tags,
    ),
    ...on(["ec2:TerminateInstances"], [arn("ec2", "instance/i-0123456789abcdef0")], tags),
    ...on(["ec2:DeleteSecurityGroup"], [arn("ec2", "security-group/sg-0123456789abcdef0")], tags),
    ...on(["ec2:AuthorizeSecurityGroupIngress"], [arn("ec2", "security-group/sg-0123456789abcdef0")], tags),
    ...on(["ec2:CreateLaunchTemplateVersion"], [arn("ec2", "launch-template/lt-0123456789abcdef0")], tags),
    ...on(
      ["autoscaling:UpdateAutoScalingGroup", "autoscaling:SetDesiredCapacity"],
      [
        arn(
          "autoscaling",
          "autoScalingGroup:0:autoScalingGroupName/awseb-e-qz71000000-stack-AWSEBAutoScalingGroup-1",
        ),
      ],
      { ...tags, "autoscaling:LaunchTemplateVersionSpecified": "true" },
    ),
    ...on(
      ["cloudformation:UpdateStack", "cloudformation:DeleteStack"],
      [arn("cloudformation", "stack/awseb-e-qz71000000-stack/0")],
      tags,
    ),
    ...on(
      ["elasticloadbalancing:ModifyListener"],
      [arn("elasticloadbalancing", "listener/app/awseb--AWSEB-QZ71/0/1")],
      tags,
    ),
    ...on(
      ["elasticloadbalancing:RegisterTargets"],
      [arn("elasticloadbalancing", "targetgroup/awseb-AWSEB-QZ71/0")],
      tags,
    ),
    ...on(
      ["s3:PutObject"],
      [
        "resources/environments/e-qz71000000/_runtime/versions/manifest_1",
        `resources/environments/e-qz71000000/_runtime/_versions/iaso-${other}/1`,
        `resources/_runtime/_embedded_extensions/iaso-${other}/1`,
      ].map((key) => `arn:aws:s3:::elasticbeanstalk-${region}-${account}/${key}`),
    ),
  ];
}

export const ownEnvironmentOnly = defineRule({
  name: "own-environment-only",
  types: [ROLE],
  description: "No role reaches data, code or infrastructure of another environment in the same account",
  why: "whoever gets a role of a test environment would control production",
  severity: "critical",
  neighbours: true,
  check: (role, stack) => {
    const env = tagOf(role, "env");
    if (!/^[a-z][a-z0-9]*$/.test(env)) return [];
    // Patterns such as iaso-prod* reach the second one too.
    const probes = stack.once(`probes of ${env}`, () =>
      groupBy(
        ["qz71", `${env}x`].flatMap((other) => probesOf(stack, env, other)),
        ({ action }) => action,
      ),
    );
    const { may, mayEver } = permissionsOf(role, stack);
    const allowed = [...probes]
      .filter(([action]) => mayEver(action))
      .flatMap(([, all]) => all.filter(({ action, resource, context }) => may(action, resource, context)));
    return allowed.length === 0
      ? []
      : [
          `The role may ${first([...new Set(allowed.map(({ action, resource }) => `${action} on ${resource}`))])}. Write the names of this environment, or a Condition on its tags.`,
        ];
  },
});

/** Calls that tag a resource of a stranger, whose names say nothing. Beanstalk's resources have its tag. */
function taggingOf(stack: Stack, env: string): Probe[] {
  const [account = ""] = ownAccounts(stack);
  const [region = ""] = regionsOf(stack);
  const arn = (service: string, resource: string) => `arn:aws:${service}:${region}:${account}:${resource}`;
  const tags = { "aws:RequestTag/project": "iaso", "aws:RequestTag/env": env };
  const ofBeanstalk = { ...tags, "aws:ResourceTag/elasticbeanstalk:environment-name": "qz71" };
  return [
    { action: "acm:AddTagsToCertificate", resource: arn("acm", "certificate/qz71"), context: tags },
    {
      action: "cloudfront:TagResource",
      resource: `arn:aws:cloudfront::${account}:distribution/EQZ71`,
      context: tags,
    },
    {
      action: "cloudformation:TagResource",
      resource: arn("cloudformation", "stack/awseb-e-qz71000000-stack/0"),
      context: ofBeanstalk,
    },
    {
      action: "elasticloadbalancing:AddTags",
      resource: arn("elasticloadbalancing", "loadbalancer/app/awseb--AWSEB-QZ71/0"),
      context: ofBeanstalk,
    },
    { action: "ec2:CreateTags", resource: arn("ec2", "instance/i-0123456789abcdef0"), context: tags },
  ];
}

export const tagOwnOnly = defineRule({
  name: "tag-own-only",
  types: [ROLE],
  description:
    "No role gives the environment's tags to instances, stacks, balancers, certificates or distributions of others",
  why: "its permissions on resources with these tags would then include a stranger's",
  severity: "high",
  neighbours: true,
  check: (role, stack) => {
    const env = tagOf(role, "env");
    if (!/^[a-z][a-z0-9]*$/.test(env)) return [];
    const may = mayOf(role, stack);
    const allowed = taggingOf(stack, env).filter(({ action, context, resource }) =>
      may(action, resource, context),
    );
    return allowed.length === 0
      ? []
      : [
          `The role may ${first(allowed.map(({ action }) => action))} on a resource without tags. Write a Condition on aws:ResourceTag, or on ec2:CreateAction.`,
        ];
  },
});

/** The condition keys that compare a tag by which resources belong to an environment. */
const TAG =
  /^(aws|ec2|ssm|rds|autoscaling):(resourcetag|requesttag)\/(project|env|role|elasticbeanstalk:environment-name)$/;

export const tagsExact = defineRule({
  name: "tags-exact",
  types: [ROLE],
  description: "A role's permissions name the tags of its environment in full, and demand them",
  why: "prod* is the tag of a second environment too, and whoever gets the role would control it",
  severity: "critical",
  neighbours: true,
  check: (role, stack) => {
    const open = grantsOf(role, stack)
      .statements.filter(({ Effect }) => Effect === "Allow")
      .flatMap((statement) =>
        conditionsOf(statement)
          .filter(
            ({ operator, key, values }) =>
              TAG.test(key) &&
              (/not/i.test(operator) ||
                (/like/i.test(operator) && values.some((one) => /[*?]/.test(text(one))))),
          )
          .map(({ key }) => `${text(statement.Sid)} (${key})`),
      );
    return open.length === 0
      ? []
      : [
          `Tags are matched by a pattern or denied in ${first(open)}. Write StringEquals with the tag's value.`,
        ];
  },
});
