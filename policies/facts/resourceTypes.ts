/** The property that names a resource. The provider generates its value if the program gives none. */
export interface Name {
  property: string;
  /** Matches the names that AWS accepts; absent if this program names no such resource. */
  pattern?: RegExp;
  /** The pattern in words, such as "at most 80 letters, digits, - and _". */
  limits?: string;
}

/** The facts about one resource type. */
export interface ResourceType {
  /** The IAM action of the call that creates the resource; absent if it is no AWS resource. */
  createAction?: string;
  /** True if AWS takes no tags on it. */
  untaggable?: boolean;
  /** Properties whose every change replaces the resource; `replacement.ts` adds the conditional ones. */
  replacedBy?: readonly string[];
  name?: Name;
  /** Outputs that the provider's schema marks as secret. */
  secrets?: readonly string[];
  /** Properties that AWS takes and never returns. */
  writeOnly?: readonly string[];
  /**
   * Behaviour if the id exists: `put` overwrites the resource, `idempotent` returns it if it is equal and refuses
   * otherwise. All other creations are refused.
   */
  create?: "put" | "idempotent";
  /** Error code if a resource of the same id exists; `ResourceAlreadyExists` by default. */
  conflict?: string;
  /** Properties that two resources of the type cannot have in common though their ids differ, with the error code. */
  unique?: readonly { properties: readonly string[]; code: string }[];
}

const RULE = ["securityGroupId", "ipProtocol", "fromPort", "toPort", "cidrIpv4", "cidrIpv6"];

/**
 * The resource types of which the platform consists, by type token. No other type is allowed.
 *
 * Sources:
 * - `createAction`: https://docs.aws.amazon.com/service-authorization/latest/reference/
 * - `replacedBy`, `name`, `secrets`: the schemas of the Terraform provider for AWS 6.x (attributes marked ForceNew or
 *   RequiresReplace, or Sensitive), https://github.com/hashicorp/terraform-provider-aws, in Pulumi's names, and
 *   https://www.pulumi.com/docs/iac/concepts/resources/names/#autonaming
 * - names' limits and error codes: the API reference of each service
 */
export const RESOURCE_TYPES: Readonly<Record<string, ResourceType>> = {
  "aws:acm/certificate:Certificate": {
    createAction: "acm:RequestCertificate",
    replacedBy: ["domainName", "keyAlgorithm", "subjectAlternativeNames", "validationMethod"],
  },
  "aws:acm/certificateValidation:CertificateValidation": {
    createAction: "acm:DescribeCertificate",
    untaggable: true,
    replacedBy: ["certificateArn", "validationRecordFqdns"],
    create: "put",
  },
  "aws:backup/plan:Plan": { createAction: "backup:CreateBackupPlan", name: { property: "name" } },
  "aws:backup/selection:Selection": {
    createAction: "backup:CreateBackupSelection",
    untaggable: true,
    replacedBy: ["conditions", "iamRoleArn", "name", "notResources", "planId", "resources", "selectionTags"],
    name: { property: "name", pattern: /^[\w.-]{1,50}$/, limits: "at most 50 letters, digits and _.-" },
  },
  "aws:backup/vault:Vault": {
    createAction: "backup:CreateBackupVault",
    replacedBy: ["kmsKeyArn", "name"],
    name: { property: "name", pattern: /^[\w-]{2,50}$/, limits: "2 to 50 letters, digits, - and _" },
    conflict: "AlreadyExistsException",
    unique: [{ properties: ["name", "region"], code: "AlreadyExistsException" }],
  },
  "aws:backup/vaultLockConfiguration:VaultLockConfiguration": {
    createAction: "backup:PutBackupVaultLockConfiguration",
    untaggable: true,
    replacedBy: ["backupVaultName", "changeableForDays", "maxRetentionDays", "minRetentionDays"],
    create: "put",
  },
  "aws:cloudfront/distribution:Distribution": {
    createAction: "cloudfront:CreateDistribution",
    unique: [{ properties: ["aliases"], code: "CNAMEAlreadyExists" }],
  },
  "aws:cloudfront/originAccessControl:OriginAccessControl": {
    createAction: "cloudfront:CreateOriginAccessControl",
    untaggable: true,
    name: { property: "name", pattern: /^.{1,64}$/, limits: "at most 64 characters" },
    unique: [{ properties: ["name"], code: "OriginAccessControlAlreadyExists" }],
  },
  "aws:cloudwatch/logGroup:LogGroup": {
    createAction: "logs:CreateLogGroup",
    replacedBy: ["name", "logGroupClass"],
    name: { property: "name", pattern: /^[\w./#-]{1,512}$/, limits: "at most 512 letters, digits and _-/.#" },
    conflict: "ResourceAlreadyExistsException",
  },
  "aws:cloudwatch/metricAlarm:MetricAlarm": {
    createAction: "cloudwatch:PutMetricAlarm",
    replacedBy: ["name"],
    name: { property: "name", pattern: /^[\x20-\x7e]{1,255}$/, limits: "at most 255 characters" },
    create: "put",
  },
  "aws:ec2/defaultSecurityGroup:DefaultSecurityGroup": {
    createAction: "ec2:RevokeSecurityGroupIngress",
    replacedBy: ["vpcId"],
  },
  "aws:ec2/eip:Eip": { createAction: "ec2:AllocateAddress", replacedBy: ["domain", "networkBorderGroup"] },
  "aws:ec2/flowLog:FlowLog": {
    createAction: "ec2:CreateFlowLogs",
    replacedBy: [
      "iamRoleArn",
      "logDestination",
      "logDestinationType",
      "logFormat",
      "maxAggregationInterval",
      "subnetId",
      "trafficType",
      "vpcId",
    ],
    unique: [{ properties: ["vpcId", "logDestination"], code: "FlowLogAlreadyExists" }],
  },
  "aws:ec2/internetGateway:InternetGateway": { createAction: "ec2:CreateInternetGateway" },
  "aws:ec2/natGateway:NatGateway": {
    createAction: "ec2:CreateNatGateway",
    replacedBy: ["allocationId", "connectivityType", "subnetId", "vpcId"],
    unique: [{ properties: ["allocationId"], code: "Resource.AlreadyAssociated" }],
  },
  "aws:ec2/route:Route": {
    createAction: "ec2:CreateRoute",
    untaggable: true,
    replacedBy: ["routeTableId", "destinationCidrBlock", "destinationIpv6CidrBlock"],
    unique: [{ properties: ["routeTableId", "destinationCidrBlock"], code: "RouteAlreadyExists" }],
  },
  "aws:ec2/routeTable:RouteTable": { createAction: "ec2:CreateRouteTable", replacedBy: ["vpcId"] },
  "aws:ec2/routeTableAssociation:RouteTableAssociation": {
    createAction: "ec2:AssociateRouteTable",
    untaggable: true,
    replacedBy: ["subnetId", "gatewayId"],
    unique: [{ properties: ["subnetId"], code: "Resource.AlreadyAssociated" }],
  },
  "aws:ec2/securityGroup:SecurityGroup": {
    createAction: "ec2:CreateSecurityGroup",
    replacedBy: ["description", "name", "vpcId"],
    name: {
      property: "name",
      pattern: /^(?!sg-)[\w .:/()#,@[\]+=&;{}!$*-]{1,255}$/,
      limits: "at most 255 characters that do not start with sg-",
    },
    unique: [{ properties: ["vpcId", "name"], code: "InvalidGroup.Duplicate" }],
  },
  "aws:ec2/subnet:Subnet": {
    createAction: "ec2:CreateSubnet",
    replacedBy: ["availabilityZone", "cidrBlock", "vpcId"],
    unique: [{ properties: ["vpcId", "cidrBlock"], code: "InvalidSubnet.Conflict" }],
  },
  "aws:ec2/vpc:Vpc": { createAction: "ec2:CreateVpc", replacedBy: ["cidrBlock"] },
  "aws:ec2/vpcEndpoint:VpcEndpoint": {
    createAction: "ec2:CreateVpcEndpoint",
    replacedBy: ["serviceName", "vpcEndpointType", "vpcId"],
    unique: [{ properties: ["vpcId", "serviceName"], code: "RouteAlreadyExists" }],
  },
  "aws:ecr/lifecyclePolicy:LifecyclePolicy": {
    createAction: "ecr:PutLifecyclePolicy",
    untaggable: true,
    replacedBy: ["policy", "repository"],
    create: "put",
  },
  "aws:ecr/repository:Repository": {
    createAction: "ecr:CreateRepository",
    replacedBy: ["encryptionConfigurations", "name"],
    name: {
      property: "name",
      pattern: /^(?=.{2,256}$)[a-z0-9]+((\.|_|__|-+)[a-z0-9]+)*(\/[a-z0-9]+((\.|_|__|-+)[a-z0-9]+)*)*$/,
      limits: "2 to 256 lower-case letters, digits and ._-/",
    },
    conflict: "RepositoryAlreadyExistsException",
  },
  "aws:elasticache/parameterGroup:ParameterGroup": {
    createAction: "elasticache:CreateCacheParameterGroup",
    replacedBy: ["description", "family", "name"],
    name: { property: "name" },
  },
  "aws:elasticache/replicationGroup:ReplicationGroup": {
    createAction: "elasticache:CreateReplicationGroup",
    replacedBy: [
      "atRestEncryptionEnabled",
      "kmsKeyId",
      "port",
      "replicationGroupId",
      "snapshotName",
      "subnetGroupName",
    ],
    name: {
      property: "replicationGroupId",
      pattern: /^(?!.*--)[a-z][a-z0-9-]{0,38}[a-z0-9]$/,
      limits: "at most 40 lower-case letters, digits and single hyphens",
    },
    secrets: ["authToken"],
    writeOnly: ["authToken"],
  },
  "aws:elasticache/subnetGroup:SubnetGroup": {
    createAction: "elasticache:CreateCacheSubnetGroup",
    replacedBy: ["name"],
    name: { property: "name" },
  },
  "aws:elasticbeanstalk/application:Application": {
    createAction: "elasticbeanstalk:CreateApplication",
    replacedBy: ["name"],
    name: { property: "name", pattern: /^[^/]{1,100}$/, limits: "at most 100 characters without /" },
  },
  "aws:elasticbeanstalk/applicationVersion:ApplicationVersion": {
    createAction: "elasticbeanstalk:CreateApplicationVersion",
    replacedBy: ["application", "bucket", "key", "name"],
    name: { property: "name" },
  },
  "aws:elasticbeanstalk/environment:Environment": {
    createAction: "elasticbeanstalk:CreateEnvironment",
    replacedBy: ["cnamePrefix", "name", "tier"],
    name: {
      property: "name",
      pattern: /^[a-z0-9][a-z0-9-]{2,38}[a-z0-9]$/i,
      limits: "4 to 40 letters, digits and hyphens",
    },
    unique: [
      { properties: ["name"], code: "InvalidParameterValue" },
      { properties: ["cnamePrefix"], code: "InvalidParameterValue" },
    ],
  },
  "aws:iam/instanceProfile:InstanceProfile": {
    createAction: "iam:CreateInstanceProfile",
    replacedBy: ["name", "path"],
    name: {
      property: "name",
      pattern: /^[\w+=,.@-]{1,128}$/,
      limits: "at most 128 letters, digits and +=,.@-_",
    },
    conflict: "EntityAlreadyExists",
  },
  "aws:iam/openIdConnectProvider:OpenIdConnectProvider": {
    createAction: "iam:CreateOpenIDConnectProvider",
    replacedBy: ["url"],
    conflict: "EntityAlreadyExists",
  },
  "aws:iam/policy:Policy": {
    createAction: "iam:CreatePolicy",
    replacedBy: ["description", "name", "path"],
    name: {
      property: "name",
      pattern: /^[\w+=,.@-]{1,128}$/,
      limits: "at most 128 letters, digits and +=,.@-_",
    },
    conflict: "EntityAlreadyExists",
  },
  "aws:iam/role:Role": {
    createAction: "iam:CreateRole",
    replacedBy: ["name", "path"],
    name: {
      property: "name",
      pattern: /^[\w+=,.@-]{1,64}$/,
      limits: "at most 64 letters, digits and +=,.@-_",
    },
    conflict: "EntityAlreadyExists",
  },
  "aws:iam/rolePolicy:RolePolicy": {
    createAction: "iam:PutRolePolicy",
    untaggable: true,
    replacedBy: ["name", "role"],
    name: { property: "name" },
    create: "put",
  },
  "aws:iam/rolePolicyAttachment:RolePolicyAttachment": {
    createAction: "iam:AttachRolePolicy",
    untaggable: true,
    replacedBy: ["policyArn", "role"],
    create: "put",
  },
  "aws:kms/alias:Alias": {
    createAction: "kms:CreateAlias",
    untaggable: true,
    replacedBy: ["name"],
    name: {
      property: "name",
      pattern: /^alias\/(?!aws\/)[\w/-]{1,250}$/,
      limits: "alias/ and at most 250 letters, digits and /_-, which do not start with aws/",
    },
    conflict: "AlreadyExistsException",
  },
  "aws:kms/key:Key": {
    createAction: "kms:CreateKey",
    replacedBy: ["customKeyStoreId", "customerMasterKeySpec", "keyUsage", "multiRegion", "xksKeyId"],
  },
  "aws:lb/listener:Listener": {
    createAction: "elasticloadbalancing:CreateListener",
    replacedBy: ["loadBalancerArn"],
    unique: [{ properties: ["loadBalancerArn", "port"], code: "DuplicateListener" }],
  },
  "aws:rds/instance:Instance": {
    createAction: "rds:CreateDBInstance",
    replacedBy: [
      "characterSetName",
      "dbName",
      "engine",
      "kmsKeyId",
      "snapshotIdentifier",
      "storageEncrypted",
      "timezone",
      "username",
    ],
    name: {
      property: "identifier",
      pattern: /^(?!.*--)[a-z][a-z0-9-]{0,61}[a-z0-9]$/,
      limits: "at most 63 lower-case letters, digits and single hyphens",
    },
    secrets: ["password"],
    writeOnly: ["password"],
    conflict: "DBInstanceAlreadyExists",
  },
  "aws:rds/parameterGroup:ParameterGroup": {
    createAction: "rds:CreateDBParameterGroup",
    replacedBy: ["description", "family", "name"],
    name: { property: "name" },
  },
  "aws:rds/subnetGroup:SubnetGroup": {
    createAction: "rds:CreateDBSubnetGroup",
    replacedBy: ["name"],
    name: { property: "name" },
  },
  "aws:route53/record:Record": {
    createAction: "route53:ChangeResourceRecordSets",
    untaggable: true,
    replacedBy: ["setIdentifier", "zoneId", "name", "type"],
    conflict: "InvalidChangeBatch",
  },
  "aws:s3/bucket:Bucket": {
    createAction: "s3:CreateBucket",
    replacedBy: ["bucket", "objectLockEnabled"],
    name: {
      property: "bucket",
      pattern: /^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$/,
      limits: "3 to 63 lower-case letters, digits, dots and hyphens",
    },
    conflict: "BucketAlreadyOwnedByYou",
  },
  "aws:s3/bucketCorsConfiguration:BucketCorsConfiguration": {
    createAction: "s3:PutBucketCORS",
    untaggable: true,
    replacedBy: ["bucket"],
    create: "put",
  },
  "aws:s3/bucketLifecycleConfiguration:BucketLifecycleConfiguration": {
    createAction: "s3:PutLifecycleConfiguration",
    untaggable: true,
    replacedBy: ["bucket"],
    create: "put",
  },
  "aws:s3/bucketLogging:BucketLogging": {
    createAction: "s3:PutBucketLogging",
    untaggable: true,
    replacedBy: ["bucket", "expectedBucketOwner"],
    create: "put",
  },
  "aws:s3/bucketObjectv2:BucketObjectv2": {
    createAction: "s3:PutObject",
    replacedBy: ["bucket", "key"],
    name: { property: "key" },
    create: "put",
  },
  "aws:s3/bucketOwnershipControls:BucketOwnershipControls": {
    createAction: "s3:PutBucketOwnershipControls",
    untaggable: true,
    replacedBy: ["bucket"],
    create: "put",
  },
  "aws:s3/bucketPolicy:BucketPolicy": {
    createAction: "s3:PutBucketPolicy",
    untaggable: true,
    replacedBy: ["bucket"],
    create: "put",
  },
  "aws:s3/bucketPublicAccessBlock:BucketPublicAccessBlock": {
    createAction: "s3:PutBucketPublicAccessBlock",
    untaggable: true,
    replacedBy: ["bucket"],
    create: "put",
  },
  "aws:s3/bucketServerSideEncryptionConfiguration:BucketServerSideEncryptionConfiguration": {
    createAction: "s3:PutEncryptionConfiguration",
    untaggable: true,
    replacedBy: ["bucket"],
    create: "put",
  },
  "aws:s3/bucketVersioning:BucketVersioning": {
    createAction: "s3:PutBucketVersioning",
    untaggable: true,
    replacedBy: ["bucket"],
    create: "put",
  },
  "aws:sns/topic:Topic": {
    createAction: "sns:CreateTopic",
    replacedBy: ["fifoTopic", "name"],
    name: { property: "name", pattern: /^[\w-]{1,256}$/, limits: "at most 256 letters, digits, - and _" },
    create: "idempotent",
    conflict: "InvalidParameter",
  },
  "aws:sns/topicPolicy:TopicPolicy": {
    createAction: "sns:SetTopicAttributes",
    untaggable: true,
    replacedBy: ["arn"],
    create: "put",
  },
  "aws:sns/topicSubscription:TopicSubscription": {
    createAction: "sns:Subscribe",
    untaggable: true,
    replacedBy: ["endpoint", "protocol", "topic"],
    create: "put",
  },
  "aws:sqs/queue:Queue": {
    createAction: "sqs:CreateQueue",
    replacedBy: ["fifoQueue", "name"],
    name: { property: "name", pattern: /^[\w-]{1,80}$/, limits: "at most 80 letters, digits, - and _" },
    create: "idempotent",
    conflict: "QueueAlreadyExists",
  },
  "aws:sqs/queuePolicy:QueuePolicy": {
    createAction: "sqs:SetQueueAttributes",
    untaggable: true,
    replacedBy: ["queueUrl"],
    create: "put",
  },
  "aws:ssm/parameter:Parameter": {
    createAction: "ssm:PutParameter",
    replacedBy: ["name"],
    name: { property: "name" },
    secrets: ["value"],
    conflict: "ParameterAlreadyExists",
  },
  "aws:vpc/securityGroupEgressRule:SecurityGroupEgressRule": {
    createAction: "ec2:AuthorizeSecurityGroupEgress",
    replacedBy: ["securityGroupId"],
    unique: [
      {
        properties: [...RULE, "referencedSecurityGroupId", "prefixListId"],
        code: "InvalidPermission.Duplicate",
      },
    ],
  },
  "aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule": {
    createAction: "ec2:AuthorizeSecurityGroupIngress",
    replacedBy: ["securityGroupId"],
    unique: [{ properties: [...RULE, "referencedSecurityGroupId"], code: "InvalidPermission.Duplicate" }],
  },
  "aws:wafv2/webAcl:WebAcl": {
    createAction: "wafv2:CreateWebACL",
    replacedBy: ["name", "scope"],
    name: { property: "name", pattern: /^[\w-]{1,128}$/, limits: "at most 128 letters, digits, - and _" },
    conflict: "WAFDuplicateItemException",
    unique: [{ properties: ["name", "scope"], code: "WAFDuplicateItemException" }],
  },
  "aws:wafv2/webAclAssociation:WebAclAssociation": {
    createAction: "wafv2:AssociateWebACL",
    untaggable: true,
    replacedBy: ["resourceArn", "webAclArn"],
    create: "put",
  },
  "command:local:Command": { untaggable: true, replacedBy: ["triggers"] },
};
