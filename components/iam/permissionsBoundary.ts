import * as aws from "@pulumi/aws";
import * as pulumi from "@pulumi/pulumi";
import { INSTANCE_ROLES, Naming } from "../common/naming";
import { keyUse } from "./keyUse";
import { beanstalkListing, beanstalkLogs, beanstalkVersions } from "./beanstalkBucket";
import {
  IMAGE_PULL_ACTIONS,
  inOwnAccount,
  policyDocument,
  PolicyStatement,
  LOG_STREAMING_ACTIONS,
  SESSION_MANAGER_ACTIONS,
} from "./policyDocument";

export interface PermissionsBoundaryArgs {
  naming: Naming;
  /** True if the environment's own KMS key encrypts media and tasks. */
  encrypted: boolean;
}

/**
 * The permissions boundaries of all roles of the platform: one for the roles of instances, one for the roles of AWS's
 * services. The CI role `up` can change only the policies of roles with these boundaries, so it cannot give a role more
 * permissions than its own. The boundaries name the resources of this environment. They exclude IAM, STS, keys but for
 * parameters, media and tasks, and every change of the infrastructure.
 *
 * @see https://docs.aws.amazon.com/IAM/latest/UserGuide/access_policies_boundaries.html
 */
export class PermissionsBoundary extends pulumi.ComponentResource {
  /** ARN of the boundary of the instances' roles. */
  readonly arn: pulumi.Output<string>;
  /** ARN of the boundary of the roles that Beanstalk, RDS and flow logs use. */
  readonly serviceArn: pulumi.Output<string>;

  constructor(
    name: string,
    { naming, encrypted }: PermissionsBoundaryArgs,
    opts?: pulumi.ComponentResourceOptions,
  ) {
    super("iaso:index:PermissionsBoundary", name, {}, opts);

    const boundary = (key: string, policyName: string, whose: string, statements: PolicyStatement[]) =>
      new aws.iam.Policy(
        key,
        {
          name: policyName,
          description: `The most that a role of ${whose} of ${naming.name()} can do`,
          policy: policyDocument(statements),
          tags: naming.tags(),
        },
        { parent: this },
      ).arn;
    this.arn = boundary(name, naming.permissionsBoundary, "instances", instanceStatements(naming, encrypted));
    this.serviceArn = boundary(
      `service-${name}`,
      naming.serviceBoundary,
      "AWS services",
      serviceStatements(naming),
    );
    this.registerOutputs({ arn: this.arn, serviceArn: this.serviceArn });
  }
}

const environmentLogs = (naming: Naming) =>
  INSTANCE_ROLES.map((role) =>
    naming.arn("logs", `log-group:/aws/elasticbeanstalk/${naming.environment(role)}/*`),
  );

/** The most that the instances' roles can do: their statements together (components/beanstalk/instanceProfile.ts). */
function instanceStatements(naming: Naming, encrypted: boolean): PolicyStatement[] {
  const artifacts = naming.bucketArn("artifacts");
  const media = naming.bucketArn("media");
  const applications = [...new Set(INSTANCE_ROLES.map((role) => naming.applicationOf(role)))];
  const own = inOwnAccount(naming.accountId);
  return [
    {
      Sid: "Objects",
      Effect: "Allow",
      Action: "s3:GetObject",
      Resource: [
        `${artifacts}/wheels/*`,
        ...applications.flatMap((application) => beanstalkVersions(naming, application)),
      ],
      Condition: own,
    },
    {
      Sid: "Media",
      Effect: "Allow",
      Action: ["s3:AbortMultipartUpload", "s3:DeleteObject", "s3:GetObject", "s3:PutObject"],
      Resource: `${media}/*`,
      Condition: own,
    },
    {
      Sid: "Lists",
      Effect: "Allow",
      Action: "s3:ListBucket",
      Resource: [artifacts, media],
      Condition: own,
    },
    beanstalkListing(naming),
    {
      Sid: "LogBundles",
      Effect: "Allow",
      Action: "s3:PutObject",
      Resource: beanstalkLogs(naming),
      Condition: own,
    },
    {
      Sid: "Tasks",
      Effect: "Allow",
      Action: ["sqs:ChangeMessageVisibility", "sqs:DeleteMessage", "sqs:ReceiveMessage", "sqs:SendMessage"],
      Resource: naming.arn("sqs", naming.queue),
    },
    {
      Sid: "CronLeader",
      Effect: "Allow",
      Action: ["dynamodb:*Item", "dynamodb:Query", "dynamodb:Scan"],
      Resource: naming.arn("dynamodb", "table/awseb-e-*-stack-AWSEBWorkerCronLeaderRegistry*"),
    },
    {
      Sid: "OwnSecrets",
      Effect: "Allow",
      Action: "ssm:GetParameter",
      Resource: naming.secretParameterArn("*"),
    },
    {
      // Parameter Store decrypts with the caller's permissions. The key policy allows it; the boundary must too.
      Sid: "DecryptOwnSecrets",
      Effect: "Allow",
      Action: "kms:Decrypt",
      Resource: naming.arn("kms", "key/*"),
      Condition: {
        StringEquals: { "kms:ViaService": `ssm.${naming.region}.amazonaws.com` },
        StringLike: { "kms:EncryptionContext:PARAMETER_ARN": naming.secretParameterArn("*") },
      },
    },
    ...(encrypted
      ? [
          keyUse(naming, {
            Sid: "Encryption",
            Action: ["kms:Decrypt", "kms:GenerateDataKey"],
            services: ["s3", "sqs"],
          }),
        ]
      : []),
    {
      Sid: "Telemetry",
      Effect: "Allow",
      Action: ["cloudwatch:PutMetricData", "ec2:DescribeTags"],
      Resource: "*",
    },
    { Sid: "Registry", Effect: "Allow", Action: "ecr:GetAuthorizationToken", Resource: "*" },
    {
      Sid: "Images",
      Effect: "Allow",
      Action: IMAGE_PULL_ACTIONS,
      Resource: naming.imageRepositoryArn,
    },
    {
      Sid: "Health",
      Effect: "Allow",
      Action: "elasticbeanstalk:PutInstanceStatistics",
      Resource: applications.flatMap((application) => [
        naming.arn("elasticbeanstalk", `application/${application}`),
        naming.arn("elasticbeanstalk", `environment/${application}/*`),
      ]),
    },
    {
      Sid: "Logs",
      Effect: "Allow",
      Action: LOG_STREAMING_ACTIONS,
      Resource: environmentLogs(naming),
    },
    { Sid: "SessionManager", Effect: "Allow", Action: SESSION_MANAGER_ACTIONS, Resource: "*" },
  ];
}

/**
 * The most that the roles of AWS's services can do: Beanstalk watches environments, RDS and the VPC write logs.
 *
 * @see https://docs.aws.amazon.com/aws-managed-policy/latest/reference/AWSElasticBeanstalkEnhancedHealth.html
 * @see https://docs.aws.amazon.com/aws-managed-policy/latest/reference/AmazonRDSEnhancedMonitoringRole.html
 */
function serviceStatements(naming: Naming): PolicyStatement[] {
  return [
    {
      Sid: "WatchEnvironments",
      Effect: "Allow",
      Action: [
        "autoscaling:DescribeAutoScalingGroups",
        "autoscaling:DescribeAutoScalingInstances",
        "autoscaling:DescribeNotificationConfigurations",
        "autoscaling:DescribeScalingActivities",
        "ec2:DescribeInstanceStatus",
        "ec2:DescribeInstances",
        "ec2:DescribeSecurityGroups",
        "elasticloadbalancing:DescribeInstanceHealth",
        "elasticloadbalancing:DescribeLoadBalancers",
        "elasticloadbalancing:DescribeTargetHealth",
      ],
      Resource: "*",
    },
    {
      Sid: "WatchQueue",
      Effect: "Allow",
      Action: ["sqs:GetQueueAttributes", "sqs:GetQueueUrl"],
      Resource: naming.arn("sqs", naming.queue),
    },
    {
      Sid: "WriteLogs",
      Effect: "Allow",
      Action: [
        "logs:CreateLogGroup",
        "logs:CreateLogStream",
        "logs:DescribeLogStreams",
        "logs:PutLogEvents",
        "logs:PutRetentionPolicy",
      ],
      Resource: [
        ...environmentLogs(naming),
        naming.arn("logs", `log-group:/iaso/${naming.env}/*`),
        // RDS chooses the name, and all databases of the account share it.
        naming.arn("logs", "log-group:RDSOSMetrics*"),
      ],
    },
    {
      Sid: "FindLogGroups",
      Effect: "Allow",
      Action: "logs:DescribeLogGroups",
      Resource: naming.arn("logs", "log-group:*"),
    },
  ];
}
