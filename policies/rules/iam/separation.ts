import { ownAccounts, regionsOf, Stack, tagOf } from "../../context";
import { Statement, statementsOf, strings } from "../../iam/document";
import { statementsAbout } from "../../iam/evaluate";
import { defineRule } from "../../rule";
import { first, hasUnknown, isUnknown, text } from "../../values";
import { DEPLOYMENT_FOLDERS, RESTORE_FOLDER, UPDATE_FOLDER } from "../../facts/artifactFolders";
import { mayOf, unattached } from "./boundary";
import { grantsOf, isForServices, isInstances, isNamed, POLICY, ROLE } from "./grants";

/**
 * Actions with which somebody could take over the account, escape from a boundary, open a bucket or a queue, lose the
 * backups, make a stranger's resource their own, or hide what they do.
 */
const ADMINISTRATORS = [
  "account:PutAlternateContact",
  "acm:RequestCertificate",
  "backup:DeleteBackupPlan",
  "backup:DeleteBackupSelection",
  "backup:DeleteBackupVault",
  "backup:DeleteBackupVaultAccessPolicy",
  "backup:DeleteBackupVaultLockConfiguration",
  "backup:DeleteRecoveryPoint",
  "backup:DisassociateRecoveryPoint",
  "backup:PutBackupVaultAccessPolicy",
  "backup:PutBackupVaultLockConfiguration",
  "backup:StartRestoreJob",
  "backup:UpdateBackupPlan",
  "backup:UpdateRecoveryPointLifecycle",
  "backup:UpdateRegionSettings",
  "cloudfront:CreateDistribution",
  "cloudfront:CreateOriginAccessControl",
  "cloudfront:DeleteOriginAccessControl",
  "cloudfront:UpdateOriginAccessControl",
  "cloudtrail:DeleteTrail",
  "cloudtrail:PutEventSelectors",
  "cloudtrail:StopLogging",
  "cloudtrail:UpdateTrail",
  "config:StopConfigurationRecorder",
  "ecr:DeleteRepository",
  "ecr:SetRepositoryPolicy",
  "ecs:RunTask",
  "guardduty:DeleteDetector",
  "iam:AddRoleToInstanceProfile",
  "iam:CreateAccessKey",
  "iam:CreateOpenIDConnectProvider",
  "iam:CreatePolicy",
  "iam:CreatePolicyVersion",
  "iam:CreateRole",
  "iam:CreateUser",
  "iam:DeleteRolePermissionsBoundary",
  "iam:PutRolePermissionsBoundary",
  "iam:PutUserPolicy",
  "iam:SetDefaultPolicyVersion",
  "iam:UpdateAssumeRolePolicy",
  "kms:CreateGrant",
  "kms:DeleteAlias",
  "kms:DisableKey",
  "kms:DisableKeyRotation",
  "kms:PutKeyPolicy",
  "kms:RevokeGrant",
  "kms:ScheduleKeyDeletion",
  "kms:UpdateAlias",
  "lambda:CreateFunction",
  "lambda:UpdateFunctionCode",
  "organizations:LeaveOrganization",
  "rds:DeleteDBInstance",
  "rds:DeleteDBInstanceAutomatedBackup",
  "rds:ModifyDBInstance",
  "rds:ModifyDBSnapshotAttribute",
  "s3:DeleteBucketPolicy",
  "s3:PutAccountPublicAccessBlock",
  "s3:PutBucketAcl",
  "s3:PutBucketOwnershipControls",
  "s3:PutBucketPolicy",
  "s3:PutBucketPublicAccessBlock",
  "sqs:AddPermission",
  "sqs:SetQueueAttributes",
  "ssm:SendCommand",
  "sts:AssumeRole",
];

/** True if a statement is about copies of the database only, which rehearsals of a restore make. */
const isAboutCopies = ({ NotResource, Resource: resources }: Statement): boolean =>
  NotResource === undefined &&
  strings(resources).every((arn) => /^arn:aws:rds:[\w-]+:\d{12}:db:iaso-[a-z0-9]+-rehearsal-\*$/.test(arn));

/** The actions among some that statements allow. */
export const actionsIn = (statements: readonly Statement[], actions: readonly string[]): string[] =>
  actions.filter((action) =>
    statementsAbout(statements, action).some(
      (one) =>
        one.Effect === "Allow" &&
        !(action === "kms:CreateGrant" && isForServices(one)) &&
        !(action === "rds:DeleteDBInstance" && isAboutCopies(one)),
    ),
  );

export const administratorsChanges = defineRule({
  name: "administrators-changes",
  types: [ROLE],
  description:
    "No role changes trust, boundaries, users, trails, keys, the database, or who reaches buckets, queues and images, shares, deletes, shortens or restores backups or stops the next ones, or runs code as another role",
  why: "whoever gets the role could make a lasting way in, delete the backups, or hide",
  severity: "critical",
  neighbours: true,
  check: (role, stack) => {
    const actions = actionsIn(grantsOf(role, stack).statements, ADMINISTRATORS);
    return actions.length === 0
      ? []
      : [`The role may ${first(actions)}. Remove it: an administrator makes such changes.`];
  },
});

/** Changes of the infrastructure that decide who reaches data. */
const PROVISIONING = [
  "ecr:PutImageTagMutability",
  "ecr:PutLifecyclePolicy",
  "elasticache:ModifyReplicationGroup",
  "elasticloadbalancing:ModifyListener",
  "iam:AttachRolePolicy",
  "iam:PutRolePolicy",
  "rds:DeleteDBInstance",
  "rds:DeleteDBSnapshot",
  "rds:ModifyDBInstance",
  "route53:ChangeResourceRecordSets",
  "s3:DeleteBucketPolicy",
  "s3:PutBucketPolicy",
  "s3:PutBucketPublicAccessBlock",
  "s3:PutReplicationConfiguration",
  "sns:SetTopicAttributes",
  "sqs:SetQueueAttributes",
  "ssm:PutParameter",
];

export const provisionersOnly = defineRule({
  name: "provisioners-only",
  types: [ROLE],
  description: "Only the role that updates the infrastructure changes databases, DNS, secrets and policies",
  why: "a deployment or an instance could open the data to others",
  severity: "critical",
  neighbours: true,
  parameters: {
    provisioners: {
      type: "array",
      default: ["-ci-up"],
      description: "Endings of the names of roles that update the infrastructure",
    },
  },
  check: (role, stack) => {
    if (isNamed(role, stack.parameters.provisioners)) return [];
    const actions = actionsIn(grantsOf(role, stack).statements, PROVISIONING);
    return actions.length === 0 ? [] : [`The role may ${first(actions)}. Remove it.`];
  },
});

export const boundaryNarrow = defineRule({
  name: "boundary-narrow",
  types: [POLICY],
  description: "A permissions boundary names actions and allows no change of the infrastructure",
  why: "a boundary that allows more limits nothing",
  severity: "critical",
  neighbours: true,
  check: (policy, stack) => {
    if (!unattached(stack).includes(policy) || hasUnknown(policy.inputs.policy)) return [];
    const allows = statementsOf(policy.inputs.policy).filter(({ Effect }) => Effect === "Allow");
    const wide = allows.flatMap(({ Action, NotAction }) =>
      NotAction === undefined
        ? strings(Action).filter((action) => /^[^:]*(:(\*|[A-Z][a-z]+\*))?$/.test(action))
        : ["all but some actions"],
    );
    const changes = actionsIn(allows, [
      ...ADMINISTRATORS,
      ...PROVISIONING,
      "autoscaling:CreateAutoScalingGroup",
      "cloudformation:CreateStack",
      "ec2:RunInstances",
      "elasticbeanstalk:UpdateEnvironment",
      "iam:PassRole",
      "secretsmanager:GetSecretValue",
    ]);
    const actions = [...new Set([...wide, ...changes])];
    return actions.length === 0
      ? []
      : [`The boundary allows ${first(actions)}. Write the actions that instances or services need.`];
  },
});

/** Buckets with the code of Iaso or with files that browsers run, by their class. */
const bucketsOf = (bucketClass: string, stack: Stack): string[] =>
  stack
    .ofType("aws:s3/bucket:Bucket")
    .filter((bucket) => tagOf(bucket, "class") === bucketClass && !isUnknown(bucket.inputs.bucket))
    .map(({ inputs }) => text(inputs.bucket));

export const codeByDeployers = defineRule({
  name: "code-by-deployers",
  types: [ROLE],
  description:
    "Static files, images and versions of Iaso are written by deployments only, and no instance writes code",
  why: "whoever controls an instance could run scripts in every browser and code on every instance",
  severity: "critical",
  neighbours: true,
  parameters: {
    deployers: {
      type: "array",
      default: ["-ci-deploy"],
      description: "Endings of the names of roles that deploy versions of Iaso",
    },
    updaters: {
      type: "array",
      default: ["-ci-up"],
      description: "Endings of the names of roles that update the infrastructure",
    },
  },
  check: (role, stack) => {
    const may = mayOf(role, stack);
    const writes = (bucket: string, key: string) =>
      ["s3:PutObject", "s3:DeleteObject"].some((action) => may(action, `arn:aws:s3:::${bucket}/${key}`));
    const deploys = isNamed(role, stack.parameters.deployers);
    const statics = deploys
      ? []
      : bucketsOf("static", stack).filter((bucket) => writes(bucket, "static/app.js"));
    const images = deploys
      ? []
      : actionsIn(grantsOf(role, stack).statements, ["ecr:BatchDeleteImage", "ecr:PutImage"]);
    if (!isInstances(role)) {
      const folders = [
        ...(deploys ? [] : DEPLOYMENT_FOLDERS),
        ...(isNamed(role, stack.parameters.updaters) ? [] : [UPDATE_FOLDER]),
        RESTORE_FOLDER,
      ];
      const artifacts = bucketsOf("artifacts", stack).flatMap((bucket) =>
        folders
          .filter((folder) => writes(bucket, `${folder}/1.zip`))
          .map((folder) => `${folder}/ of ${bucket}`),
      );
      return [
        ...statics.map((bucket) => `static files in ${bucket}`),
        ...artifacts,
        ...images.map((action) => `images (${action})`),
      ].map((what) => `The role may write ${what}. Remove it.`);
    }
    const [account = ""] = ownAccounts(stack);
    const [region = ""] = regionsOf(stack);
    const code = [
      ...bucketsOf("artifacts", stack).flatMap((bucket) => [
        [bucket, "bundles/1.zip"],
        [bucket, "pulumi/1.zip"],
        [bucket, "wheels/1.whl"],
      ]),
      [`elasticbeanstalk-${region}-${account}`, "resources/environments/e-1/_runtime/_versions/iaso/1"],
      [`elasticbeanstalk-${region}-${account}`, "iaso/1.zip"],
    ].filter(([bucket = "", key = ""]) => writes(bucket, key));
    const changes = actionsIn(
      grantsOf(role, stack).statements,
      ["CreateApplicationVersion", "UpdateEnvironment"].map((name) => `elasticbeanstalk:${name}`),
    );
    return [...statics, ...new Set(code.map(([bucket = ""]) => bucket)), ...changes, ...images].map(
      (what) => `The instances may change code or static files: ${what}. Remove it.`,
    );
  },
});
