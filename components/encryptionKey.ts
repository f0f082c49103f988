import * as aws from "@pulumi/aws";
import * as pulumi from "@pulumi/pulumi";
import { CiRole, Naming } from "./common/naming";
import { withDependencies } from "./common/withDependencies";
import { policyDocument, PolicyStatement } from "./iam/policyDocument";

export interface EncryptionKeyArgs {
  naming: Naming;
}

/** Days for which KMS waits before it deletes a key: its maximum. Everything that the key encrypted is lost with it. */
const DELETION_WINDOW_DAYS = 30;

const CI_ROLES: readonly CiRole[] = ["preview", "up", "deploy", "rehearse"];

/**
 * The account's own KMS key for everything of an environment that holds data: database, media, tasks, alarms, logs,
 * Redis, backups and secrets. KMS renews the key material every year and keeps the old.
 *
 * IAM policies decide who uses the key, and name it by its alias, which is known before the key exists. Pulumi protects
 * the key from deletion and keeps it when it leaves the program: the media bucket and the last snapshot of the database
 * remain too, and cannot be read without it.
 *
 * @see https://docs.aws.amazon.com/kms/latest/developerguide/key-policies.html
 */
export class EncryptionKey extends pulumi.ComponentResource {
  /** ARN of the key, for the services that return the ARN whatever name they are given. */
  readonly arn: pulumi.Output<string>;
  /** Name of the alias, for the services that keep the name that they are given. It is known at the first preview. */
  readonly alias: pulumi.Output<string>;

  constructor(name: string, { naming }: EncryptionKeyArgs, opts?: pulumi.ComponentResourceOptions) {
    super("iaso:index:EncryptionKey", name, {}, opts);
    const key = new aws.kms.Key(
      name,
      {
        description: `Data of ${naming.name()}`,
        enableKeyRotation: true,
        deletionWindowInDays: DELETION_WINDOW_DAYS,
        policy: policyDocument(keyStatements(naming)),
        tags: naming.tags(),
      },
      { parent: this, protect: true, retainOnDelete: true },
    );
    const alias = new aws.kms.Alias(
      name,
      { name: naming.keyAlias, targetKeyId: key.keyId },
      { parent: key, protect: true, retainOnDelete: true },
    );
    // Whoever uses a store has the right to the key by its alias.
    this.arn = withDependencies(key.arn, [alias]);
    this.alias = alias.name;
    this.registerOutputs({ arn: this.arn, alias: this.alias });
  }
}

/**
 * The key policy. Only it and IAM policies of the account give access; each other statement names the service that
 * needs the key without a role of the account, or for whoever may use the service.
 */
function keyStatements(naming: Naming): PolicyStatement[] {
  const { accountId, region } = naming;
  // What AWS's own keys for these services allow: https://docs.aws.amazon.com/kms/latest/developerguide/conditions-kms.html
  const throughStores = {
    StringEquals: {
      "kms:CallerAccount": accountId,
      "kms:ViaService": ["elasticache", "rds"].map((service) => `${service}.${region}.amazonaws.com`),
    },
  };
  return [
    {
      // With this statement, IAM policies give access. Without it, a key that nobody can change would be possible.
      Sid: "AccountDelegatesToIam",
      Effect: "Allow",
      Principal: { AWS: `arn:aws:iam::${accountId}:root` },
      Action: "kms:*",
      Resource: "*",
    },
    {
      Sid: "StoresEncrypt",
      Effect: "Allow",
      Principal: { AWS: "*" },
      Action: ["kms:Decrypt", "kms:DescribeKey", "kms:Encrypt", "kms:GenerateDataKey*", "kms:ReEncrypt*"],
      Resource: "*",
      Condition: throughStores,
    },
    {
      // RDS and ElastiCache use the key by grants that they create when a store is created or restored.
      Sid: "StoresCreateGrants",
      Effect: "Allow",
      Principal: { AWS: "*" },
      Action: "kms:CreateGrant",
      Resource: "*",
      Condition: { ...throughStores, Bool: { "kms:GrantIsForAWSResource": "true" } },
    },
    {
      // Without it, alarms that publish to the encrypted topic get lost without an error:
      // https://docs.aws.amazon.com/sns/latest/dg/sns-key-management.html#compatibility-with-aws-services
      Sid: "AlarmsPublish",
      Effect: "Allow",
      Principal: { Service: "cloudwatch.amazonaws.com" },
      Action: ["kms:Decrypt", "kms:GenerateDataKey*"],
      Resource: "*",
      Condition: {
        ArnLike: { "aws:SourceArn": naming.arn("cloudwatch", `alarm:${naming.name("*")}`) },
        StringEquals: { "aws:SourceAccount": accountId },
      },
    },
    {
      // https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/encrypt-log-data-kms.html
      Sid: "LogsEncrypt",
      Effect: "Allow",
      Principal: { Service: `logs.${region}.amazonaws.com` },
      Action: ["kms:Decrypt*", "kms:Describe*", "kms:Encrypt*", "kms:GenerateDataKey*", "kms:ReEncrypt*"],
      Resource: "*",
      Condition: {
        ArnLike: {
          "kms:EncryptionContext:aws:logs:arn": [
            naming.arn("logs", `log-group:/aws/rds/instance/${naming.name()}/*`),
            naming.arn("logs", `log-group:/iaso/${naming.env}/*`),
          ],
        },
      },
    },
    {
      Sid: "NoRoleOfGitHubAdministers",
      Effect: "Deny",
      Principal: "*",
      Action: [
        "kms:CreateAlias",
        "kms:DeleteAlias",
        "kms:Disable*",
        "kms:PutKeyPolicy",
        "kms:RevokeGrant",
        "kms:ScheduleKeyDeletion",
        "kms:Update*",
      ],
      Resource: "*",
      Condition: {
        ArnEquals: { "aws:PrincipalArn": CI_ROLES.map((role) => naming.roleArn(naming.ciRole(role))) },
      },
    },
  ];
}
