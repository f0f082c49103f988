import { Naming } from "../../common/naming";
import { PolicyStatement } from "../policyDocument";

/**
 * Permissions of the `deploy` role: the calls that the deploy tool makes for a new version.
 *
 * Beanstalk uses the caller's permissions on stacks, auto scaling groups and load balancers, so the role has them for
 * the names that Beanstalk gives. The condition key `aws:CalledVia` would be narrower, but Beanstalk does not set it.
 *
 * @param application Name of the Beanstalk application whose environments the role may update.
 * @see https://docs.aws.amazon.com/elasticbeanstalk/latest/dg/AWSHowTo.iam.managed-policies.html
 */
export function deployStatements(naming: Naming, application: string): PolicyStatement[] {
  const artifacts = naming.bucketArn("artifacts");
  const staticFiles = naming.bucketArn("static");
  return [
    {
      Sid: "FindEnvironments",
      Effect: "Allow",
      Action: ["elasticbeanstalk:Describe*", "elasticbeanstalk:List*"],
      Resource: "*",
    },
    {
      Sid: "UpdateEnvironments",
      Effect: "Allow",
      Action: [
        "elasticbeanstalk:AbortEnvironmentUpdate",
        "elasticbeanstalk:CreateApplicationVersion",
        "elasticbeanstalk:DeleteApplicationVersion",
        "elasticbeanstalk:UpdateEnvironment",
        "elasticbeanstalk:AddTags",
      ],
      Resource: [
        naming.arn("elasticbeanstalk", `application/${application}`),
        naming.arn("elasticbeanstalk", `applicationversion/${application}/*`),
        naming.arn("elasticbeanstalk", `environment/${application}/*`),
      ],
    },
    ...beanstalkStatements(naming),
    {
      Sid: "PassInstanceRoles",
      Effect: "Allow",
      Action: "iam:PassRole",
      Resource: [naming.instanceRole("web"), naming.instanceRole("worker"), naming.beanstalkServiceRole].map(
        (role) => naming.roleArn(role),
      ),
      Condition: {
        StringEquals: { "iam:PassedToService": ["ec2.amazonaws.com", "elasticbeanstalk.amazonaws.com"] },
      },
    },
    {
      Sid: "KeepBundlesLockAndJournal",
      Effect: "Allow",
      Action: ["s3:DeleteObject", "s3:GetObject", "s3:PutObject"],
      Resource: `${artifacts}/*`,
    },
    {
      Sid: "PublishStaticFiles",
      Effect: "Allow",
      Action: ["s3:DeleteObjectVersion", "s3:GetObject", "s3:GetObjectVersion", "s3:PutObject"],
      Resource: `${staticFiles}/*`,
    },
    {
      // A rollback restores files that a later version has overwritten.
      Sid: "FindOldStaticFiles",
      Effect: "Allow",
      Action: ["s3:GetBucketVersioning", "s3:ListBucketVersions"],
      Resource: staticFiles,
    },
    {
      Sid: "ListBuckets",
      Effect: "Allow",
      Action: ["s3:GetBucketLocation", "s3:GetBucketPolicy", "s3:ListBucket"],
      Resource: [artifacts, staticFiles, naming.beanstalkBucketArn],
    },
    {
      Sid: "LookAtTasks",
      Effect: "Allow",
      Action: ["sqs:GetQueueAttributes", "sqs:GetQueueUrl"],
      Resource: naming.arn("sqs", naming.queue),
    },
    {
      Sid: "ReadDeploymentParameters",
      Effect: "Allow",
      Action: "ssm:GetParameter",
      Resource: [
        naming.arn("ssm", `parameter${naming.deploymentParameter}`),
        naming.secretParameterArn("DEPLOY_API_TOKEN"),
      ],
    },
    {
      Sid: "TakeRestorePoint",
      Effect: "Allow",
      Action: ["rds:AddTagsToResource", "rds:CreateDBSnapshot"],
      Resource: [
        naming.arn("rds", `db:${naming.name()}`),
        naming.arn("rds", `snapshot:${naming.name("before-*")}`),
      ],
    },
    {
      Sid: "LookAtDatabase",
      Effect: "Allow",
      Action: ["rds:DescribeDBInstances", "rds:DescribeDBSnapshots"],
      Resource: "*",
    },
  ];
}

/**
 * Permissions that Beanstalk uses on behalf of the caller: it updates the environments' stacks, and through them
 * starts new instances, terminates old ones and registers them with the load balancer. `callsOfUpdate` in
 * policies/facts/beanstalkCalls.ts lists the calls, and the deploy tool's double refuses an update without any of them.
 *
 * @see https://docs.aws.amazon.com/aws-managed-policy/latest/reference/AdministratorAccess-AWSElasticBeanstalk.html
 */
function beanstalkStatements(naming: Naming): PolicyStatement[] {
  const loadBalancing = (resource: string) => naming.arn("elasticloadbalancing", resource);
  const environments = [naming.environment("web"), naming.environment("worker")];
  return [
    {
      Sid: "LookThroughBeanstalk",
      Effect: "Allow",
      Action: [
        "acm:DescribeCertificate",
        "acm:ListCertificates",
        "autoscaling:Describe*",
        "cloudformation:Describe*",
        "cloudformation:List*",
        "cloudwatch:DescribeAlarms",
        "ec2:Describe*",
        "elasticloadbalancing:Describe*",
        "iam:ListAttachedRolePolicies",
        "iam:ListInstanceProfiles",
        "iam:ListRolePolicies",
        "iam:ListRoles",
        "iam:ListServerCertificates",
        "logs:DescribeLogGroups",
        "rds:DescribeDBEngineVersions",
        "rds:DescribeOrderableDBInstanceOptions",
        "sns:ListSubscriptionsByTopic",
        "sns:ListTopics",
      ],
      Resource: "*",
    },
    {
      Sid: "UpdateStacks",
      Effect: "Allow",
      Action: [
        "cloudformation:CancelUpdateStack",
        "cloudformation:ContinueUpdateRollback",
        "cloudformation:GetTemplate",
        "cloudformation:SignalResource",
        "cloudformation:TagResource",
        "cloudformation:UntagResource",
        "cloudformation:UpdateStack",
      ],
      Resource: naming.arn("cloudformation", "stack/awseb-e-*"),
    },
    {
      // An immutable deployment starts the new version in a temporary stack.
      Sid: "TryInStackOfItsOwn",
      Effect: "Allow",
      Action: ["cloudformation:CreateStack", "cloudformation:DeleteStack"],
      Resource: naming.arn("cloudformation", "stack/awseb-e-*-immutable-stack/*"),
    },
    {
      Sid: "ChangeGroups",
      Effect: "Allow",
      Action: "autoscaling:*",
      Resource: naming.arn("autoscaling", "autoScalingGroup:*:autoScalingGroupName/awseb-e-*"),
    },
    {
      Sid: "ChangeAlarms",
      Effect: "Allow",
      Action: ["cloudwatch:DeleteAlarms", "cloudwatch:PutMetricAlarm"],
      Resource: naming.arn("cloudwatch", "alarm:awseb-e-*"),
    },
    {
      Sid: "ChangeBalancers",
      Effect: "Allow",
      Action: [
        "elasticloadbalancing:AddTags",
        "elasticloadbalancing:DeregisterTargets",
        "elasticloadbalancing:ModifyListener",
        "elasticloadbalancing:ModifyLoadBalancerAttributes",
        "elasticloadbalancing:ModifyTargetGroup",
        "elasticloadbalancing:ModifyTargetGroupAttributes",
        "elasticloadbalancing:RegisterTargets",
      ],
      Resource: [
        loadBalancing("listener/app/awseb-*"),
        loadBalancing("loadbalancer/app/awseb-*"),
        loadBalancing("targetgroup/awseb-*"),
      ],
    },
    {
      // CloudFormation names the launch templates, so no pattern covers Beanstalk's alone.
      Sid: "ChangeLaunchTemplates",
      Effect: "Allow",
      Action: [
        "ec2:CreateLaunchTemplate",
        "ec2:CreateLaunchTemplateVersion",
        "ec2:DeleteLaunchTemplate",
        "ec2:DeleteLaunchTemplateVersions",
        "ec2:ModifyLaunchTemplate",
      ],
      Resource: naming.arn("ec2", "launch-template/*"),
    },
    {
      Sid: "StartInstancesFromTemplates",
      Effect: "Allow",
      Action: "ec2:RunInstances",
      Resource: "*",
      Condition: { ArnLike: { "ec2:LaunchTemplate": naming.arn("ec2", "launch-template/*") } },
    },
    {
      Sid: "TagWhatIsCreated",
      Effect: "Allow",
      Action: "ec2:CreateTags",
      Resource: naming.arn("ec2", "*/*"),
      Condition: {
        StringEquals: { "ec2:CreateAction": ["CreateLaunchTemplate", "RunInstances"] },
      },
    },
    {
      Sid: "StopOwnInstances",
      Effect: "Allow",
      Action: "ec2:TerminateInstances",
      Resource: naming.arn("ec2", "instance/*"),
      Condition: { StringEquals: { "ec2:ResourceTag/elasticbeanstalk:environment-name": environments } },
    },
    {
      Sid: "KeepLogGroups",
      Effect: "Allow",
      Action: ["logs:CreateLogGroup", "logs:PutRetentionPolicy"],
      Resource: environments.map((name) => naming.arn("logs", `log-group:/aws/elasticbeanstalk/${name}/*`)),
    },
    {
      // Beanstalk asks for its bucket at each update, and creates it if it does not exist.
      Sid: "KeepBeanstalkBucket",
      Effect: "Allow",
      Action: ["s3:CreateBucket", "s3:PutBucketPolicy"],
      Resource: naming.beanstalkBucketArn,
    },
    {
      Sid: "BeanstalkStagesBundles",
      Effect: "Allow",
      Action: [
        "s3:DeleteObject",
        "s3:GetObject*",
        "s3:PutObject",
        "s3:PutObjectAcl",
        "s3:PutObjectVersionAcl",
      ],
      Resource: `${naming.beanstalkBucketArn}/*`,
    },
    {
      // AWS's bucket with the templates of environments' stacks and the patches of instances.
      Sid: "ReadEnvironmentResources",
      Effect: "Allow",
      Action: "s3:GetObject",
      Resource: `${naming.beanstalkResourcesBucketArn}/*`,
    },
  ];
}
