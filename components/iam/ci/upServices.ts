import { ARTIFACTS } from "../../common/artifacts";
import { INSTANCE_ROLES, Naming } from "../../common/naming";
import { inOwnAccount, PolicyCondition, PolicyStatement, tagConditions } from "../policyDocument";

/** The roles of the environments with a load balancer. */
export const BALANCED = ["web", "enketo"] as const;

/** The parts into which the permissions on services are divided: AWS limits the size of each policy. */
export type UpPart = "network" | "storage" | "web";

/**
 * Permissions of the `up` role on the services of the program's resources: what creating, changing and deleting each
 * resource type needs (policies/facts/handlerPermissions.ts), on the resources of this environment. Names limit them, or
 * tags where AWS chooses the names.
 *
 * @param recordNames Names of the program's DNS records.
 */
export function upServiceStatements(
  naming: Naming,
  recordNames: readonly string[],
): Record<UpPart, PolicyStatement[]> {
  const tags = { project: "iaso", env: naming.env };
  const own = { StringEquals: tagConditions("aws:ResourceTag", tags) };
  // New resources, and AWS's own such as the default security group, have no tags. Other environments' have.
  const unlessTagged = (values: Record<string, string | string[]>): PolicyCondition => ({
    StringEqualsIfExists: {
      ...tagConditions("aws:ResourceTag", values),
      ...tagConditions("aws:RequestTag", values),
    },
  });
  const notOfOthers = unlessTagged(tags);
  // Every environment of Beanstalk, not only the program's, gives its name to its stack and what that creates.
  const environments = INSTANCE_ROLES.map((role) => naming.environment(role));
  const notOfOtherEnvironments = unlessTagged({ ...tags, "elasticbeanstalk:environment-name": environments });
  return {
    network: networkStatements(naming, own, notOfOthers),
    storage: storageStatements(naming, notOfOthers),
    web: webStatements(naming, recordNames, own, notOfOtherEnvironments),
  };
}

function networkStatements(
  naming: Naming,
  own: PolicyCondition,
  notOfOthers: PolicyCondition,
): PolicyStatement[] {
  const ec2 = naming.arn("ec2", "*");
  return [
    {
      Sid: "CreateNetwork",
      Effect: "Allow",
      Action: [
        "ec2:AllocateAddress",
        "ec2:AssociateAddress",
        "ec2:AssociateNatGatewayAddress",
        "ec2:AssociateRouteTable",
        "ec2:AttachInternetGateway",
        "ec2:AuthorizeSecurityGroupEgress",
        "ec2:AuthorizeSecurityGroupIngress",
        "ec2:CreateFlowLogs",
        "ec2:CreateInternetGateway",
        "ec2:CreateNatGateway",
        "ec2:CreateRoute",
        "ec2:CreateRouteTable",
        "ec2:CreateSecurityGroup",
        "ec2:CreateSubnet",
        "ec2:CreateVpc",
        "ec2:CreateVpcEndpoint",
        "ec2:DisassociateAddress",
        "ec2:DisassociateNatGatewayAddress",
        "ec2:DisassociateRouteTable",
        "ec2:ModifySubnetAttribute",
        "ec2:ModifyVpcAttribute",
        "ec2:ModifyVpcEndpoint",
        "ec2:ReplaceRoute",
        "ec2:ReplaceRouteTableAssociation",
        "ec2:RevokeSecurityGroupEgress",
        "ec2:RevokeSecurityGroupIngress",
        "ec2:UpdateSecurityGroupRuleDescriptionsEgress",
        "ec2:UpdateSecurityGroupRuleDescriptionsIngress",
      ],
      Resource: ec2,
      Condition: notOfOthers,
    },
    {
      Sid: "DeleteNetwork",
      Effect: "Allow",
      Action: [
        "ec2:DeleteFlowLogs",
        "ec2:DeleteInternetGateway",
        "ec2:DeleteNatGateway",
        "ec2:DeleteRoute",
        "ec2:DeleteRouteTable",
        "ec2:DeleteSecurityGroup",
        "ec2:DeleteSubnet",
        "ec2:DeleteTags",
        "ec2:DeleteVpc",
        "ec2:DeleteVpcEndpoints",
        "ec2:DetachInternetGateway",
        "ec2:ReleaseAddress",
      ],
      Resource: ec2,
      Condition: own,
    },
    {
      // The image with GDAL is built on an instance without a role. No snapshot is allowed: a disk made of another
      // environment's snapshot could be read.
      Sid: "StartBuilder",
      Effect: "Allow",
      Action: "ec2:RunInstances",
      Resource: ["instance/*", "network-interface/*", "security-group/*", "subnet/*", "volume/*"].map((id) =>
        naming.arn("ec2", id),
      ),
      Condition: notOfOthers,
    },
    {
      // The image of Beanstalk's platform. A stranger's private image could be read like a disk.
      Sid: "StartBuilderFromPublicImage",
      Effect: "Allow",
      Action: "ec2:RunInstances",
      Resource: `arn:aws:ec2:${naming.region}::image/*`,
      Condition: { Bool: { "ec2:Public": "true" } },
    },
    {
      Sid: "CreateImage",
      Effect: "Allow",
      Action: "ec2:CreateImage",
      Resource: ["image/*", "snapshot/*"].map((id) => `arn:aws:ec2:${naming.region}::${id}`),
      Condition: notOfOthers,
    },
    {
      Sid: "CopyOwnBuilder",
      Effect: "Allow",
      Action: "ec2:CreateImage",
      Resource: naming.arn("ec2", "instance/*"),
      Condition: own,
    },
    {
      Sid: "EndBuild",
      Effect: "Allow",
      Action: ["ec2:DeleteSnapshot", "ec2:DeregisterImage", "ec2:GetConsoleOutput", "ec2:TerminateInstances"],
      Resource: [ec2, `arn:aws:ec2:${naming.region}::*`],
      Condition: own,
    },
    {
      // Whoever can tag a resource of others could make it look like this environment's.
      Sid: "TagNew",
      Effect: "Allow",
      Action: "ec2:CreateTags",
      Resource: [ec2, `arn:aws:ec2:${naming.region}::*`],
      Condition: { ...notOfOthers, Null: { "ec2:CreateAction": "false" } },
    },
    {
      Sid: "TagOwn",
      Effect: "Allow",
      Action: "ec2:CreateTags",
      Resource: [ec2, `arn:aws:ec2:${naming.region}::*`],
      Condition: own,
    },
    {
      // AWS creates the default security group together with the VPC.
      Sid: "TagDefaultGroup",
      Effect: "Allow",
      Action: "ec2:CreateTags",
      Resource: naming.arn("ec2", "security-group/*"),
      Condition: notOfOthers,
    },
  ];
}

function storageStatements(naming: Naming, notOfOthers: PolicyCondition): PolicyStatement[] {
  const named = (service: string, ...resources: string[]) =>
    resources.map((resource) => naming.arn(service, resource));
  const name = naming.name();
  const pattern = naming.name("*");
  const media = naming.bucketArn("media");
  const others = (["artifacts", "logs", "static"] as const).map((bucket) => naming.bucketArn(bucket));
  return [
    {
      Sid: "ManageBuckets",
      Effect: "Allow",
      Action: [
        "s3:CreateBucket",
        "s3:ListBucket",
        "s3:ListTagsForResource",
        "s3:PutBucketCORS",
        "s3:PutBucketTagging",
        "s3:TagResource",
        "s3:UntagResource",
      ],
      Resource: [media, ...others],
    },
    {
      // An administrator changes who reaches a bucket (policy, public access, access control lists), and how media are kept
      // (versions and their expiry).
      Sid: "ManageOtherBuckets",
      Effect: "Allow",
      Action: [
        "s3:DeleteBucket",
        "s3:PutBucketVersioning",
        "s3:PutEncryptionConfiguration",
        "s3:PutLifecycleConfiguration",
      ],
      Resource: others,
    },
    {
      Sid: "ManageArtifacts",
      Effect: "Allow",
      Action: [
        "s3:DeleteObject",
        "s3:DeleteObjectTagging",
        "s3:DeleteObjectVersion",
        "s3:GetObject",
        "s3:GetObjectTagging",
        "s3:PutObject",
        "s3:PutObjectTagging",
      ],
      Resource: `${naming.bucketArn("artifacts")}/${ARTIFACTS.updates}/*`,
      Condition: inOwnAccount(naming.accountId),
    },
    {
      Sid: "FindVersions",
      Effect: "Allow",
      Action: "s3:ListBucketVersions",
      Resource: naming.bucketArn("artifacts"),
    },
    {
      // An administrator deletes and changes the database: with it, and with a retention of 0 days, its automated backups go.
      // AWS has no condition key for the retention.
      Sid: "ManageDatabase",
      Effect: "Allow",
      Action: [
        "rds:AddTagsToResource",
        "rds:CreateDBInstance",
        "rds:CreateDBParameterGroup",
        "rds:CreateDBSnapshot",
        "rds:CreateDBSubnetGroup",
        "rds:DeleteDBParameterGroup",
        "rds:DeleteDBSubnetGroup",
        "rds:ModifyDBParameterGroup",
        "rds:ModifyDBSubnetGroup",
        "rds:RebootDBInstance",
        "rds:ResetDBParameterGroup",
      ],
      Resource: named(
        "rds",
        `db:${name}`,
        `pg:${pattern}`,
        `subgrp:${name}`,
        `snapshot:${pattern}`,
        "og:default*",
      ),
      Condition: notOfOthers,
    },
    {
      // Operators may restore AWS Backup's snapshots by the tags that these copy from the database.
      Sid: "UntagDatabase",
      Effect: "Allow",
      Action: "rds:RemoveTagsFromResource",
      Resource: named("rds", `db:${name}`, `pg:${pattern}`, `subgrp:${name}`, `snapshot:${pattern}`),
      Condition: { "ForAllValues:StringNotEquals": { "aws:TagKeys": ["project", "env"] } },
    },
    {
      Sid: "ManageRedis",
      Effect: "Allow",
      Action: [
        "elasticache:AddTagsToResource",
        "elasticache:CreateCacheParameterGroup",
        "elasticache:CreateCacheSubnetGroup",
        "elasticache:CreateReplicationGroup",
        "elasticache:CreateSnapshot",
        "elasticache:DecreaseReplicaCount",
        "elasticache:DeleteCacheParameterGroup",
        "elasticache:DeleteCacheSubnetGroup",
        "elasticache:DeleteReplicationGroup",
        "elasticache:IncreaseReplicaCount",
        "elasticache:ModifyCacheParameterGroup",
        "elasticache:ModifyCacheSubnetGroup",
        "elasticache:ModifyReplicationGroup",
        "elasticache:RemoveTagsFromResource",
      ],
      Resource: named(
        "elasticache",
        ...["cluster", "parametergroup", "replicationgroup", "snapshot", "subnetgroup"].map(
          (type) => `${type}:${pattern}`,
        ),
        "parametergroup:default.*",
      ),
    },
    {
      // An administrator changes the attributes of queues: one of them is the policy, which says who sends tasks.
      Sid: "ManageQueues",
      Effect: "Allow",
      Action: ["sqs:CreateQueue", "sqs:DeleteQueue", "sqs:TagQueue", "sqs:UntagQueue"],
      Resource: named("sqs", pattern),
    },
    {
      Sid: "ManageTopics",
      Effect: "Allow",
      Action: [
        "sns:CreateTopic",
        "sns:DeleteTopic",
        "sns:SetSubscriptionAttributes",
        "sns:SetTopicAttributes",
        "sns:Subscribe",
        "sns:TagResource",
        "sns:Unsubscribe",
        "sns:UntagResource",
      ],
      Resource: named("sns", pattern),
    },
    {
      Sid: "ManageAlarms",
      Effect: "Allow",
      Action: [
        "cloudwatch:DeleteAlarms",
        "cloudwatch:PutMetricAlarm",
        "cloudwatch:TagResource",
        "cloudwatch:UntagResource",
      ],
      Resource: named("cloudwatch", `alarm:${pattern}`),
    },
    {
      Sid: "ManageLogGroups",
      Effect: "Allow",
      Action: [
        "logs:CreateLogGroup",
        "logs:DeleteLogGroup",
        "logs:DeleteRetentionPolicy",
        "logs:PutRetentionPolicy",
        "logs:TagResource",
        "logs:UntagResource",
      ],
      Resource: named(
        "logs",
        `log-group:/iaso/${naming.env}/*`,
        `log-group:/aws/rds/instance/${name}/*`,
        ...INSTANCE_ROLES.map((role) => `log-group:/aws/elasticbeanstalk/${naming.environment(role)}/*`),
      ),
    },
  ];
}

function webStatements(
  naming: Naming,
  recordNames: readonly string[],
  own: PolicyCondition,
  notOfOtherEnvironments: PolicyCondition,
): PolicyStatement[] {
  const applications = [...new Set(INSTANCE_ROLES.map((role) => naming.applicationOf(role)))];
  const balancers = naming.arn("elasticloadbalancing", "loadbalancer/app/awseb-*");
  const groups = naming.arn("elasticloadbalancing", "targetgroup/awseb-*");
  const distributions = `arn:aws:cloudfront::${naming.accountId}:distribution/*`;
  const certificates = `arn:aws:acm:*:${naming.accountId}:certificate/*`;
  return [
    {
      Sid: "ManageEnvironments",
      Effect: "Allow",
      Action: [
        "elasticbeanstalk:AddTags",
        "elasticbeanstalk:CreateApplication",
        "elasticbeanstalk:CreateApplicationVersion",
        "elasticbeanstalk:CreateEnvironment",
        "elasticbeanstalk:DeleteApplication",
        "elasticbeanstalk:DeleteApplicationVersion",
        "elasticbeanstalk:RemoveTags",
        "elasticbeanstalk:TerminateEnvironment",
        "elasticbeanstalk:UpdateApplication",
        "elasticbeanstalk:UpdateApplicationResourceLifecycle",
        "elasticbeanstalk:UpdateApplicationVersion",
        "elasticbeanstalk:UpdateEnvironment",
      ],
      Resource: applications.flatMap((application) =>
        [
          `application/${application}`,
          `applicationversion/${application}/*`,
          `environment/${application}/*`,
        ].map((resource) => naming.arn("elasticbeanstalk", resource)),
      ),
    },
    {
      // Beanstalk creates and deletes the stacks of environments in the caller's name.
      Sid: "CreateStacks",
      Effect: "Allow",
      Action: ["cloudformation:CreateStack", "cloudformation:DeleteStack"],
      Resource: naming.arn("cloudformation", "stack/awseb-e-*"),
      Condition: notOfOtherEnvironments,
    },
    {
      Sid: "DeleteEnvironmentAlarms",
      Effect: "Allow",
      Action: "cloudwatch:DeleteAlarms",
      Resource: naming.arn("cloudwatch", "alarm:awseb-e-*"),
      Condition: notOfOtherEnvironments,
    },
    {
      Sid: "CreateBalancers",
      Effect: "Allow",
      Action: ["elasticloadbalancing:CreateLoadBalancer", "elasticloadbalancing:CreateTargetGroup"],
      Resource: [balancers, groups],
      Condition: notOfOtherEnvironments,
    },
    {
      Sid: "ManageBalancers",
      Effect: "Allow",
      Action: [
        "elasticloadbalancing:AddTags",
        "elasticloadbalancing:CreateListener",
        "elasticloadbalancing:DeleteLoadBalancer",
        "elasticloadbalancing:DeleteTargetGroup",
        "elasticloadbalancing:ModifyLoadBalancerAttributes",
        "elasticloadbalancing:ModifyTargetGroup",
        "elasticloadbalancing:ModifyTargetGroupAttributes",
        "elasticloadbalancing:SetSecurityGroups",
      ],
      Resource: [balancers, groups],
      Condition: own,
    },
    {
      // CloudFormation does not tag listeners, and only the names of their balancers say whose they are.
      Sid: "ManageListeners",
      Effect: "Allow",
      Action: [
        "elasticloadbalancing:AddTags",
        "elasticloadbalancing:DeleteListener",
        "elasticloadbalancing:ModifyListener",
        "elasticloadbalancing:ModifyListenerAttributes",
        "elasticloadbalancing:RemoveTags",
      ],
      Resource: BALANCED.map((role) =>
        naming.arn("elasticloadbalancing", `listener/\${aws:PrincipalTag/${naming.loadBalancerTag(role)}}/*`),
      ),
    },
    {
      // The worker environment's stack has a table in which its instances elect the leader for periodic tasks.
      Sid: "ManageLeaderTables",
      Effect: "Allow",
      Action: [
        "dynamodb:CreateTable",
        "dynamodb:DeleteTable",
        "dynamodb:DescribeTable",
        "dynamodb:TagResource",
        "dynamodb:UntagResource",
        "dynamodb:UpdateTable",
      ],
      Resource: naming.arn("dynamodb", "table/awseb-e-*"),
      Condition: notOfOtherEnvironments,
    },
    {
      // Environments may share a hosted zone, so the names of records limit this, not the zone.
      Sid: "ManageRecords",
      Effect: "Allow",
      Action: "route53:ChangeResourceRecordSets",
      Resource: "arn:aws:route53:::hostedzone/*",
      Condition: {
        "ForAllValues:StringLike": {
          "route53:ChangeResourceRecordSetsNormalizedRecordNames": recordNames.flatMap((name) => [
            name,
            // Certificates are validated by records such as _0123.iaso.example.org.
            `_*.${name}`,
          ]),
        },
        Null: { "route53:ChangeResourceRecordSetsNormalizedRecordNames": "false" },
      },
    },
    {
      // An administrator requests certificates and creates distributions: whoever can tag a new one can tag a stranger's, which
      // has no tags either, and then change it.
      Sid: "ManageCertificates",
      Effect: "Allow",
      Action: [
        "acm:AddTagsToCertificate",
        "acm:DeleteCertificate",
        "acm:RemoveTagsFromCertificate",
        "acm:UpdateCertificateOptions",
      ],
      Resource: certificates,
      Condition: own,
    },
    {
      // An administrator changes origin access controls, which have neither tags nor names in their ARNs.
      Sid: "ManageDistributions",
      Effect: "Allow",
      Action: [
        "cloudfront:DeleteDistribution",
        "cloudfront:TagResource",
        "cloudfront:UntagResource",
        "cloudfront:UpdateDistribution",
      ],
      Resource: distributions,
      Condition: own,
    },
  ];
}
