import { INSTANCE_ROLES, Naming } from "../../common/naming";
import { PolicyStatement, tagConditions } from "../policyDocument";

/** Operations that return only names and settings. */
const SETTINGS = {
  Describe: [
    "acm",
    "autoscaling",
    "cloudwatch",
    "ec2",
    "elasticache",
    "elasticbeanstalk",
    "elasticloadbalancing",
    "logs",
    "rds",
  ],
  Get: ["cloudfront", "route53", "sns", "sqs"],
  List: [
    "acm",
    "cloudfront",
    "cloudwatch",
    "elasticache",
    "elasticbeanstalk",
    "logs",
    "rds",
    "route53",
    "sns",
    "sqs",
  ],
};

/**
 * Allows reading the settings of all resources, as preview and refresh do, but no content: no object, no message, no
 * secret, no log. Most of these calls take no resource.
 */
export const READ_STATEMENTS: PolicyStatement[] = [
  {
    Sid: "ReadInfrastructure",
    Effect: "Allow",
    Action: [
      "backup:DescribeBackupVault",
      "backup:GetBackupPlan",
      "backup:GetBackupSelection",
      "backup:ListTags",
      ...Object.entries(SETTINGS).flatMap(([verb, services]) =>
        services.map((service) => `${service}:${verb}*`),
      ),
      "ecr:DescribeRepositories",
      "ecr:GetLifecyclePolicy",
      "ecr:ListTagsForResource",
      "kms:DescribeKey",
      "kms:GetKeyPolicy",
      "kms:GetKeyRotationStatus",
      "kms:ListAliases",
      "kms:ListResourceTags",
      "s3:GetAccelerateConfiguration",
      "s3:GetBucket*",
      "s3:GetEncryptionConfiguration",
      "s3:GetLifecycleConfiguration",
      "s3:GetReplicationConfiguration",
      "wafv2:GetWebACL",
      "wafv2:GetWebACLForResource",
      "wafv2:ListTagsForResource",
    ],
    Resource: "*",
  },
  {
    Sid: "ReadRoles",
    Effect: "Allow",
    Action: ["iam:Get*", "iam:List*", "ssm:DescribeParameters", "ssm:ListTagsForResource"],
    Resource: "*",
  },
];

/**
 * Denies reading the user data of instances, the settings of the environments of other applications, the origins of other
 * distributions, whose headers may be secret, and the addresses that subscribe to other topics.
 */
export function privateReads(naming: Naming): PolicyStatement[] {
  return [
    {
      Sid: "NeverReadContents",
      Effect: "Deny",
      Action: [
        // Launch configurations and requests for Spot Instances hold user data.
        "autoscaling:DescribeLaunchConfigurations",
        // Lists show the origins of distributions, with their secret headers, as the distributions do.
        "cloudfront:GetFunction",
        "cloudfront:ListDistributions*",
        "cloudfront:ListStreamingDistributions",
        "ec2:DescribeInstanceAttribute",
        "ec2:DescribeLaunchTemplateVersions",
        "ec2:DescribeSpot*Requests",
        // The keys of VPNs.
        "ec2:DescribeVpnConnections",
        "ec2:GetConsole*",
        "ec2:GetLaunchTemplateData",
        "logs:FilterLogEvents",
        "logs:GetLog*",
        "logs:GetQueryResults",
        "logs:ListAnomalies",
      ],
      Resource: "*",
    },
    {
      Sid: "NeverReadOtherOrigins",
      Effect: "Deny",
      Action: "cloudfront:GetDistribution*",
      Resource: "*",
      Condition: {
        StringNotEquals: tagConditions("aws:ResourceTag", { env: naming.env }),
      },
    },
    {
      Sid: "NeverReadOtherSubscriptions",
      Effect: "Deny",
      Action: ["sns:GetSubscriptionAttributes", "sns:ListSubscriptions*"],
      NotResource: naming.arn("sns", naming.name("*")),
    },
    otherSettings(naming),
  ];
}

/** Denies reading the settings of the environments of other applications. */
export function otherSettings(naming: Naming): PolicyStatement {
  const applications = [...new Set(INSTANCE_ROLES.map((role) => naming.applicationOf(role)))];
  return {
    Sid: "NeverReadOtherSettings",
    Effect: "Deny",
    Action: "elasticbeanstalk:DescribeConfigurationSettings",
    NotResource: applications.map((application) =>
      naming.arn("elasticbeanstalk", `environment/${application}/*`),
    ),
  };
}
