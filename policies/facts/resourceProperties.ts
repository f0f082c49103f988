/** The properties that every resource may have. The provider adds `tagsAll`. */
const EVERYWHERE = ["region", "tagsAll"];

/**
 * The properties that the program sets, or that an organisation may want to set, by resource type. Either a rule judges
 * the property, or none of its values weakens the platform. No other property is allowed.
 *
 * Source of the names: the input properties of https://www.pulumi.com/registry/packages/aws/api-docs/
 */
export const RESOURCE_PROPERTIES: Readonly<Record<string, ReadonlySet<string>>> = sets({
  "aws:acm/certificate:Certificate":
    "certificateAuthorityArn domainName keyAlgorithm options subjectAlternativeNames tags validationMethod",
  "aws:acm/certificateValidation:CertificateValidation": "certificateArn validationRecordFqdns",
  "aws:backup/plan:Plan": "name rules tags",
  "aws:backup/selection:Selection": "iamRoleArn name planId resources",
  "aws:backup/vault:Vault": "kmsKeyArn name tags",
  "aws:backup/vaultLockConfiguration:VaultLockConfiguration":
    "backupVaultName changeableForDays maxRetentionDays minRetentionDays",
  "aws:cloudfront/distribution:Distribution":
    "aliases comment defaultCacheBehavior enabled httpVersion isIpv6Enabled origins priceClass restrictions tags " +
    "viewerCertificate waitForDeployment",
  "aws:cloudfront/originAccessControl:OriginAccessControl":
    "description name originAccessControlOriginType signingBehavior signingProtocol",
  "aws:cloudwatch/logGroup:LogGroup":
    "deletionProtectionEnabled kmsKeyId logGroupClass name retentionInDays tags",
  "aws:cloudwatch/metricAlarm:MetricAlarm":
    "actionsEnabled alarmActions alarmDescription comparisonOperator datapointsToAlarm dimensions evaluationPeriods " +
    "extendedStatistic insufficientDataActions metricName metricQueries name namespace okActions period statistic " +
    "tags threshold treatMissingData",
  "aws:ec2/defaultSecurityGroup:DefaultSecurityGroup": "tags vpcId",
  "aws:ec2/eip:Eip": "domain tags",
  "aws:ec2/flowLog:FlowLog":
    "iamRoleArn logDestination logDestinationType maxAggregationInterval tags trafficType vpcId",
  "aws:ec2/internetGateway:InternetGateway": "tags vpcId",
  "aws:ec2/natGateway:NatGateway": "allocationId connectivityType subnetId tags",
  "aws:ec2/route:Route": "destinationCidrBlock gatewayId natGatewayId routeTableId",
  "aws:ec2/routeTable:RouteTable": "tags vpcId",
  "aws:ec2/routeTableAssociation:RouteTableAssociation": "routeTableId subnetId",
  "aws:ec2/securityGroup:SecurityGroup": "description egress ingress name tags vpcId",
  "aws:ec2/subnet:Subnet": "availabilityZone cidrBlock mapPublicIpOnLaunch tags vpcId",
  "aws:ec2/vpc:Vpc": "cidrBlock enableDnsHostnames enableDnsSupport instanceTenancy tags",
  "aws:ec2/vpcEndpoint:VpcEndpoint": "routeTableIds serviceName tags vpcEndpointType vpcId",
  "aws:ecr/lifecyclePolicy:LifecyclePolicy": "policy repository",
  "aws:ecr/repository:Repository":
    "encryptionConfigurations imageScanningConfiguration imageTagMutability name tags",
  "aws:elasticache/parameterGroup:ParameterGroup": "description family name parameters tags",
  "aws:elasticache/replicationGroup:ReplicationGroup":
    "atRestEncryptionEnabled autoMinorVersionUpgrade automaticFailoverEnabled dataTieringEnabled description engine " +
    "engineVersion finalSnapshotIdentifier kmsKeyId logDeliveryConfigurations maintenanceWindow multiAzEnabled " +
    "nodeType numCacheClusters parameterGroupName port replicationGroupId securityGroupIds snapshotName " +
    "snapshotRetentionLimit snapshotWindow subnetGroupName tags transitEncryptionEnabled transitEncryptionMode",
  "aws:elasticache/subnetGroup:SubnetGroup": "description name subnetIds tags",
  "aws:elasticbeanstalk/application:Application": "appversionLifecycle description name tags",
  "aws:elasticbeanstalk/applicationVersion:ApplicationVersion":
    "application bucket description key name tags",
  "aws:elasticbeanstalk/environment:Environment":
    "application cnamePrefix description name platformArn settings solutionStackName tags tier version " +
    "waitForReadyTimeout",
  "aws:iam/instanceProfile:InstanceProfile": "name role tags",
  "aws:iam/openIdConnectProvider:OpenIdConnectProvider": "clientIdLists tags url",
  "aws:iam/policy:Policy": "description name policy tags",
  "aws:iam/role:Role": "assumeRolePolicy description maxSessionDuration name path permissionsBoundary tags",
  "aws:iam/rolePolicy:RolePolicy": "name policy role",
  "aws:iam/rolePolicyAttachment:RolePolicyAttachment": "policyArn role",
  "aws:kms/alias:Alias": "name targetKeyId",
  "aws:kms/key:Key":
    "customerMasterKeySpec deletionWindowInDays description enableKeyRotation isEnabled keyUsage policy " +
    "rotationPeriodInDays tags",
  "aws:lb/listener:Listener": "defaultActions loadBalancerArn port protocol tags",
  "aws:rds/instance:Instance":
    "allocatedStorage autoMinorVersionUpgrade availabilityZone backupRetentionPeriod backupWindow caCertIdentifier " +
    "copyTagsToSnapshot dbName dbSubnetGroupName deleteAutomatedBackups deletionProtection " +
    "enabledCloudwatchLogsExports engine engineLifecycleSupport engineVersion finalSnapshotIdentifier " +
    "iamDatabaseAuthenticationEnabled identifier instanceClass iops kmsKeyId maintenanceWindow " +
    "manageMasterUserPassword maxAllocatedStorage monitoringInterval monitoringRoleArn multiAz networkType " +
    "parameterGroupName performanceInsightsEnabled performanceInsightsKmsKeyId performanceInsightsRetentionPeriod " +
    "port publiclyAccessible skipFinalSnapshot snapshotIdentifier storageEncrypted storageThroughput storageType " +
    "tags username vpcSecurityGroupIds",
  "aws:rds/parameterGroup:ParameterGroup": "description family name parameters tags",
  "aws:rds/subnetGroup:SubnetGroup": "description name subnetIds tags",
  "aws:route53/record:Record": "aliases allowOverwrite name records ttl type zoneId",
  "aws:s3/bucket:Bucket": "bucket forceDestroy tags",
  "aws:s3/bucketCorsConfiguration:BucketCorsConfiguration": "bucket corsRules",
  "aws:s3/bucketLifecycleConfiguration:BucketLifecycleConfiguration":
    "bucket rules transitionDefaultMinimumObjectSize",
  "aws:s3/bucketLogging:BucketLogging": "bucket targetBucket targetObjectKeyFormat targetPrefix",
  "aws:s3/bucketObjectv2:BucketObjectv2": "bucket key source tags",
  "aws:s3/bucketOwnershipControls:BucketOwnershipControls": "bucket rule",
  "aws:s3/bucketPolicy:BucketPolicy": "bucket policy",
  "aws:s3/bucketPublicAccessBlock:BucketPublicAccessBlock":
    "blockPublicAcls blockPublicPolicy bucket ignorePublicAcls restrictPublicBuckets",
  "aws:s3/bucketServerSideEncryptionConfiguration:BucketServerSideEncryptionConfiguration": "bucket rules",
  "aws:s3/bucketVersioning:BucketVersioning": "bucket versioningConfiguration",
  "aws:sns/topic:Topic": "displayName kmsMasterKeyId name tags",
  "aws:sns/topicPolicy:TopicPolicy": "arn policy",
  "aws:sns/topicSubscription:TopicSubscription": "endpoint protocol topic",
  "aws:sqs/queue:Queue":
    "delaySeconds kmsDataKeyReusePeriodSeconds kmsMasterKeyId maxMessageSize messageRetentionSeconds name " +
    "receiveWaitTimeSeconds redriveAllowPolicy redrivePolicy sqsManagedSseEnabled tags visibilityTimeoutSeconds",
  "aws:sqs/queuePolicy:QueuePolicy": "policy queueUrl",
  "aws:ssm/parameter:Parameter": "description insecureValue name tags type value",
  "aws:vpc/securityGroupEgressRule:SecurityGroupEgressRule":
    "cidrIpv4 description fromPort ipProtocol referencedSecurityGroupId securityGroupId tags toPort",
  "aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule":
    "cidrIpv4 description fromPort ipProtocol referencedSecurityGroupId securityGroupId tags toPort",
  "aws:wafv2/webAcl:WebAcl": "defaultAction description name rules scope tags visibilityConfig",
  "aws:wafv2/webAclAssociation:WebAclAssociation": "resourceArn webAclArn",
});

function sets(names: Record<string, string>): Record<string, ReadonlySet<string>> {
  return Object.fromEntries(
    Object.entries(names).map(([type, all]) => [type, new Set([...EVERYWHERE, ...all.split(" ")])]),
  );
}
