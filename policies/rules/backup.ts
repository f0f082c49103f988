import {
  isInOwnRegion,
  ownAccounts,
  regionsOf,
  regionsOfResource,
  resourcesUsing,
  resourcesWith,
  Stack,
  tagOf,
} from "../context";
import { isDaily, windowProblems } from "../backupSchedule";
import { byIdentity } from "../identity";
import { Resource, ResourceOf } from "../resource";
import { targetsOf } from "../references";
import { defineRule } from "../rule";
import { array, at, demand, hasUnknown, isEmpty, notEvaluated, text } from "../values";

const VAULT = "aws:backup/vault:Vault";
const LOCK = "aws:backup/vaultLockConfiguration:VaultLockConfiguration";
const PLAN = "aws:backup/plan:Plan";
const SELECTION = "aws:backup/selection:Selection";
const DATABASE = "aws:rds/instance:Instance";
const BUCKET = "aws:s3/bucket:Bucket";

/** The shortest and the longest time in days for which a backup may be kept. */
const RETENTION = { shortest: 7, longest: 3650 };

const isRetention = (days: unknown): boolean =>
  Number(days) >= RETENTION.shortest && Number(days) <= RETENTION.longest;

/** The locks of a vault: those with its name in its region, and those that use an output of it. */
const locksOf = (vault: ResourceOf<typeof VAULT>, stack: Stack) => {
  const regionOf = (resource: Resource) => regionsOfResource(resource, stack).join();
  return [
    ...new Set([
      ...resourcesUsing(stack, LOCK, "backupVaultName", vault.urn),
      ...resourcesWith(stack, LOCK, "backupVaultName", vault.inputs.name),
    ]),
  ].filter((lock) => regionOf(lock) === regionOf(vault));
};

function problemsOfLock({ inputs }: ResourceOf<typeof LOCK>): string[] {
  const { minRetentionDays, maxRetentionDays, changeableForDays } = inputs;
  return [
    ...demand(
      minRetentionDays,
      isRetention(minRetentionDays),
      "minRetentionDays",
      `a number from ${String(RETENTION.shortest)} to ${String(RETENTION.longest)}`,
    ),
    ...demand(
      maxRetentionDays,
      isRetention(maxRetentionDays) && Number(maxRetentionDays) >= Number(minRetentionDays),
      "maxRetentionDays",
      `a number from minRetentionDays to ${String(RETENTION.longest)}`,
    ),
    ...demand(
      changeableForDays,
      changeableForDays === undefined || (Number(changeableForDays) >= 3 && Number(changeableForDays) <= 30),
      "changeableForDays",
      "a number from 3 to 30, or nothing for a lock that an administrator can remove",
    ),
  ];
}

export const backupVaultLocked = defineRule({
  name: "backup-vault-locked",
  types: [VAULT],
  description:
    "A vault has a lock that keeps each backup for at least a week, is protected and kept, and is never emptied by Pulumi",
  why: "whoever deletes the data could delete its backups with it",
  severity: "critical",
  neighbours: true,
  check: (vault, stack) => {
    const locks = locksOf(vault, stack);
    return [
      ...(locks.length === 1
        ? locks.flatMap(problemsOfLock)
        : [`The vault has ${locks.length === 0 ? "no lock" : "several locks"}. Write one lock.`]),
      ...[vault, ...locks]
        .filter(({ protect }) => protect !== true)
        .map(({ name }) => `${name} is not protected. Write protect: true in its options.`),
      ...demand(
        vault.inputs.forceDestroy,
        (vault.inputs.forceDestroy ?? false) === false,
        "forceDestroy",
        "nothing",
      ),
    ];
  },
});

type PlanRule = Record<string, unknown>;
const rulesOf = ({ inputs }: ResourceOf<typeof PLAN>): PlanRule[] => array(inputs.rules);

/** The properties that a rule of a plan, its lifecycles and its copies may have. */
const KNOWN = {
  rule: [
    "completionWindow",
    "copyActions",
    "enableContinuousBackup",
    "lifecycle",
    "ruleName",
    "schedule",
    "scheduleExpressionTimezone",
    "startWindow",
    "targetVaultName",
  ],
  copy: ["destinationVaultArn", "lifecycle"],
  lifecycle: ["coldStorageAfter", "deleteAfter"],
};

/** True for the values that Pulumi's provider fills in. */
const isFilledIn = (value: unknown): boolean =>
  isEmpty(value) || value === false || (typeof value === "object" && Object.keys(value ?? {}).length === 0);

/** Returns the properties that nobody judges. */
const unknownProperties = (value: unknown, known: readonly string[]): string[] =>
  Object.entries((value ?? {}) as PlanRule)
    .filter(([name, one]) => !known.includes(name) && !name.startsWith("__") && !isFilledIn(one))
    .map(([name]) => `A rule sets ${name}. Remove it: its values are not judged.`);

/** The vault that a rule names as that of its backups, in the region of the provider. */
const targetOf = ({ targetVaultName }: PlanRule, stack: Stack): Resource | undefined =>
  resourcesWith(stack, VAULT, "name", targetVaultName).find((vault) => isInOwnRegion(vault, stack));

/** The vaults that a rule copies its backups to. */
const copiesOf = ({ copyActions }: PlanRule, stack: Stack): Resource[] =>
  array(copyActions).flatMap(
    (copy) => byIdentity(VAULT, stack).get(text(at(copy as PlanRule, "destinationVaultArn"))) ?? [],
  );

/** The lock of the vault with a name in the region of the provider, or of a vault for copies. */
const limitsOf = (vault: Resource | undefined, stack: Stack): { least: number; most: number }[] =>
  vault === undefined
    ? []
    : locksOf(vault as ResourceOf<typeof VAULT>, stack).map(({ inputs }) => ({
        least: Number(inputs.minRetentionDays ?? 0),
        most: Number(inputs.maxRetentionDays ?? Infinity),
      }));

/**
 * The minutes in which a backup must begin: unless a rule says otherwise, the least that AWS Backup takes, and the most with
 * which a missed backup is known the same day.
 */
const START = { usual: 480, least: 60, most: 720 };

/** The most minutes in which a backup must end: AWS Backup's own limit if a rule has none. */
const LONGEST = 10_080;

/** Returns what is wrong with the times of a rule in minutes, and with the days for which its vaults keep backups. */
function timeProblems(rule: PlanRule, stack: Stack): string[] {
  const { startWindow, completionWindow, lifecycle } = rule;
  const start = Number(startWindow ?? START.usual);
  const days = Number(at(lifecycle as PlanRule, "deleteAfter"));
  const copies = (array(rule.copyActions) as PlanRule[]).map((copy) => ({
    days: Number(at(copy.lifecycle as PlanRule, "deleteAfter")),
    vault: copiesOf({ copyActions: [copy] }, stack)[0],
  }));
  const refusing = [{ days, vault: targetOf(rule, stack) }, ...copies].filter(({ days: kept, vault }) =>
    limitsOf(vault, stack).some(({ least, most }) => kept < least || kept > most),
  );
  return [
    ...demand(
      startWindow,
      start >= START.least && start <= START.most,
      "startWindow",
      `${String(START.least)} to ${String(START.most)} minutes`,
    ),
    ...demand(
      completionWindow,
      completionWindow === undefined ||
        (Number(completionWindow) >= start + 60 && Number(completionWindow) <= LONGEST),
      "completionWindow",
      `an hour more than startWindow to ${String(LONGEST)} minutes, or nothing`,
    ),
    ...refusing.map(
      ({ vault, days: kept }) =>
        `The lock of ${String(vault?.name)} refuses backups of ${String(kept)} days. Write deleteAfter between its limits.`,
    ),
  ];
}

function problemsOfRule(rule: PlanRule, stack: Stack): string[] {
  const { targetVaultName, scheduleExpressionTimezone, enableContinuousBackup, lifecycle } = rule;
  const copies = array(rule.copyActions) as PlanRule[];
  return [
    ...unknownProperties(rule, KNOWN.rule),
    ...copies.flatMap((copy) => unknownProperties(copy, KNOWN.copy)),
    ...[lifecycle, ...copies.map((copy) => copy.lifecycle)].flatMap((one) =>
      unknownProperties(one, KNOWN.lifecycle),
    ),
    ...demand(
      targetVaultName,
      targetOf(rule, stack) !== undefined,
      "targetVaultName",
      "the name of a vault of this program in its region",
    ),
    ...timeProblems(rule, stack),
    ...demand(
      scheduleExpressionTimezone,
      ["", "Etc/UTC", "UTC"].includes(text(scheduleExpressionTimezone)),
      "scheduleExpressionTimezone",
      "Etc/UTC, as RDS's windows",
    ),
    ...demand(
      enableContinuousBackup,
      (enableContinuousBackup ?? false) === false,
      "enableContinuousBackup",
      "nothing: it would take over the retention of RDS's own backups",
    ),
    ...[lifecycle, ...copies.map((copy) => copy.lifecycle)].flatMap((one) => {
      const { deleteAfter, coldStorageAfter } = (one ?? {}) as PlanRule;
      return [
        ...demand(
          deleteAfter,
          isRetention(deleteAfter),
          "deleteAfter",
          `a number from ${String(RETENTION.shortest)} to ${String(RETENTION.longest)}`,
        ),
        ...demand(
          coldStorageAfter,
          coldStorageAfter === undefined,
          "coldStorageAfter",
          "nothing: RDS and S3 have none",
        ),
      ];
    }),
    ...copies
      .filter((copy) => hasUnknown(copy.destinationVaultArn))
      .flatMap(() => notEvaluated("destinationVaultArn")),
    ...copiesOf(rule, stack)
      .filter((vault) => isInOwnRegion(vault, stack))
      .map(
        ({ name }) => `Backups are copied to ${name}, in the same region. Write a vault of another region.`,
      ),
  ];
}

export const backupPlanDaily = defineRule({
  name: "backup-plan-daily",
  types: [PLAN],
  description:
    "A backup plan makes snapshots every day in a vault of this program, keeps them for 7 to 3650 days, copies them only to vaults of this program in other regions, and has a selection",
  why: "a backup that is not made, or that its vault refuses, is missed on the day of the disaster",
  severity: "high",
  neighbours: true,
  check: (plan, stack) => [
    ...(rulesOf(plan).some(({ schedule }) => isDaily(schedule))
      ? []
      : ["No rule makes a backup every day. Write a schedule such as cron(0 5 * * ? *)."]),
    ...rulesOf(plan).flatMap((rule) => [
      ...problemsOfRule(rule, stack),
      ...windowProblems(rule.schedule, stack),
    ]),
    ...(selectionsOf(plan, stack).length === 0 ? ["The plan has no selection. Write one."] : []),
  ],
});

const selectionsOf = (plan: Resource, stack: Stack) =>
  stack.ofType(SELECTION).filter((one) => targetsOf(one, "planId", PLAN, stack).includes(plan));

/** The ARN of the database or the bucket that a selection names. */
const arnOf = (resource: Resource, stack: Stack): string[] =>
  resource.type === BUCKET
    ? [`arn:aws:s3:::${text(resource.inputs.bucket)}`]
    : ownAccounts(stack).flatMap((account) =>
        regionsOf(stack).map(
          (region) => `arn:aws:rds:${region}:${account}:db:${text(resource.inputs.identifier)}`,
        ),
      );

/** The database, and the bucket with media. */
const sourcesOf = (stack: Stack): Resource[] => [
  ...stack.ofType(DATABASE),
  ...stack.ofType(BUCKET).filter((bucket) => tagOf(bucket, "class") === "media"),
];

export const backupSelectionWhole = defineRule({
  name: "backup-selection-whole",
  types: [SELECTION],
  description: "A selection of a backup plan names the database and the media bucket, and nothing else",
  why: "a part that nobody backs up is lost, and tags or conditions can leave one out",
  severity: "high",
  neighbours: true,
  check: ({ inputs }, stack) => {
    const { resources } = inputs;
    const wanted = sourcesOf(stack).flatMap((one) => arnOf(one, stack));
    const named = array(resources).map(text);
    return [
      ...demand(
        resources,
        named.length === wanted.length && wanted.every((arn) => named.includes(arn)),
        "resources",
        wanted.join(" and "),
      ),
      ...(["notResources", "selectionTags", "conditions"] as const)
        .filter((name) => array(inputs[name]).length > 0)
        .map((name) => `The selection sets ${name}. Remove it.`),
    ];
  },
});

export const backupsPresent = defineRule({
  name: "backups-present",
  kind: "evidence",
  types: [DATABASE],
  description:
    "AWS Backup keeps backups of the database and of media in as many vaults as the config says; vaults are in different regions",
  why: "RDS's own backups are lost with the account's access or with the region",
  severity: "high",
  neighbours: true,
  parameters: {
    vaults: { type: "number", default: 0, description: "Number of vaults, each in a region of its own" },
  },
  check: (database, stack) => {
    const { vaults } = stack.parameters;
    const arns = arnOf(database, stack);
    const reached = stack
      .ofType(SELECTION)
      .filter(({ inputs }) => array(inputs.resources).some((one) => arns.includes(text(one))))
      .flatMap((selection) => targetsOf(selection, "planId", PLAN, stack))
      .flatMap((plan) => rulesOf(plan as ResourceOf<typeof PLAN>))
      .flatMap((rule) => [targetOf(rule, stack), ...copiesOf(rule, stack)]);
    const found = new Set(reached.filter((vault) => vault !== undefined)).size;
    return found >= vaults
      ? []
      : [
          `Backups are in ${String(found)} of ${String(vaults)} vaults. Write a backup plan for the database, with a copy to each further vault.`,
        ];
  },
});
