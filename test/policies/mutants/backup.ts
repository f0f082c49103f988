import { Mutant, MutableStack, set, without } from "../mutant";

const VAULT = "aws:backup/vault:Vault";

interface PlanRule extends Record<string, unknown> {
  copyActions: Record<string, unknown>[];
}

/** Edits the rule of the backup plan. */
const rule = (edit: (rule: PlanRule) => object): Mutant => [
  "backup-plan-daily",
  (stack) => {
    const { rules } = stack.get("backupPlan", "backup").inputs as unknown as { rules: PlanRule[] };
    return stack.set("backupPlan", "backup", "rules", rules.map(edit));
  },
];

const lock = (property: string, value: unknown): Mutant =>
  set("backup-vault-locked", "backupLock", "backup", property, value);

const selection = (property: string, value: unknown): Mutant =>
  set("backup-selection-whole", "backupSelection", "backup", property, value);

const unprotect =
  (kind: "backupVault" | "backupLock", name: string) =>
  (stack: MutableStack): unknown =>
    Object.assign(stack.get(kind, name), { protect: false });

const alarm = (name: string): Mutant => without("alarms-present", "alarm", name);

/** A role of GitHub's that may do something to backups. */
const github = (role: string, Action: string): Mutant => [
  "administrators-changes",
  (stack) => stack.allow("rolePolicy", role, { Sid: "Backups", Action, Resource: "*" }),
];

/** A copy to a vault in an account of somebody else. */
const FOREIGN_COPY = {
  destinationVaultArn: "arn:aws:backup:eu-central-1:999999999999:backup-vault:iaso-prod",
  lifecycle: { deleteAfter: 90 },
};

const ROLE_ARN = "arn:aws:iam::123456789012:role/iaso-prod-backup";

/** Edits of the parts that prod has: two vaults, a plan and a selection. */
export const backupOfProd: Mutant[] = [
  without("backup-vault-locked", "backupLock", "backup"),
  without("backup-vault-locked", "backupLock", "backup-copy"),
  ["backup-vault-locked", unprotect("backupVault", "backup")],
  ["backup-vault-locked", unprotect("backupVault", "backup-copy")],
  ["backup-vault-locked", unprotect("backupLock", "backup-copy")],
  set("backup-vault-locked", "backupVault", "backup", "forceDestroy", true),
  lock("minRetentionDays", undefined),
  lock("minRetentionDays", 1),
  lock("minRetentionDays", 5000),
  lock("maxRetentionDays", undefined),
  lock("maxRetentionDays", 36_500),
  lock("maxRetentionDays", 3),
  lock("changeableForDays", 365),
  lock("changeableForDays", 1),
  lock("region", "eu-west-3"),
  rule((one) => ({ ...one, schedule: "cron(0 5 ? * SUN *)" })),
  rule((one) => ({ ...one, schedule: "cron(0 5 1 * ? *)" })),
  rule((one) => ({ ...one, schedule: "rate(30 days)" })),
  rule((one) => ({ ...one, schedule: undefined })),
  rule((one) => ({ ...one, scheduleExpressionTimezone: "Pacific/Auckland" })),
  rule((one) => ({ ...one, enableContinuousBackup: true })),
  rule((one) => ({ ...one, lifecycle: undefined })),
  rule((one) => ({ ...one, lifecycle: { deleteAfter: 1 } })),
  rule((one) => ({ ...one, lifecycle: { deleteAfter: 10_000 } })),
  rule((one) => ({ ...one, lifecycle: { deleteAfter: 365, coldStorageAfter: 30 } })),
  rule((one) => ({
    ...one,
    copyActions: one.copyActions.map((copy) => ({ ...copy, lifecycle: { deleteAfter: 2 } })),
  })),
  rule((one) => ({
    ...one,
    copyActions: one.copyActions.map((copy) => ({ ...copy, lifecycle: undefined })),
  })),
  rule((one) => ({
    ...one,
    copyActions: one.copyActions.map((copy) => ({
      ...copy,
      destinationVaultArn: "arn:aws:backup:eu-central-1:123456789012:backup-vault:iaso-prod",
    })),
  })),
  rule((one) => ({ ...one, targetVaultName: "Default" })),
  rule((one) => ({ ...one, schedule: "cron(0 25 * * ? *)" })),
  rule((one) => ({ ...one, schedule: "cron(75 5 * * ? *)" })),
  rule((one) => ({ ...one, schedule: "cron(15 1 * * ? *)" })),
  rule((one) => ({ ...one, schedule: "cron(30 0,12 * * ? *)" })),
  rule((one) => ({ ...one, schedule: "cron(45 3 * * ? *)" })),
  ["backup-plan-daily", (stack) => stack.set("database", "database", "backupWindow", "05:30-06:00")],
  rule((one) => ({ ...one, startWindow: 20_160 })),
  rule((one) => ({ ...one, completionWindow: 43_200 })),
  rule((one) => ({ ...one, recoveryPointTags: { env: "qa" } })),
  rule((one) => ({ ...one, scanActions: [{ malwareScanner: "GUARDDUTY", scanMode: "FULL_SCAN" }] })),
  rule((one) => ({
    ...one,
    lifecycle: { deleteAfter: 90, optInToArchiveForSupportedResources: true },
  })),
  rule((one) => ({
    ...one,
    copyActions: one.copyActions.map((copy) => ({
      ...copy,
      lifecycle: { deleteAfter: 90, deleteAfterEvent: "DELETE_AFTER_COPY" },
    })),
  })),
  rule((one) => ({ ...one, targetVaultName: "iaso-prod-copy" })),
  ["backup-plan-daily", (stack) => stack.set("backupPlan", "backup", "rules", [])],
  ["backup-plan-daily", (stack) => stack.remove("backupSelection", "backup")],
  [
    "references-own",
    (stack) => {
      const { rules } = stack.get("backupPlan", "backup").inputs as unknown as { rules: PlanRule[] };
      const copyActions = [
        { destinationVaultArn: "arn:aws:backup:eu-west-3:123456789012:backup-vault:other" },
      ];
      return stack.set(
        "backupPlan",
        "backup",
        "rules",
        rules.map((one) => ({ ...one, copyActions })),
      );
    },
  ],
  [
    "no-strangers",
    (stack) => {
      const { rules } = stack.get("backupPlan", "backup").inputs as unknown as { rules: PlanRule[] };
      const copyActions = [
        { destinationVaultArn: "arn:aws:backup:eu-west-3:999999999999:backup-vault:iaso-prod-copy" },
      ];
      return stack.set(
        "backupPlan",
        "backup",
        "rules",
        rules.map((one) => ({ ...one, copyActions })),
      );
    },
  ],
  // A copy to an account that the config does not allow takes patients' data out.
  ...[
    (one: PlanRule) => ({ ...one, copyActions: [...one.copyActions, FOREIGN_COPY] }),
    (one: PlanRule) => ({ ...one, copyActions: [FOREIGN_COPY] }),
    (one: PlanRule) => ({ ...one, targetLogicallyAirGappedBackupVaultArn: FOREIGN_COPY.destinationVaultArn }),
  ].map((edit): Mutant => ["no-strangers", rule(edit)[1]]),
  [
    "no-strangers",
    (stack) => {
      const { inputs } = stack.get("backupPlan", "backup");
      const [one] = inputs.rules as PlanRule[];
      const rules = [{ ...one, copyActions: [FOREIGN_COPY] }];
      return stack.add("aws:backup/plan:Plan", "other", { ...inputs, name: "other", rules });
    },
  ],
  ...["vaultPolicy:VaultPolicy", "globalSettings:GlobalSettings", "regionSettings:RegionSettings"].map(
    (type): Mutant => [
      "known-types",
      (stack) => stack.add(`aws:backup/${type}`, "other", { backupVaultName: "iaso-prod" }),
    ],
  ),
  [
    "role-duties",
    (stack) =>
      stack.statement("rolePolicy", "backup", "UseVaults", (one) => ({
        ...one,
        Resource: "arn:aws:backup:*:*:backup-vault:*",
      })),
  ],
  [
    "no-strangers",
    (stack) =>
      stack.statement("rolePolicy", "backup", "UseVaults", (one) => ({
        ...one,
        Resource: FOREIGN_COPY.destinationVaultArn,
      })),
  ],
  ...["rds:DeleteDBSnapshot", "rds:ModifyDBSnapshotAttribute"].map((Action): Mutant => [
    "role-duties",
    (stack) =>
      stack.allow("rolePolicy", "backup", {
        Sid: "Share",
        Action,
        Resource: "arn:aws:rds:eu-central-1:123456789012:snapshot:awsbackup:*",
      }),
  ]),
  selection("resources", []),
  selection("resources", ["arn:aws:rds:eu-central-1:123456789012:db:iaso-prod"]),
  selection("resources", ["arn:aws:s3:::example-iaso-prod-media"]),
  selection("resources", ["*"]),
  selection("resources", [
    "arn:aws:rds:eu-central-1:123456789012:db:iaso-prod",
    "arn:aws:s3:::example-iaso-prod-static",
  ]),
  selection("notResources", ["arn:aws:s3:::example-iaso-prod-media"]),
  selection("selectionTags", [{ type: "STRINGEQUALS", key: "backup", value: "yes" }]),
  selection("conditions", [{ stringEquals: [{ key: "aws:ResourceTag/env", value: "qa" }] }]),
  set("references-own", "backupSelection", "backup", "planId", "01234567-89ab-cdef-0123-456789abcdef"),
  set("references-own", "backupLock", "backup", "backupVaultName", "Default"),
  set(
    "roles-trust-their-service",
    "backupSelection",
    "backup",
    "iamRoleArn",
    "arn:aws:iam::123456789012:role/iaso-prod-web",
  ),
  without("backups-present", "backupPlan", "backup"),
  without("backups-present", "backupSelection", "backup"),
  without("backups-present", "backupVault", "backup-copy"),
  [
    "backups-present",
    (stack) => {
      const { rules } = stack.get("backupPlan", "backup").inputs as unknown as { rules: PlanRule[] };
      return stack.set(
        "backupPlan",
        "backup",
        "rules",
        rules.map((one) => ({ ...one, copyActions: [] })),
      );
    },
  ],
  alarm("backup-failed"),
  alarm("backup-expired"),
  alarm("backup-copy-failed"),
  [
    "alarms-work",
    (stack) => stack.set("alarm", "backup-failed", "dimensions", { BackupVaultName: "Default" }),
  ],
  ["alarms-work", (stack) => stack.set("alarm", "backup-failed", "dimensions", {})],
  ["one-region", (stack) => stack.set("backupVault", "backup-copy", "region", "us-east-1")],
  ["one-region", (stack) => stack.set("backupPlan", "backup", "region", "eu-west-3")],
  ["one-region", (stack) => stack.set("database", "database", "region", "eu-west-3")],
  [
    "service-trust-source",
    (stack) =>
      stack.statements(
        "role",
        "backup",
        (all) => all.map((one) => ({ ...one, Condition: undefined })),
        "assumeRolePolicy",
      ),
  ],
  // AWS Backup's way into the bucket is for its own role only.
  [
    "media-for-application",
    (stack) =>
      stack.statements(
        "role",
        "backup",
        (all) => all.map((one) => ({ ...one, Principal: { Service: "ec2.amazonaws.com" } })),
        "assumeRolePolicy",
      ),
  ],
  [
    "media-for-application",
    (stack) =>
      stack.statements(
        "role",
        "backup",
        (all) => all.map((one) => ({ ...one, Principal: { AWS: "arn:aws:iam::123456789012:root" } })),
        "assumeRolePolicy",
      ),
  ],
  [
    "media-for-application",
    (stack) =>
      stack.statement("bucketPolicy", "media", "DenyAllButTheApplication", (one) => ({
        ...one,
        Condition: {
          ArnNotEquals: { "aws:PrincipalArn": [ROLE_ARN, "arn:aws:iam::123456789012:role/iaso-prod-ci-up"] },
        },
      })),
  ],
  [
    "role-under-boundary",
    (stack) =>
      stack.set("role", "backup", "permissionsBoundary", "arn:aws:iam::aws:policy/AdministratorAccess"),
  ],
  [
    "administrators-changes",
    (stack) =>
      stack.statement("rolePolicy", "backup", "LetServicesUseKeys", (one) => ({
        ...one,
        Condition: undefined,
      })),
  ],
  [
    "administrators-changes",
    (stack) =>
      stack.statement("rolePolicy", "backup", "LetServicesUseKeys", (one) => ({
        ...one,
        Condition: { BoolIfExists: { "kms:GrantIsForAWSResource": "true" } },
      })),
  ],
  github("ci-up", "backup:DeleteRecoveryPoint"),
  github("ci-up", "backup:PutBackupVaultLockConfiguration"),
  github("ci-up", "backup:DeleteBackupVaultLockConfiguration"),
  github("ci-up", "backup:PutBackupVaultAccessPolicy"),
  github("ci-up", "backup:Update*"),
  github("ci-deploy", "backup:*"),
  github("ci-preview", "backup:StartRestoreJob"),
  github("backup", "backup:DeleteRecoveryPoint"),
  github("backup", "rds:ModifyDBSnapshotAttribute"),
  [
    "backup-vault-locked",
    (stack) =>
      stack.add(
        VAULT,
        "open",
        { name: "open", tags: stack.get("queue", "tasks").inputs.tags },
        { protect: true },
      ),
  ],
];
