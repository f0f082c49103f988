/**
 * Inputs that the provider fills in, because Terraform's schema has defaults for them. It lists their names in `__defaults`.
 *
 * @see https://github.com/pulumi/pulumi-terraform-bridge/blob/main/pkg/tfbridge/schema.go
 */
export const FILLED: Readonly<Record<string, Readonly<Record<string, unknown>>>> = {
  "aws:ec2/securityGroup:SecurityGroup": { revokeRulesOnDelete: false },
  "aws:ec2/subnet:Subnet": { assignIpv6AddressOnCreation: false, enableDns64: false },
  "aws:iam/role:Role": { forceDetachPolicies: false },
  "aws:iam/instanceProfile:InstanceProfile": { path: "/" },
  "aws:iam/policy:Policy": { path: "/" },
  "aws:rds/instance:Instance": { applyImmediately: false, dedicatedLogVolume: false },
  "aws:sns/topicSubscription:TopicSubscription": {
    confirmationTimeoutInMinutes: 1,
    rawMessageDelivery: false,
  },
  "aws:sqs/queue:Queue": { contentBasedDeduplication: false, fifoQueue: false },
};
