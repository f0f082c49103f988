import * as aws from "@pulumi/aws";
import * as pulumi from "@pulumi/pulumi";
import { LOCK_RETENTION } from "./common/backupLock";
import { Naming } from "./common/naming";
import { withDependencies } from "./common/withDependencies";
import { keyUse } from "./iam/keyUse";
import { policyDocument, PolicyStatement, serviceTrustPolicy } from "./iam/policyDocument";

export interface BackupArgs {
  naming: Naming;
  /** Days for which each backup is kept, 7 to 3650. */
  days: number;
  /**
   * The mode of the vaults' locks. Nobody can remove or change `compliance` once three days have passed; an administrator
   * can remove `governance`.
   *
   * @see https://docs.aws.amazon.com/aws-backup/latest/devguide/vault-lock.html
   */
  lock: "governance" | "compliance";
  /**
   * Region of a second vault, to which each backup is copied. **Changing it creates another vault.** Pulumi keeps the
   * earlier one in AWS.
   *
   * @default No copies.
   * @example "eu-west-3"
   */
  copyRegion?: string;
  /** Identifier of the RDS instance. */
  databaseIdentifier: string;
  /** True if the environment's own KMS key encrypts media. */
  encrypted: boolean;
  /** Resources that the first backup needs: the RDS instance, and the media bucket's policy and versions. */
  requirements: pulumi.Resource[];
}

/** Days after which a lock in compliance mode can no longer be changed: AWS's minimum. */
const GRACE_DAYS = 3;

/**
 * Daily backups of the database and of media by AWS Backup, in a vault with a lock, and their copies in another region.
 *
 * An administrator creates and changes all of it: no role of GitHub Actions can delete or shorten a backup, or stop the next
 * one. The vaults are encrypted with AWS's own key `aws/backup`, also if the environment has a KMS key: media must not be
 * lost with that key. Snapshots keep the key of the database, and RDS encrypts copies with its own key of the other region.
 * With AWS's own keys, AWS Backup copies to other regions but not to other accounts.
 *
 * The plan takes snapshots and no continuous backups: those would take over the retention of RDS's own backups, with which
 * the database can be restored to any second. AWS Backup has no support for ElastiCache: Enketo's store has ElastiCache's
 * own daily snapshots, in the same region only.
 *
 * @see https://docs.aws.amazon.com/aws-backup/latest/devguide/encryption.html
 * @see https://docs.aws.amazon.com/aws-backup/latest/devguide/backup-feature-availability.html
 */
export class Backup extends pulumi.ComponentResource {
  constructor(
    name: string,
    private readonly args: BackupArgs,
    opts?: pulumi.ComponentResourceOptions,
  ) {
    super("iaso:index:Backup", name, {}, opts);
    const { naming, copyRegion } = args;
    const vaults = [
      this.createVault(name, naming.backupVault),
      ...(copyRegion === undefined
        ? []
        : [this.createVault(`${name}-copy`, naming.backupCopyVault, copyRegion)]),
    ];
    const plan = this.createPlan(name, vaults);
    this.createSelection(name, plan);
    this.registerOutputs({});
  }

  private createVault(name: string, vaultName: string, region?: string): aws.backup.Vault {
    const { naming, lock } = this.args;
    // AWS refuses to delete a vault with backups, and to remove a lock in compliance mode.
    const kept = { protect: true, retainOnDelete: true };
    const vault = new aws.backup.Vault(
      name,
      { name: vaultName, region, tags: naming.tags() },
      { parent: this, ...kept },
    );
    new aws.backup.VaultLockConfiguration(
      name,
      {
        backupVaultName: vault.name,
        region,
        ...LOCK_RETENTION,
        changeableForDays: lock === "compliance" ? GRACE_DAYS : undefined,
      },
      { parent: vault, ...kept },
    );
    return vault;
  }

  private createPlan(name: string, vaults: aws.backup.Vault[]): aws.backup.Plan {
    const { naming, days, copyRegion } = this.args;
    const lifecycle = { deleteAfter: days };
    return new aws.backup.Plan(
      name,
      {
        name: naming.name(),
        rules: [
          {
            ruleName: "daily",
            targetVaultName: naming.backupVault,
            // RDS refuses snapshots during its own backup at 1:00 and its maintenance until 4:00.
            schedule: "cron(0 5 * * ? *)",
            scheduleExpressionTimezone: "Etc/UTC",
            startWindow: 120,
            lifecycle,
            copyActions:
              copyRegion === undefined
                ? []
                : [
                    {
                      destinationVaultArn: naming.arn(
                        "backup",
                        `backup-vault:${naming.backupCopyVault}`,
                        copyRegion,
                      ),
                      lifecycle,
                    },
                  ],
          },
        ],
        tags: naming.tags(),
      },
      // The plan names the vaults as texts, which the first preview knows.
      { parent: this, dependsOn: vaults },
    );
  }

  private createSelection(name: string, plan: aws.backup.Plan): void {
    const { naming, databaseIdentifier, requirements } = this.args;
    new aws.backup.Selection(
      name,
      {
        name: naming.name(),
        planId: plan.id,
        iamRoleArn: this.createRole(name),
        // Resources that are named need no opt-in of their service in the region's settings.
        resources: [naming.arn("rds", `db:${databaseIdentifier}`), naming.bucketArn("media")],
      },
      { parent: plan, dependsOn: requirements },
    );
  }

  /**
   * Creates the role of AWS Backup and returns its ARN, with its permissions as a dependency. Its boundary is its own, so
   * that the CI role `up`, which changes roles under the other boundaries, cannot change its permissions.
   */
  private createRole(name: string): pulumi.Output<string> {
    const { naming } = this.args;
    const policy = policyDocument(backupStatements(this.args));
    const boundary = new aws.iam.Policy(
      `${name}-boundary`,
      {
        name: naming.name("backup-boundary"),
        description: `The most that AWS Backup can do for ${naming.name()}`,
        policy,
        tags: naming.tags(),
      },
      { parent: this },
    );
    const role = new aws.iam.Role(
      name,
      {
        name: naming.backupRole,
        assumeRolePolicy: serviceTrustPolicy("backup.amazonaws.com", naming.accountId),
        permissionsBoundary: boundary.arn,
        tags: naming.tags(),
      },
      { parent: this },
    );
    const rights = new aws.iam.RolePolicy(
      name,
      { name: "backup", role: role.name, policy },
      { parent: role },
    );
    return withDependencies(role.arn, [rights]);
  }
}

/**
 * Permissions of AWS Backup on the database and the media bucket: those of AWS's managed policies for backups, and for
 * restores of S3 into the same bucket. Deleting a snapshot is not among them: AWS Backup deletes what has expired with its
 * service-linked role.
 *
 * @see https://docs.aws.amazon.com/aws-managed-policy/latest/reference/AWSBackupServiceRolePolicyForBackup.html
 * @see https://docs.aws.amazon.com/aws-managed-policy/latest/reference/AWSBackupServiceRolePolicyForS3Backup.html
 * @see https://docs.aws.amazon.com/aws-managed-policy/latest/reference/AWSBackupServiceRolePolicyForS3Restore.html
 */
function backupStatements({ naming, copyRegion, encrypted }: BackupArgs): PolicyStatement[] {
  const regions = [naming.region, ...(copyRegion === undefined ? [] : [copyRegion])];
  const inRegions = (service: string, resource: string) =>
    regions.map((region) => naming.arn(service, resource, region));
  const snapshots = inRegions("rds", "snapshot:awsbackup:*");
  const keys = inRegions("kms", "key/*");
  const media = naming.bucketArn("media");
  return [
    {
      Sid: "Find",
      Effect: "Allow",
      Action: [
        "cloudwatch:GetMetricData",
        "events:ListRules",
        "rds:DescribeDBInstances",
        "rds:DescribeDBSnapshots",
        "rds:ListTagsForResource",
        "s3:ListAllMyBuckets",
      ],
      Resource: "*",
    },
    {
      Sid: "SnapshotDatabase",
      Effect: "Allow",
      Action: "rds:CreateDBSnapshot",
      Resource: [naming.arn("rds", `db:${naming.name()}`), ...snapshots],
    },
    {
      Sid: "CopySnapshots",
      Effect: "Allow",
      Action: ["rds:AddTagsToResource", "rds:CopyDBSnapshot"],
      Resource: snapshots,
    },
    {
      Sid: "ReadBucket",
      Effect: "Allow",
      Action: [
        "s3:GetBucketAcl",
        "s3:GetBucketLocation",
        "s3:GetBucketNotification",
        "s3:GetBucketOwnershipControls",
        "s3:GetBucketTagging",
        "s3:GetBucketVersioning",
        "s3:GetInventoryConfiguration",
        "s3:ListBucket",
        "s3:ListBucketVersions",
        "s3:ListTagsForResource",
        "s3:PutBucketNotification",
        "s3:PutInventoryConfiguration",
      ],
      Resource: media,
    },
    {
      Sid: "ReadAndRestoreObjects",
      Effect: "Allow",
      Action: [
        "s3:DeleteObject",
        "s3:GetObject",
        "s3:GetObjectAcl",
        "s3:GetObjectTagging",
        "s3:GetObjectVersion",
        "s3:GetObjectVersionAcl",
        "s3:GetObjectVersionTagging",
        "s3:ListMultipartUploadParts",
        "s3:PutObject",
        "s3:PutObjectTagging",
      ],
      Resource: `${media}/*`,
    },
    {
      // AWS Backup learns of changed objects from EventBridge.
      Sid: "WatchObjects",
      Effect: "Allow",
      Action: [
        "events:DeleteRule",
        "events:DescribeRule",
        "events:DisableRule",
        "events:EnableRule",
        "events:ListTargetsByRule",
        "events:PutRule",
        "events:PutTargets",
        "events:RemoveTargets",
      ],
      Resource: naming.arn("events", "rule/AwsBackupManagedRule*"),
    },
    {
      Sid: "UseVaults",
      Effect: "Allow",
      Action: ["backup:CopyIntoBackupVault", "backup:DescribeBackupVault"],
      Resource: [
        naming.arn("backup", `backup-vault:${naming.backupVault}`),
        ...(copyRegion === undefined
          ? []
          : [naming.arn("backup", `backup-vault:${naming.backupCopyVault}`, copyRegion)]),
      ],
    },
    {
      Sid: "UseRecoveryPoints",
      Effect: "Allow",
      Action: ["backup:CopyFromBackupVault", "backup:TagResource"],
      Resource: [...inRegions("backup", "recovery-point:*"), ...snapshots],
    },
    { Sid: "FindKeys", Effect: "Allow", Action: "kms:DescribeKey", Resource: keys },
    {
      Sid: "LetServicesUseKeys",
      Effect: "Allow",
      Action: "kms:CreateGrant",
      Resource: keys,
      Condition: { Bool: { "kms:GrantIsForAWSResource": "true" } },
    },
    ...(encrypted
      ? [
          keyUse(naming, {
            Sid: "ReadEncryptedObjects",
            Action: ["kms:Decrypt", "kms:GenerateDataKey"],
            services: ["s3"],
          }),
        ]
      : []),
  ];
}
