import * as aws from "@pulumi/aws";
import * as pulumi from "@pulumi/pulumi";
import { Naming } from "../common/naming";
import { policyDocument, PolicyStatement, SESSION_MANAGER_ACTIONS } from "./policyDocument";

export interface PermissionsBoundaryArgs {
  naming: Naming;
}

/**
 * The permissions boundary of all roles of the platform. The CI role `up` can create and change only roles with this
 * boundary, so it cannot create a role with more permissions than its own. The boundary excludes IAM, STS, KMS keys
 * other than for parameters, and the secrets of other environments.
 *
 * @see https://docs.aws.amazon.com/IAM/latest/UserGuide/access_policies_boundaries.html
 */
export class PermissionsBoundary extends pulumi.ComponentResource {
  /** ARN of the managed policy. */
  readonly arn: pulumi.Output<string>;

  constructor(name: string, { naming }: PermissionsBoundaryArgs, opts?: pulumi.ComponentResourceOptions) {
    super("iaso:index:PermissionsBoundary", name, {}, opts);

    const policy = new aws.iam.Policy(
      name,
      {
        name: naming.permissionsBoundary,
        description: `The most that a role of ${naming.name()} can do`,
        policy: policyDocument(boundaryStatements(naming)),
        tags: naming.tags(),
      },
      { parent: this },
    );
    this.arn = policy.arn;
    this.registerOutputs({ arn: this.arn });
  }
}

function boundaryStatements(naming: Naming): PolicyStatement[] {
  return [
    {
      Sid: "Data",
      Effect: "Allow",
      Action: [
        "dynamodb:*Item",
        "dynamodb:DescribeTable",
        "dynamodb:Query",
        "dynamodb:Scan",
        "s3:AbortMultipartUpload",
        "s3:DeleteObject",
        "s3:Get*",
        "s3:List*",
        "s3:PutObject",
        "sns:Publish",
        "sqs:ChangeMessageVisibility",
        "sqs:DeleteMessage",
        "sqs:GetQueue*",
        "sqs:ReceiveMessage",
        "sqs:SendMessage",
      ],
      Resource: "*",
    },
    {
      Sid: "OwnSecrets",
      Effect: "Allow",
      Action: ["ssm:GetParameter", "ssm:GetParameters"],
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
    {
      Sid: "Telemetry",
      Effect: "Allow",
      Action: [
        "cloudwatch:*MetricData",
        "ec2:DescribeTags",
        "ec2:DescribeVolumes",
        "elasticbeanstalk:PutInstanceStatistics",
        "logs:Create*",
        "logs:Describe*",
        "logs:Put*",
      ],
      Resource: "*",
    },
    { Sid: "SessionManager", Effect: "Allow", Action: SESSION_MANAGER_ACTIONS, Resource: "*" },
    {
      // For the service role: Beanstalk changes environments, their stacks, auto scaling groups and load balancers.
      Sid: "BeanstalkService",
      Effect: "Allow",
      Action: ["autoscaling:*", "cloudformation:*", "ec2:*", "elasticbeanstalk:*", "elasticloadbalancing:*"],
      Resource: "*",
    },
  ];
}
