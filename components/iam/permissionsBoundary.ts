import * as aws from "@pulumi/aws";
import * as pulumi from "@pulumi/pulumi";
import { Naming } from "../common/naming";
import { policyDocument, SESSION_MANAGER_ACTIONS } from "./policyDocument";

export interface PermissionsBoundaryArgs {
  naming: Naming;
}

/**
 * The most that any role of the platform can ever do. GitHub's `up` role may create and change roles only if they
 * carry this boundary, so that it cannot make one that is mightier than itself. Nothing here reaches IAM, STS, keys
 * other than for parameters, or another environment's secrets.
 *
 * @see https://docs.aws.amazon.com/IAM/latest/UserGuide/access_policies_boundaries.html
 */
export class PermissionsBoundary extends pulumi.ComponentResource {
  readonly arn: pulumi.Output<string>;

  constructor(name: string, { naming }: PermissionsBoundaryArgs, opts?: pulumi.ComponentResourceOptions) {
    super("iaso:index:PermissionsBoundary", name, {}, opts);

    const policy = new aws.iam.Policy(
      name,
      {
        name: naming.name("boundary"),
        description: `The most that a role of ${naming.name()} can do`,
        policy: policyDocument([
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
            // Parameter Store decrypts with the caller's rights; the key's own policy allows it, a boundary still counts.
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
            // For the service role: what Beanstalk does to environments, their stacks, groups and balancers.
            Sid: "BeanstalkService",
            Effect: "Allow",
            Action: [
              "autoscaling:*",
              "cloudformation:*",
              "ec2:*",
              "elasticbeanstalk:*",
              "elasticloadbalancing:*",
            ],
            Resource: "*",
          },
        ]),
        tags: naming.tags(),
      },
      { parent: this },
    );
    this.arn = policy.arn;
    this.registerOutputs({ arn: this.arn });
  }
}
