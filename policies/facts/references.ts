/** A property by which a resource refers to another one. */
export interface Reference {
  /** Path of the property; a JSON text on the way is parsed. */
  property: string;
  /** Namespace and name of the option setting that refers, if the property is `settings`; any name if it is absent. */
  option?: readonly [namespace: string, name?: string];
  /** Type of the other resource. */
  to: string;
  /** The property of the other resource that is named; its id by default. */
  by?: string;
  /** Error code if the other resource does not exist; absent if AWS does not look it up by this name alone. */
  missing?: string;
  /** Error code if the other resource is deleted meanwhile; absent if AWS deletes it. */
  inUse?: string;
}

const BACKUP_VAULT = "aws:backup/vault:Vault";
const BUCKET = "aws:s3/bucket:Bucket";
const CERTIFICATE = "aws:acm/certificate:Certificate";
const ENVIRONMENT = "aws:elasticbeanstalk/environment:Environment";
const APPLICATION = "aws:elasticbeanstalk/application:Application";
const GROUP = "aws:ec2/securityGroup:SecurityGroup";
const POLICY = "aws:iam/policy:Policy";
const QUEUE = "aws:sqs/queue:Queue";
const ROLE = "aws:iam/role:Role";
const SUBNET = "aws:ec2/subnet:Subnet";
const TABLE = "aws:ec2/routeTable:RouteTable";
const TOPIC = "aws:sns/topic:Topic";
const KEY = "aws:kms/key:Key";
const LOG_GROUP = "aws:cloudwatch/logGroup:LogGroup";
const OBJECT = "aws:s3/bucketObjectv2:BucketObjectv2";
const REPOSITORY = "aws:ecr/repository:Repository";
const RECORD = "aws:route53/record:Record";
const VPC = "aws:ec2/vpc:Vpc";

/** EC2's error code for the deletion of a resource that another one uses. */
const DEPENDENCY = "DependencyViolation";

const BUCKET_NAME: Reference = { property: "bucket", to: BUCKET, missing: "NoSuchBucket" };
const IN_VPC: Reference = {
  property: "vpcId",
  to: VPC,
  missing: "InvalidVpcID.NotFound",
  inUse: DEPENDENCY,
};
const WITH_ROLE: Reference = {
  property: "role",
  to: ROLE,
  missing: "NoSuchEntity",
  inUse: "DeleteConflict",
};
const IN_SUBNETS: Reference = {
  property: "subnetIds",
  to: SUBNET,
  missing: "InvalidSubnet",
  inUse: DEPENDENCY,
};
const RULE_OF_GROUP: Reference[] = [
  { property: "securityGroupId", to: GROUP, missing: "InvalidGroup.NotFound" },
  { property: "referencedSecurityGroupId", to: GROUP, missing: "InvalidGroup.NotFound", inUse: DEPENDENCY },
];

/** A reference in an option setting of a Beanstalk environment. */
function setting(
  option: readonly [namespace: string, name?: string],
  to: string,
  more: Pick<Reference, "by" | "missing" | "inUse"> = {},
): Reference {
  return { property: "settings", option, to, missing: "ConfigurationValidationException", ...more };
}

/**
 * The references between resources, by the type of the resource that refers.
 *
 * Error codes are those of each service's API reference, such as
 * https://docs.aws.amazon.com/AWSEC2/latest/APIReference/errors-overview.html.
 */
export const REFERENCES: Readonly<Record<string, readonly Reference[]>> = {
  "aws:acm/certificateValidation:CertificateValidation": [
    { property: "certificateArn", to: CERTIFICATE },
    { property: "validationRecordFqdns", to: RECORD, by: "fqdn" },
  ],
  "aws:backup/plan:Plan": [
    {
      property: "rules.0.targetVaultName",
      to: BACKUP_VAULT,
      by: "name",
      missing: "InvalidParameterValueException",
    },
    {
      property: "rules.0.copyActions.0.destinationVaultArn",
      to: BACKUP_VAULT,
      by: "arn",
      missing: "InvalidParameterValueException",
    },
  ],
  "aws:backup/selection:Selection": [
    {
      property: "planId",
      to: "aws:backup/plan:Plan",
      missing: "ResourceNotFoundException",
      inUse: "InvalidRequestException",
    },
    { property: "iamRoleArn", to: ROLE, by: "arn", missing: "InvalidParameterValueException" },
  ],
  "aws:backup/vaultLockConfiguration:VaultLockConfiguration": [
    { property: "backupVaultName", to: BACKUP_VAULT, by: "name", missing: "ResourceNotFoundException" },
  ],
  "aws:cloudfront/distribution:Distribution": [
    {
      property: "viewerCertificate.acmCertificateArn",
      to: CERTIFICATE,
      missing: "InvalidViewerCertificate",
      inUse: "ResourceInUseException",
    },
    {
      property: "origins.0.originAccessControlId",
      to: "aws:cloudfront/originAccessControl:OriginAccessControl",
      missing: "InvalidOriginAccessControl",
      inUse: "OriginAccessControlInUse",
    },
  ],
  "aws:ec2/defaultSecurityGroup:DefaultSecurityGroup": [{ ...IN_VPC, inUse: undefined }],
  "aws:cloudwatch/metricAlarm:MetricAlarm": ["alarmActions", "okActions", "insufficientDataActions"].map(
    (property) => ({ property, to: TOPIC, by: "arn" }),
  ),
  // CloudWatch Logs looks the key up and whether its policy allows the log group: test/engine/provider/keys.ts.
  [LOG_GROUP]: [{ property: "kmsKeyId", to: KEY, by: "arn" }],
  "aws:ec2/flowLog:FlowLog": [
    { ...IN_VPC, inUse: undefined },
    { property: "iamRoleArn", to: ROLE, by: "arn" },
    { property: "logDestination", to: LOG_GROUP, by: "arn" },
  ],
  "aws:ec2/internetGateway:InternetGateway": [IN_VPC],
  "aws:ec2/natGateway:NatGateway": [
    { property: "subnetId", to: SUBNET, missing: "InvalidSubnetID.NotFound", inUse: DEPENDENCY },
    {
      property: "allocationId",
      to: "aws:ec2/eip:Eip",
      missing: "InvalidAllocationID.NotFound",
      inUse: "InvalidIPAddress.InUse",
    },
  ],
  "aws:ec2/route:Route": [
    { property: "routeTableId", to: TABLE, missing: "InvalidRouteTableID.NotFound" },
    {
      property: "gatewayId",
      to: "aws:ec2/internetGateway:InternetGateway",
      missing: "InvalidInternetGatewayID.NotFound",
    },
    {
      property: "natGatewayId",
      to: "aws:ec2/natGateway:NatGateway",
      missing: "InvalidNatGatewayID.NotFound",
    },
  ],
  "aws:ec2/routeTable:RouteTable": [IN_VPC],
  "aws:ec2/routeTableAssociation:RouteTableAssociation": [
    { property: "subnetId", to: SUBNET, missing: "InvalidSubnetID.NotFound" },
    { property: "routeTableId", to: TABLE, missing: "InvalidRouteTableID.NotFound", inUse: DEPENDENCY },
  ],
  "aws:ec2/securityGroup:SecurityGroup": [IN_VPC],
  "aws:ec2/subnet:Subnet": [IN_VPC],
  "aws:ec2/vpcEndpoint:VpcEndpoint": [
    IN_VPC,
    { property: "routeTableIds", to: TABLE, missing: "InvalidRouteTableID.NotFound" },
  ],
  "aws:ecr/lifecyclePolicy:LifecyclePolicy": [
    { property: "repository", to: REPOSITORY, missing: "RepositoryNotFoundException" },
  ],
  "aws:elasticache/replicationGroup:ReplicationGroup": [
    { property: "kmsKeyId", to: KEY, by: "arn", missing: "InvalidParameterValue" },
    { property: "securityGroupIds", to: GROUP, missing: "InvalidParameterValue", inUse: DEPENDENCY },
    {
      property: "subnetGroupName",
      to: "aws:elasticache/subnetGroup:SubnetGroup",
      missing: "CacheSubnetGroupNotFoundFault",
      inUse: "CacheSubnetGroupInUse",
    },
    {
      property: "parameterGroupName",
      to: "aws:elasticache/parameterGroup:ParameterGroup",
      missing: "CacheParameterGroupNotFound",
      inUse: "InvalidCacheParameterGroupState",
    },
  ],
  "aws:elasticache/subnetGroup:SubnetGroup": [IN_SUBNETS],
  "aws:elasticbeanstalk/applicationVersion:ApplicationVersion": [
    { property: "application", to: APPLICATION, missing: "InvalidParameterValue" },
    { property: "bucket", to: BUCKET },
    { property: "key", to: OBJECT, by: "key" },
  ],
  [ENVIRONMENT]: [
    {
      property: "application",
      to: APPLICATION,
      missing: "InvalidParameterValue",
      inUse: "OperationInProgressFailure",
    },
    {
      // A label is unique within its application only, so AWS looks it up together with the application.
      property: "version",
      to: "aws:elasticbeanstalk/applicationVersion:ApplicationVersion",
      by: "name",
      inUse: "InvalidParameterValue",
    },
    setting(
      ["aws:autoscaling:launchconfiguration", "IamInstanceProfile"],
      "aws:iam/instanceProfile:InstanceProfile",
    ),
    setting(["aws:autoscaling:launchconfiguration", "SecurityGroups"], GROUP, { inUse: DEPENDENCY }),
    setting(["aws:ec2:vpc", "VPCId"], VPC),
    setting(["aws:ec2:vpc", "Subnets"], SUBNET, { inUse: DEPENDENCY }),
    setting(["aws:ec2:vpc", "ELBSubnets"], SUBNET, { inUse: DEPENDENCY }),
    setting(["aws:elasticbeanstalk:environment", "ServiceRole"], ROLE),
    setting(["aws:elasticbeanstalk:sqsd", "WorkerQueueURL"], QUEUE),
    setting(["aws:elbv2:loadbalancer", "AccessLogsS3Bucket"], BUCKET),
    setting(["aws:elbv2:loadbalancer", "ManagedSecurityGroup"], GROUP, { inUse: DEPENDENCY }),
    setting(["aws:elbv2:loadbalancer", "SecurityGroups"], GROUP, { inUse: DEPENDENCY }),
    setting(["aws:elbv2:listener:443", "SSLCertificateArns"], CERTIFICATE, {
      inUse: "ResourceInUseException",
    }),
  ],
  "aws:iam/instanceProfile:InstanceProfile": [WITH_ROLE],
  [ROLE]: [
    {
      property: "permissionsBoundary",
      to: POLICY,
      by: "arn",
      missing: "NoSuchEntity",
      inUse: "DeleteConflict",
    },
  ],
  "aws:iam/rolePolicy:RolePolicy": [WITH_ROLE],
  "aws:iam/rolePolicyAttachment:RolePolicyAttachment": [
    WITH_ROLE,
    { property: "policyArn", to: POLICY, by: "arn", missing: "NoSuchEntity", inUse: "DeleteConflict" },
  ],
  "aws:kms/alias:Alias": [{ property: "targetKeyId", to: KEY, missing: "NotFoundException" }],
  "aws:lb/listener:Listener": [
    {
      property: "certificateArn",
      to: CERTIFICATE,
      missing: "CertificateNotFound",
      inUse: "ResourceInUseException",
    },
    { property: "loadBalancerArn", to: ENVIRONMENT, by: "loadBalancers", missing: "LoadBalancerNotFound" },
  ],
  "aws:rds/instance:Instance": [
    ...["kmsKeyId", "performanceInsightsKmsKeyId"].map((property) => ({
      property,
      to: KEY,
      by: "arn",
      missing: "KMSKeyNotAccessibleFault",
    })),
    { property: "monitoringRoleArn", to: ROLE, by: "arn" },
    { property: "vpcSecurityGroupIds", to: GROUP, missing: "InvalidParameterValue", inUse: DEPENDENCY },
    {
      property: "dbSubnetGroupName",
      to: "aws:rds/subnetGroup:SubnetGroup",
      missing: "DBSubnetGroupNotFoundFault",
      inUse: "InvalidDBSubnetGroupStateFault",
    },
    {
      property: "parameterGroupName",
      to: "aws:rds/parameterGroup:ParameterGroup",
      missing: "DBParameterGroupNotFound",
      inUse: "InvalidDBParameterGroupState",
    },
  ],
  "aws:rds/subnetGroup:SubnetGroup": [IN_SUBNETS],
  "aws:s3/bucketCorsConfiguration:BucketCorsConfiguration": [BUCKET_NAME],
  "aws:s3/bucketLifecycleConfiguration:BucketLifecycleConfiguration": [BUCKET_NAME],
  "aws:s3/bucketLogging:BucketLogging": [
    BUCKET_NAME,
    { property: "targetBucket", to: BUCKET, missing: "InvalidTargetBucketForLogging" },
  ],
  "aws:s3/bucketObjectv2:BucketObjectv2": [BUCKET_NAME],
  "aws:s3/bucketOwnershipControls:BucketOwnershipControls": [BUCKET_NAME],
  "aws:s3/bucketPolicy:BucketPolicy": [BUCKET_NAME],
  "aws:s3/bucketPublicAccessBlock:BucketPublicAccessBlock": [BUCKET_NAME],
  "aws:s3/bucketServerSideEncryptionConfiguration:BucketServerSideEncryptionConfiguration": [
    BUCKET_NAME,
    // S3 looks the key up when an object is written.
    { property: "rules.applyServerSideEncryptionByDefault.kmsMasterKeyId", to: KEY, by: "arn" },
  ],
  // SNS looks the key up when a message is published, SQS when one is sent.
  [TOPIC]: [{ property: "kmsMasterKeyId", to: KEY, by: "arn" }],
  "aws:s3/bucketVersioning:BucketVersioning": [BUCKET_NAME],
  "aws:sns/topicPolicy:TopicPolicy": [{ property: "arn", to: TOPIC, missing: "NotFound" }],
  "aws:sns/topicSubscription:TopicSubscription": [{ property: "topic", to: TOPIC, missing: "NotFound" }],
  [QUEUE]: [
    { property: "kmsMasterKeyId", to: KEY, by: "arn" },
    {
      property: "redrivePolicy.deadLetterTargetArn",
      to: QUEUE,
      by: "arn",
      missing: "InvalidParameterValue",
    },
  ],
  "aws:sqs/queuePolicy:QueuePolicy": [
    { property: "queueUrl", to: QUEUE, missing: "AWS.SimpleQueueService.NonExistentQueue" },
  ],
  "aws:vpc/securityGroupEgressRule:SecurityGroupEgressRule": RULE_OF_GROUP,
  "aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule": RULE_OF_GROUP,
  "aws:wafv2/webAclAssociation:WebAclAssociation": [
    {
      property: "resourceArn",
      to: ENVIRONMENT,
      by: "loadBalancers",
      missing: "WAFUnavailableEntityException",
    },
    {
      property: "webAclArn",
      to: "aws:wafv2/webAcl:WebAcl",
      by: "arn",
      missing: "WAFNonexistentItemException",
      inUse: "WAFAssociatedItemException",
    },
  ],
};
