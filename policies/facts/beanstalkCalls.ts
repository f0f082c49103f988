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

/** The environment that Beanstalk changes. */
export interface ChangedEnvironment {
  region: string;
  accountId: string;
  /** Name of the environment. */
  environment: string;
  /** ARNs of the environment's service role and of its instances' role. */
  roles: readonly string[];
}

const STACK = "awseb-e-abcdefghij-stack";

/** ARNs of the resources that one environment consists of, with the names that Beanstalk and CloudFormation choose. */
function resourcesOf({ accountId, environment, region }: ChangedEnvironment) {
  const arn = (service: string, resource: string) => `arn:aws:${service}:${region}:${accountId}:${resource}`;
  const uuid = "01234567-89ab-cdef-0123-456789abcdef";
  return {
    stack: arn("cloudformation", `stack/${STACK}/${uuid}`),
    immutableStack: arn("cloudformation", `stack/awseb-e-abcdefghij-immutable-stack/${uuid}`),
    group: arn(
      "autoscaling",
      `autoScalingGroup:${uuid}:autoScalingGroupName/${STACK}-AWSEBAutoScalingGroup-0123456789AB`,
    ),
    alarm: arn("cloudwatch", `alarm:${STACK}-AWSEBCloudwatchAlarmHigh-0123456789AB`),
    loadBalancer: arn("elasticloadbalancing", "loadbalancer/app/awseb--AWSEB-0123456789AB/0123456789abcdef"),
    targetGroup: arn("elasticloadbalancing", "targetgroup/awseb-AWSEB-0123456789AB/0123456789abcdef"),
    listener: arn(
      "elasticloadbalancing",
      "listener/app/awseb--AWSEB-0123456789AB/0123456789abcdef/0123456789abcdef",
    ),
    launchTemplate: arn("ec2", "launch-template/lt-0123456789abcdef0"),
    instance: arn("ec2", "instance/i-0123456789abcdef0"),
    volume: arn("ec2", "volume/*"),
    networkInterface: arn("ec2", "network-interface/*"),
    securityGroup: arn("ec2", "security-group/sg-0123456789abcdef0"),
    subnet: arn("ec2", "subnet/subnet-0123456789abcdef0"),
    image: `arn:aws:ec2:${region}::image/ami-0123456789abcdef0`,
    logGroup: arn("logs", `log-group:/aws/elasticbeanstalk/${environment}/var/log/nginx/access.log`),
    table: arn("dynamodb", `table/${STACK}-AWSEBWorkerCronLeaderRegistry-0123456789AB`),
    /** The account's own bucket in the region. */
    bucket: `arn:aws:s3:::elasticbeanstalk-${region}-${accountId}`,
    /** AWS's bucket with the templates, scripts and patches of the region. */
    environmentResources: `arn:aws:s3:::elasticbeanstalk-env-resources-${region}`,
  };
}

/**
 * The calls of an update of an environment to another version, on new instances or on those that it has.
 *
 * The source is the managed policies with which Beanstalk itself updates environments: what both
 * AWSElasticBeanstalkRoleCore (v3, 2024-04-30) and AWSElasticBeanstalkManagedUpdatesCustomerRolePolicy (v12,
 * 2026-02-12) allow, on the resources that this program's environments have, and in addition:
 * - the reads of IAM and ACM, and `autoscaling:PutScalingPolicy` and tags, of one of them;
 * - `s3:CreateBucket`: seen in https://github.com/codeship/documentation/issues/338;
 * - what AdministratorAccess-AWSElasticBeanstalk (v10, 2026-05-19) has beyond both for load balancers and signals.
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
    },
    {
      // An immutable deployment starts the new version in a temporary stack.
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
        "autoscaling:CreateAutoScalingGroup",
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
    },
    {
      actions: [
        "ec2:CreateLaunchTemplate",
        "ec2:CreateLaunchTemplateVersion",
        "ec2:DeleteLaunchTemplate",
        "ec2:DeleteLaunchTemplateVersions",
      ],
      resources: [own.launchTemplate],
    },
    {
      actions: ["ec2:RunInstances"],
      resources: [
        own.image,
        own.instance,
        own.launchTemplate,
        own.networkInterface,
        own.securityGroup,
        own.subnet,
        own.volume,
      ],
      context: { "ec2:LaunchTemplate": own.launchTemplate },
    },
    {
      actions: ["ec2:CreateTags"],
      resources: [own.instance, own.volume, own.networkInterface],
      context: { "ec2:CreateAction": "RunInstances" },
    },
    {
      actions: ["ec2:CreateTags"],
      resources: [own.launchTemplate],
      context: { "ec2:CreateAction": "CreateLaunchTemplate" },
    },
    {
      actions: ["ec2:TerminateInstances"],
      resources: [own.instance],
      context: {
        "ec2:ResourceTag/aws:cloudformation:stack-id": own.stack,
        "ec2:ResourceTag/elasticbeanstalk:environment-name": changed.environment,
      },
    },
    {
      actions: ["elasticloadbalancing:DeregisterTargets", "elasticloadbalancing:RegisterTargets"],
      resources: [own.targetGroup],
    },
    {
      actions: ["elasticloadbalancing:AddTags"],
      resources: [own.listener, own.loadBalancer, own.targetGroup],
    },
    { actions: ["elasticloadbalancing:ModifyListener"], resources: [own.listener] },
    { actions: ["elasticloadbalancing:ModifyLoadBalancerAttributes"], resources: [own.loadBalancer] },
    {
      actions: ["elasticloadbalancing:ModifyTargetGroup", "elasticloadbalancing:ModifyTargetGroupAttributes"],
      resources: [own.targetGroup],
    },
    { actions: ["cloudwatch:DeleteAlarms", "cloudwatch:PutMetricAlarm"], resources: [own.alarm] },
    { actions: ["logs:CreateLogGroup", "logs:PutRetentionPolicy"], resources: [own.logGroup] },
    {
      actions: [
        "s3:CreateBucket",
        "s3:GetBucketLocation",
        "s3:GetBucketPolicy",
        "s3:ListBucket",
        "s3:PutBucketPolicy",
      ],
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
      resources: [`${own.bucket}/resources/environments/e-abcdefghij/_runtime/versions/manifest_1`],
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
 * The further calls of creating and terminating an environment: load balancer, security groups, and the table in which
 * a worker's instances elect the leader for periodic tasks.
 *
 * The source is AdministratorAccess-AWSElasticBeanstalk (v10, 2026-05-19), on the resources that this program's
 * environments have.
 *
 * @see https://docs.aws.amazon.com/aws-managed-policy/latest/reference/AdministratorAccess-AWSElasticBeanstalk.html
 */
export function callsOfCreation(changed: ChangedEnvironment): BeanstalkCall[] {
  const own = resourcesOf(changed);
  return [
    { actions: ["cloudformation:CreateStack", "cloudformation:DeleteStack"], resources: [own.stack] },
    {
      actions: [
        "elasticloadbalancing:CreateListener",
        "elasticloadbalancing:CreateLoadBalancer",
        "elasticloadbalancing:DeleteLoadBalancer",
        "elasticloadbalancing:SetSecurityGroups",
      ],
      resources: [own.loadBalancer],
    },
    { actions: ["elasticloadbalancing:DeleteListener"], resources: [own.listener] },
    {
      actions: ["elasticloadbalancing:CreateTargetGroup", "elasticloadbalancing:DeleteTargetGroup"],
      resources: [own.targetGroup],
    },
    {
      actions: [
        "ec2:AuthorizeSecurityGroupEgress",
        "ec2:AuthorizeSecurityGroupIngress",
        "ec2:CreateSecurityGroup",
        "ec2:DeleteSecurityGroup",
        "ec2:RevokeSecurityGroupEgress",
        "ec2:RevokeSecurityGroupIngress",
      ],
      resources: [own.securityGroup],
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
    { actions: ["s3:PutBucketOwnershipControls", "s3:PutBucketPublicAccessBlock"], resources: [own.bucket] },
  ];
}
