import { type ChangedEnvironment, objectsOf, resourcesOf, tagKeys } from "./beanstalkResources";

/**
 * A call that Elastic Beanstalk makes with the permissions of whoever changes an environment. It makes them through
 * CloudFormation, so none has the caller's own request in its context.
 */
export interface BeanstalkCall {
  actions: readonly string[];
  /** ARNs of resources as Beanstalk names them. "*" for actions that take no resource. */
  resources: readonly string[];
  /** Condition keys of the request. */
  context?: Readonly<Record<string, string>>;
}

/**
 * The calls of an update of an environment to another version, on new instances or on those that it has.
 *
 * The source is the managed policies with which Beanstalk itself updates environments: what both
 * AWSElasticBeanstalkRoleCore (v3, 2024-04-30) and AWSElasticBeanstalkManagedUpdatesCustomerRolePolicy (v12,
 * 2026-02-12) allow, on the resources that this program's environments have, and in addition:
 * - the reads of IAM and ACM, and `autoscaling:PutScalingPolicy` and tags, of one of them;
 * - `s3:CreateBucket`: seen in https://github.com/codeship/documentation/issues/338;
 * - `cloudformation:SignalResource` of AdministratorAccess-AWSElasticBeanstalk (v10, 2026-05-19).
 *
 * Left out, because another version changes no setting: listeners, attributes of balancers and target groups (the
 * policy for managed updates does not have them either), and the policy of Beanstalk's bucket. `callsOfCreation` has
 * them.
 *
 * Left out, because no environment of this program has them: launch configurations, Elastic IPs, ECS, CodeBuild,
 * CodeCommit, databases and notification topics of an environment, and classic load balancers.
 *
 * @see https://docs.aws.amazon.com/aws-managed-policy/latest/reference/AWSElasticBeanstalkRoleCore.html
 * @see https://docs.aws.amazon.com/aws-managed-policy/latest/reference/AWSElasticBeanstalkManagedUpdatesCustomerRolePolicy.html
 * @see https://docs.aws.amazon.com/aws-managed-policy/latest/reference/AdministratorAccess-AWSElasticBeanstalk.html
 */
export function callsOfUpdate(changed: ChangedEnvironment): BeanstalkCall[] {
  const own = resourcesOf(changed);
  const existing = tagKeys("aws:ResourceTag", changed);
  const created = tagKeys("aws:RequestTag", changed);
  // CloudFormation gives the group a numbered version of its template, never $Latest:
  // https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/aws-properties-autoscaling-autoscalinggroup-launchtemplatespecification.html
  const version = { "autoscaling:LaunchTemplateVersionSpecified": "true" };
  return [
    { actions: READS, resources: ["*"] },
    {
      actions: [
        "cloudformation:CancelUpdateStack",
        "cloudformation:ContinueUpdateRollback",
        "cloudformation:DescribeStackResources",
        "cloudformation:DescribeStacks",
        "cloudformation:GetTemplate",
        "cloudformation:ListStackResources",
        "cloudformation:SignalResource",
        "cloudformation:TagResource",
        "cloudformation:UntagResource",
        "cloudformation:UpdateStack",
      ],
      resources: [own.stack],
      context: existing,
    },
    {
      // An immutable deployment starts the new version in a temporary stack. No source says that it is tagged.
      actions: [
        "cloudformation:CreateStack",
        "cloudformation:DeleteStack",
        "cloudformation:DescribeStacks",
        "cloudformation:TagResource",
      ],
      resources: [own.immutableStack],
    },
    {
      actions: [
        "autoscaling:AttachInstances",
        "autoscaling:CreateOrUpdateTags",
        "autoscaling:DeleteAutoScalingGroup",
        "autoscaling:DeletePolicy",
        "autoscaling:DeleteScheduledAction",
        "autoscaling:DetachInstances",
        "autoscaling:PutNotificationConfiguration",
        "autoscaling:PutScalingPolicy",
        "autoscaling:PutScheduledUpdateGroupAction",
        "autoscaling:ResumeProcesses",
        "autoscaling:SetDesiredCapacity",
        "autoscaling:SuspendProcesses",
        "autoscaling:TerminateInstanceInAutoScalingGroup",
        "autoscaling:UpdateAutoScalingGroup",
      ],
      resources: [own.group],
      context: existing,
    },
    {
      actions: ["autoscaling:UpdateAutoScalingGroup"],
      resources: [own.group],
      context: { ...existing, ...version },
    },
    {
      actions: ["autoscaling:CreateAutoScalingGroup"],
      resources: [own.group],
      context: { ...created, ...version },
    },
    // AWS checks the permission to tag when a new group has tags.
    { actions: ["autoscaling:CreateOrUpdateTags"], resources: [own.group], context: created },
    { actions: ["ec2:CreateLaunchTemplate"], resources: [own.launchTemplate], context: created },
    {
      actions: [
        "ec2:CreateLaunchTemplateVersion",
        "ec2:DeleteLaunchTemplate",
        "ec2:DeleteLaunchTemplateVersions",
      ],
      resources: [own.launchTemplate],
      context: existing,
    },
    {
      actions: ["ec2:RunInstances"],
      resources: [own.subnet],
      context: { "ec2:LaunchTemplate": own.launchTemplate },
    },
    {
      // The platform's image is public.
      actions: ["ec2:RunInstances"],
      resources: [own.image],
      context: { "ec2:LaunchTemplate": own.launchTemplate, "ec2:Public": "true" },
    },
    {
      // The program's image is not, and has its tags.
      actions: ["ec2:RunInstances"],
      resources: [own.image],
      context: {
        "ec2:LaunchTemplate": own.launchTemplate,
        "aws:ResourceTag/project": changed.tags.project ?? "",
        "aws:ResourceTag/env": changed.tags.env ?? "",
      },
    },
    {
      actions: ["ec2:RunInstances"],
      resources: [own.instance, own.networkInterface, own.volume],
      context: { "ec2:LaunchTemplate": own.launchTemplate, ...created },
    },
    {
      actions: ["ec2:RunInstances"],
      resources: [own.launchTemplate],
      context: { "ec2:LaunchTemplate": own.launchTemplate, ...existing },
    },
    {
      // The program creates the security group, so it does not have Beanstalk's tags.
      actions: ["ec2:RunInstances"],
      resources: [own.securityGroup],
      context: {
        "ec2:LaunchTemplate": own.launchTemplate,
        "aws:ResourceTag/project": changed.tags.project ?? "",
        "aws:ResourceTag/env": changed.tags.env ?? "",
      },
    },
    {
      actions: ["ec2:CreateTags"],
      resources: [own.instance, own.volume, own.networkInterface],
      context: { "ec2:CreateAction": "RunInstances", ...created },
    },
    {
      actions: ["ec2:CreateTags"],
      resources: [own.launchTemplate],
      context: { "ec2:CreateAction": "CreateLaunchTemplate", ...created },
    },
    {
      actions: ["ec2:TerminateInstances"],
      resources: [own.instance],
      context: {
        ...existing,
        "ec2:ResourceTag/aws:cloudformation:stack-id": own.stack,
        "ec2:ResourceTag/elasticbeanstalk:environment-name": changed.environment,
      },
    },
    {
      actions: ["elasticloadbalancing:DeregisterTargets", "elasticloadbalancing:RegisterTargets"],
      resources: [own.targetGroup],
      context: existing,
    },
    {
      actions: ["elasticloadbalancing:AddTags"],
      resources: [own.loadBalancer, own.targetGroup],
      context: existing,
    },
    { actions: ["cloudwatch:PutMetricAlarm"], resources: [own.alarm] },
    { actions: ["logs:CreateLogGroup", "logs:PutRetentionPolicy"], resources: [own.logGroup] },
    {
      actions: ["s3:CreateBucket", "s3:GetBucketLocation", "s3:GetBucketPolicy", "s3:ListBucket"],
      resources: [own.bucket],
    },
    {
      actions: [
        "s3:DeleteObject",
        "s3:GetObject",
        "s3:GetObjectAcl",
        "s3:GetObjectVersion",
        "s3:GetObjectVersionAcl",
        "s3:PutObject",
        "s3:PutObjectAcl",
        "s3:PutObjectVersionAcl",
      ],
      resources: objectsOf(changed).map((key) => `${own.bucket}/${key}`),
    },
    {
      // CloudFormation reads the template, and instances the patches, with the caller's permissions.
      actions: ["s3:GetObject"],
      resources: [
        `${own.environmentResources}/eb_patching_resources/instance_patch_extension.linux`,
        `${own.environmentResources}/stackTemplate`,
      ],
    },
    ...changed.roles.flatMap((role) =>
      // The instances' role goes to EC2, the service role to Beanstalk.
      ["ec2.amazonaws.com", "elasticbeanstalk.amazonaws.com"].map((service) => ({
        actions: ["iam:PassRole"],
        resources: [role],
        context: { "iam:PassedToService": service },
      })),
    ),
  ];
}

/** Reads that take no resource, or of which Beanstalk asks for all resources. */
const READS = [
  "acm:DescribeCertificate",
  "acm:ListCertificates",
  "autoscaling:DescribeAccountLimits",
  "autoscaling:DescribeAutoScalingGroups",
  "autoscaling:DescribeAutoScalingInstances",
  "autoscaling:DescribeLaunchConfigurations",
  "autoscaling:DescribeLoadBalancers",
  "autoscaling:DescribeNotificationConfigurations",
  "autoscaling:DescribeScalingActivities",
  "autoscaling:DescribeScheduledActions",
  "cloudwatch:DescribeAlarms",
  "ec2:DescribeAccountAttributes",
  "ec2:DescribeAddresses",
  "ec2:DescribeAvailabilityZones",
  "ec2:DescribeImages",
  "ec2:DescribeInstanceAttribute",
  "ec2:DescribeInstances",
  "ec2:DescribeKeyPairs",
  "ec2:DescribeLaunchTemplateVersions",
  "ec2:DescribeLaunchTemplates",
  "ec2:DescribeSecurityGroups",
  "ec2:DescribeSnapshots",
  "ec2:DescribeSpotInstanceRequests",
  "ec2:DescribeSubnets",
  "ec2:DescribeVpcs",
  "elasticloadbalancing:DescribeListeners",
  "elasticloadbalancing:DescribeLoadBalancers",
  "elasticloadbalancing:DescribeTargetGroups",
  "elasticloadbalancing:DescribeTargetHealth",
  "iam:ListAttachedRolePolicies",
  "iam:ListInstanceProfiles",
  "iam:ListRolePolicies",
  "iam:ListRoles",
  "iam:ListServerCertificates",
  "logs:DescribeLogGroups",
  "rds:DescribeDBEngineVersions",
  "rds:DescribeDBInstances",
  "rds:DescribeOrderableDBInstanceOptions",
  "sns:ListSubscriptionsByTopic",
  "sns:ListTopics",
];

/**
 * The further calls of creating and terminating an environment, and of changing its settings: load balancer, security groups, and the table in which
 * a worker's instances elect the leader for periodic tasks.
 *
 * The source is AdministratorAccess-AWSElasticBeanstalk (v10, 2026-05-19), on the resources that this program's
 * environments have.
 *
 * @see https://docs.aws.amazon.com/aws-managed-policy/latest/reference/AdministratorAccess-AWSElasticBeanstalk.html
 */
export function callsOfCreation(changed: ChangedEnvironment): BeanstalkCall[] {
  const own = resourcesOf(changed);
  const existing = tagKeys("aws:ResourceTag", changed);
  const created = tagKeys("aws:RequestTag", changed);
  return [
    { actions: ["cloudformation:CreateStack"], resources: [own.stack], context: created },
    { actions: ["cloudformation:DeleteStack"], resources: [own.stack], context: existing },
    {
      actions: ["elasticloadbalancing:CreateLoadBalancer"],
      resources: [own.loadBalancer],
      context: created,
    },
    {
      actions: [
        "elasticloadbalancing:CreateListener",
        "elasticloadbalancing:DeleteLoadBalancer",
        "elasticloadbalancing:ModifyLoadBalancerAttributes",
        "elasticloadbalancing:SetSecurityGroups",
      ],
      resources: [own.loadBalancer],
      context: existing,
    },
    {
      actions: [
        "elasticloadbalancing:AddTags",
        "elasticloadbalancing:DeleteListener",
        "elasticloadbalancing:ModifyListener",
      ],
      resources: [own.listener],
      context: existing,
    },
    { actions: ["elasticloadbalancing:CreateTargetGroup"], resources: [own.targetGroup], context: created },
    {
      actions: [
        "elasticloadbalancing:DeleteTargetGroup",
        "elasticloadbalancing:ModifyTargetGroup",
        "elasticloadbalancing:ModifyTargetGroupAttributes",
      ],
      resources: [own.targetGroup],
      context: existing,
    },
    { actions: ["cloudwatch:DeleteAlarms"], resources: [own.alarm] },
    { actions: ["ec2:CreateSecurityGroup"], resources: [own.securityGroup], context: created },
    {
      actions: [
        "ec2:AuthorizeSecurityGroupEgress",
        "ec2:AuthorizeSecurityGroupIngress",
        "ec2:DeleteSecurityGroup",
        "ec2:RevokeSecurityGroupEgress",
        "ec2:RevokeSecurityGroupIngress",
      ],
      resources: [own.securityGroup],
      context: existing,
    },
    {
      actions: [
        "dynamodb:CreateTable",
        "dynamodb:DeleteTable",
        "dynamodb:DescribeTable",
        "dynamodb:TagResource",
      ],
      resources: [own.table],
    },
    { actions: ["logs:DeleteLogGroup"], resources: [own.logGroup] },
    {
      // The bucket's policy names the roles of instances. It changes when an environment gets another instance profile.
      actions: ["s3:PutBucketOwnershipControls", "s3:PutBucketPolicy", "s3:PutBucketPublicAccessBlock"],
      resources: [own.bucket],
    },
  ];
}
