// Types only: nothing of the provider is loaded when the pack runs. Each import names one file, because
// `@pulumi/aws` as a whole would make the engine compile 3,000 files before it can use the pack.
import type { OutputInstance } from "@pulumi/pulumi";
import type { PlanArgs } from "@pulumi/aws/backup/plan";
import type { SelectionArgs } from "@pulumi/aws/backup/selection";
import type { VaultArgs } from "@pulumi/aws/backup/vault";
import type { VaultLockConfigurationArgs } from "@pulumi/aws/backup/vaultLockConfiguration";
import type { VpcArgs } from "@pulumi/aws/ec2/vpc";
import type { VpcEndpointArgs } from "@pulumi/aws/ec2/vpcEndpoint";
import type { RouteArgs } from "@pulumi/aws/ec2/route";
import type { RouteTableArgs } from "@pulumi/aws/ec2/routeTable";
import type { RouteTableAssociationArgs } from "@pulumi/aws/ec2/routeTableAssociation";
import type { FlowLogArgs } from "@pulumi/aws/ec2/flowLog";
import type { SubnetGroupArgs as ElastiCacheSubnetGroupArgs } from "@pulumi/aws/elasticache/subnetGroup";
import type { SubnetGroupArgs as RdsSubnetGroupArgs } from "@pulumi/aws/rds/subnetGroup";
import type { ParameterGroupArgs as ElastiCacheParameterGroupArgs } from "@pulumi/aws/elasticache/parameterGroup";
import type { TopicSubscriptionArgs } from "@pulumi/aws/sns/topicSubscription";
import type { CertificateValidationArgs } from "@pulumi/aws/acm/certificateValidation";
import type { ApplicationVersionArgs } from "@pulumi/aws/elasticbeanstalk/applicationVersion";
import type { CertificateArgs } from "@pulumi/aws/acm/certificate";
import type { DistributionArgs } from "@pulumi/aws/cloudfront/distribution";
import type { OriginAccessControlArgs } from "@pulumi/aws/cloudfront/originAccessControl";
import type { LogGroupArgs } from "@pulumi/aws/cloudwatch/logGroup";
import type { MetricAlarmArgs } from "@pulumi/aws/cloudwatch/metricAlarm";
import type { DefaultSecurityGroupArgs } from "@pulumi/aws/ec2/defaultSecurityGroup";
import type { EipArgs } from "@pulumi/aws/ec2/eip";
import type { SecurityGroupArgs } from "@pulumi/aws/ec2/securityGroup";
import type { SecurityGroupRuleArgs } from "@pulumi/aws/ec2/securityGroupRule";
import type { LifecyclePolicyArgs } from "@pulumi/aws/ecr/lifecyclePolicy";
import type { RepositoryArgs } from "@pulumi/aws/ecr/repository";
import type { SubnetArgs } from "@pulumi/aws/ec2/subnet";
import type { ReplicationGroupArgs } from "@pulumi/aws/elasticache/replicationGroup";
import type { ApplicationArgs } from "@pulumi/aws/elasticbeanstalk/application";
import type { EnvironmentArgs } from "@pulumi/aws/elasticbeanstalk/environment";
import type { GroupPolicyArgs } from "@pulumi/aws/iam/groupPolicy";
import type { InstanceProfileArgs } from "@pulumi/aws/iam/instanceProfile";
import type { PolicyArgs } from "@pulumi/aws/iam/policy";
import type { RoleArgs } from "@pulumi/aws/iam/role";
import type { RolePolicyArgs } from "@pulumi/aws/iam/rolePolicy";
import type { RolePolicyAttachmentArgs } from "@pulumi/aws/iam/rolePolicyAttachment";
import type { UserPolicyArgs } from "@pulumi/aws/iam/userPolicy";
import type { AliasArgs } from "@pulumi/aws/kms/alias";
import type { KeyArgs } from "@pulumi/aws/kms/key";
import type { ListenerArgs } from "@pulumi/aws/lb/listener";
import type { ProviderArgs } from "@pulumi/aws/provider";
import type { InstanceArgs } from "@pulumi/aws/rds/instance";
import type { ParameterGroupArgs } from "@pulumi/aws/rds/parameterGroup";
import type { RecordArgs } from "@pulumi/aws/route53/record";
import type { BucketArgs } from "@pulumi/aws/s3/bucket";
import type { BucketAclArgs } from "@pulumi/aws/s3/bucketAcl";
import type { BucketAclV2Args } from "@pulumi/aws/s3/bucketAclV2";
import type { BucketCorsConfigurationArgs } from "@pulumi/aws/s3/bucketCorsConfiguration";
import type { BucketLifecycleConfigurationArgs } from "@pulumi/aws/s3/bucketLifecycleConfiguration";
import type { BucketLoggingArgs } from "@pulumi/aws/s3/bucketLogging";
import type { BucketObjectv2Args } from "@pulumi/aws/s3/bucketObjectv2";
import type { BucketOwnershipControlsArgs } from "@pulumi/aws/s3/bucketOwnershipControls";
import type { BucketPolicyArgs } from "@pulumi/aws/s3/bucketPolicy";
import type { BucketPublicAccessBlockArgs } from "@pulumi/aws/s3/bucketPublicAccessBlock";
import type { BucketServerSideEncryptionConfigurationArgs } from "@pulumi/aws/s3/bucketServerSideEncryptionConfiguration";
import type { BucketVersioningArgs } from "@pulumi/aws/s3/bucketVersioning";
import type { BucketWebsiteConfigurationArgs } from "@pulumi/aws/s3/bucketWebsiteConfiguration";
import type { TopicArgs } from "@pulumi/aws/sns/topic";
import type { TopicPolicyArgs } from "@pulumi/aws/sns/topicPolicy";
import type { QueueArgs } from "@pulumi/aws/sqs/queue";
import type { QueuePolicyArgs } from "@pulumi/aws/sqs/queuePolicy";
import type { ParameterArgs } from "@pulumi/aws/ssm/parameter";
import type { SecurityGroupEgressRuleArgs } from "@pulumi/aws/vpc/securityGroupEgressRule";
import type { SecurityGroupIngressRuleArgs } from "@pulumi/aws/vpc/securityGroupIngressRule";
import type { WebAclArgs } from "@pulumi/aws/wafv2/webAcl";
import type { WebAclAssociationArgs } from "@pulumi/aws/wafv2/webAclAssociation";

/** The arguments of each resource type that a rule can name. A rule for another type needs a line here. */
export interface ArgsOf {
  "aws:backup/plan:Plan": PlanArgs;
  "aws:backup/selection:Selection": SelectionArgs;
  "aws:backup/vault:Vault": VaultArgs;
  "aws:backup/vaultLockConfiguration:VaultLockConfiguration": VaultLockConfigurationArgs;
  "aws:ec2/vpc:Vpc": VpcArgs;
  "aws:ec2/vpcEndpoint:VpcEndpoint": VpcEndpointArgs;
  "aws:ec2/route:Route": RouteArgs;
  "aws:ec2/routeTable:RouteTable": RouteTableArgs;
  "aws:ec2/routeTableAssociation:RouteTableAssociation": RouteTableAssociationArgs;
  "aws:ec2/flowLog:FlowLog": FlowLogArgs;
  "aws:elasticache/subnetGroup:SubnetGroup": ElastiCacheSubnetGroupArgs;
  "aws:rds/subnetGroup:SubnetGroup": RdsSubnetGroupArgs;
  "aws:elasticache/parameterGroup:ParameterGroup": ElastiCacheParameterGroupArgs;
  "aws:sns/topicSubscription:TopicSubscription": TopicSubscriptionArgs;
  "aws:acm/certificateValidation:CertificateValidation": CertificateValidationArgs;
  "aws:elasticbeanstalk/applicationVersion:ApplicationVersion": ApplicationVersionArgs;
  "aws:acm/certificate:Certificate": CertificateArgs;
  "aws:cloudfront/distribution:Distribution": DistributionArgs;
  "aws:cloudfront/originAccessControl:OriginAccessControl": OriginAccessControlArgs;
  "aws:cloudwatch/logGroup:LogGroup": LogGroupArgs;
  "aws:cloudwatch/metricAlarm:MetricAlarm": MetricAlarmArgs;
  "aws:ec2/defaultSecurityGroup:DefaultSecurityGroup": DefaultSecurityGroupArgs;
  "aws:ec2/eip:Eip": EipArgs;
  "aws:ec2/securityGroup:SecurityGroup": SecurityGroupArgs;
  "aws:ec2/securityGroupRule:SecurityGroupRule": SecurityGroupRuleArgs;
  "aws:ec2/subnet:Subnet": SubnetArgs;
  "aws:ecr/lifecyclePolicy:LifecyclePolicy": LifecyclePolicyArgs;
  "aws:ecr/repository:Repository": RepositoryArgs;
  "aws:elasticache/replicationGroup:ReplicationGroup": ReplicationGroupArgs;
  "aws:elasticbeanstalk/application:Application": ApplicationArgs;
  "aws:elasticbeanstalk/environment:Environment": EnvironmentArgs;
  "aws:iam/groupPolicy:GroupPolicy": GroupPolicyArgs;
  "aws:iam/instanceProfile:InstanceProfile": InstanceProfileArgs;
  "aws:iam/policy:Policy": PolicyArgs;
  "aws:iam/role:Role": RoleArgs;
  "aws:iam/rolePolicy:RolePolicy": RolePolicyArgs;
  "aws:iam/rolePolicyAttachment:RolePolicyAttachment": RolePolicyAttachmentArgs;
  "aws:iam/userPolicy:UserPolicy": UserPolicyArgs;
  "aws:kms/alias:Alias": AliasArgs;
  "aws:kms/key:Key": KeyArgs;
  "aws:lb/listener:Listener": ListenerArgs;
  "aws:rds/instance:Instance": InstanceArgs;
  "aws:rds/parameterGroup:ParameterGroup": ParameterGroupArgs;
  "aws:route53/record:Record": RecordArgs;
  "aws:s3/bucket:Bucket": BucketArgs;
  "aws:s3/bucketAcl:BucketAcl": BucketAclArgs;
  "aws:s3/bucketAclV2:BucketAclV2": BucketAclV2Args;
  "aws:s3/bucketCorsConfiguration:BucketCorsConfiguration": BucketCorsConfigurationArgs;
  "aws:s3/bucketLifecycleConfiguration:BucketLifecycleConfiguration": BucketLifecycleConfigurationArgs;
  "aws:s3/bucketLogging:BucketLogging": BucketLoggingArgs;
  "aws:s3/bucketObjectv2:BucketObjectv2": BucketObjectv2Args;
  "aws:s3/bucketOwnershipControls:BucketOwnershipControls": BucketOwnershipControlsArgs;
  "aws:s3/bucketPolicy:BucketPolicy": BucketPolicyArgs;
  "aws:s3/bucketPublicAccessBlock:BucketPublicAccessBlock": BucketPublicAccessBlockArgs;
  "aws:s3/bucketServerSideEncryptionConfiguration:BucketServerSideEncryptionConfiguration": BucketServerSideEncryptionConfigurationArgs;
  "aws:s3/bucketVersioning:BucketVersioning": BucketVersioningArgs;
  "aws:s3/bucketWebsiteConfiguration:BucketWebsiteConfiguration": BucketWebsiteConfigurationArgs;
  "aws:sns/topic:Topic": TopicArgs;
  "aws:sns/topicPolicy:TopicPolicy": TopicPolicyArgs;
  "aws:sqs/queue:Queue": QueueArgs;
  "aws:sqs/queuePolicy:QueuePolicy": QueuePolicyArgs;
  "aws:ssm/parameter:Parameter": ParameterArgs;
  "aws:vpc/securityGroupEgressRule:SecurityGroupEgressRule": SecurityGroupEgressRuleArgs;
  "aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule": SecurityGroupIngressRuleArgs;
  "aws:wafv2/webAcl:WebAcl": WebAclArgs;
  "aws:wafv2/webAclAssociation:WebAclAssociation": WebAclAssociationArgs;
  "pulumi:providers:aws": ProviderArgs;
}

export type ResourceType = keyof ArgsOf;

/** An argument without the promise or output that it may be wrapped in. */
type Unwrapped<T> = Exclude<NonNullable<T>, Promise<unknown> | OutputInstance<unknown>>;

/**
 * The property names of arguments, at any depth. Values are `unknown`, because a rule must check them: each may be
 * the marker for an unknown value, and a document that a user passes to `check` may hold anything.
 */
export type NamesOf<T> = T extends readonly (infer Element)[]
  ? readonly NamesOf<Unwrapped<Element>>[]
  : T extends object
    ? { readonly [Name in keyof T]?: NamesOf<Unwrapped<T[Name]>> }
    : unknown;

/** The inputs of a resource type as rules see them. */
export type InputsOf<Type extends ResourceType> = NamesOf<ArgsOf[Type]>;
