import { every, ownAccounts, regionsOf, Stack } from "../../context";
import { conditionsOf, demandsValue, Statement, statementsOf, strings } from "../../iam/document";
import { actionMatches, judge } from "../../iam/evaluate";
import { allowsOutsiders } from "../../iam/principals";
import { nameOf } from "../../identity";
import { defineRule } from "../../rule";
import { demand, first, hasUnknown, notEvaluated, object, text } from "../../values";
import { arnOfRole, grantsOf, isForServices, isGithubs, ROLE } from "../iam/grants";

export const KEY = "aws:kms/key:Key";
const ALIAS = "aws:kms/alias:Alias";
export const keyKept = defineRule({
  name: "key-kept",
  types: [KEY, ALIAS],
  description:
    "A KMS key is renewed every year, waits 30 days before its deletion, and Pulumi neither deletes nor disables it",
  why: "everything that the key encrypted would be lost with it, in snapshots too",
  severity: "critical",
  reference: "AWS FSBP KMS.4",
  check: (resource) => {
    const kept = [
      ...(resource.protect === true ? [] : ["It is not protected. Write protect: true in its options."]),
      // The engine does not show this option to policies; previews and exports do.
      ...(resource.retainOnDelete === false
        ? ["It would be deleted with the stack, which leaves snapshots. Write retainOnDelete: true."]
        : []),
    ];
    if (resource.type === ALIAS) return kept;
    const {
      enableKeyRotation,
      rotationPeriodInDays: period = 365,
      deletionWindowInDays: days = 30,
      isEnabled = true,
      multiRegion = false,
      bypassPolicyLockoutSafetyCheck: bypass = false,
      customKeyStoreId,
      keyUsage = "ENCRYPT_DECRYPT",
      customerMasterKeySpec: spec = "SYMMETRIC_DEFAULT",
    } = resource.inputs;
    return [
      ...kept,
      ...demand(enableKeyRotation, enableKeyRotation === true, "enableKeyRotation", "true"),
      ...demand(period, Number(period) >= 90 && Number(period) <= 365, "rotationPeriodInDays", "90 to 365"),
      ...demand(days, Number(days) === 30, "deletionWindowInDays", "30"),
      ...demand(isEnabled, isEnabled === true, "isEnabled", "true"),
      ...demand(multiRegion, multiRegion === false, "multiRegion", "false: no other region may have it"),
      ...demand(bypass, bypass === false, "bypassPolicyLockoutSafetyCheck", "false"),
      ...demand(customKeyStoreId, customKeyStoreId === undefined, "customKeyStoreId", "nothing"),
      ...demand(keyUsage, keyUsage === "ENCRYPT_DECRYPT", "keyUsage", "ENCRYPT_DECRYPT"),
      ...demand(spec, spec === "SYMMETRIC_DEFAULT", "customerMasterKeySpec", "SYMMETRIC_DEFAULT"),
    ];
  },
});

/** Actions that change a key, or give it to others. */
const ADMINISTRATION = [
  "kms:CreateGrant",
  "kms:DeleteAlias",
  "kms:DeleteImportedKeyMaterial",
  "kms:DisableKey",
  "kms:DisableKeyRotation",
  "kms:ImportKeyMaterial",
  "kms:PutKeyPolicy",
  "kms:ReplicateKey",
  "kms:RevokeGrant",
  "kms:ScheduleKeyDeletion",
  "kms:UpdateAlias",
];

/** Actions that the policy of a key denies the roles of GitHub, whatever IAM allows them. */
const DENIED_TO_GITHUB = ["kms:DisableKey", "kms:PutKeyPolicy", "kms:ScheduleKeyDeletion", "kms:UpdateAlias"];

/** The services through which everyone in the account may use the key who may use the service. */
const STORES = ["backup", "elasticache", "rds"];

/** The services that use the key in their own name: CloudWatch for alarms to the topic, CloudWatch Logs in each region. */
const isUser = (service: string, stack: Stack): boolean =>
  ["cloudwatch.amazonaws.com", ...regionsOf(stack).map((region) => `logs.${region}.amazonaws.com`)].includes(
    service,
  );

const demanded = (statement: Statement, key: string): string[] =>
  conditionsOf(statement)
    .filter((one) => one.key === key && /^string(equals|like)$/i.test(one.operator))
    .flatMap(({ values }) => values.map(String));

/** The problems of one Allow of a key policy. */
function problemsOfAllow(statement: Statement, stack: Stack): string[] {
  const accounts = ownAccounts(stack);
  const sid = `Statement ${text(statement.Sid)}`;
  const aws = strings(object(statement.Principal).AWS);
  const roots = accounts.flatMap((account) => [account, `arn:aws:iam::${account}:root`]);
  if (
    aws.length > 0 &&
    Object.keys(object(statement.Principal)).length === 1 &&
    aws.every((one) => roots.includes(one))
  )
    return [];
  const isEveryone = statement.Principal === "*" || aws.some((one) => /[*?]/.test(one));
  const services = regionsOf(stack).flatMap((region) =>
    STORES.map((one) => `${one}.${region}.amazonaws.com`),
  );
  const via = demanded(statement, "kms:viaservice");
  const strange = strings(object(statement.Principal).Service).filter((one) => !isUser(one, stack));
  const administers = ADMINISTRATION.filter(
    (action) =>
      actionMatches(statement, action) && !(action === "kms:CreateGrant" && isForServices(statement)),
  );
  return [
    ...(allowsOutsiders(statement, accounts)
      ? [`${sid} lets others use the key. Write kms:CallerAccount, or aws:SourceAccount for a service.`]
      : []),
    ...(isEveryone && (via.length === 0 || via.some((one) => !services.includes(one)))
      ? [`${sid} lets everyone in the account use the key. Write kms:ViaService ${services.join(", ")}.`]
      : []),
    ...(strange.length > 0 ? [`${sid} lets ${first(strange)} use the key. Remove it.`] : []),
    ...(administers.length > 0
      ? [
          `${sid} allows ${first(administers)}. Remove it: IAM policies of the account allow it to administrators.`,
        ]
      : []),
  ];
}

export const keyPolicyNarrow = defineRule({
  name: "key-policy-narrow",
  kind: "role",
  types: [KEY],
  description:
    "A key policy lets only the account and its services use the key, and no role of GitHub administer it",
  why: "whoever may change the key can read what it encrypts, or make it unreadable for everyone",
  severity: "critical",
  neighbours: true,
  check: (key, stack) => {
    const { policy } = key.inputs;
    if (hasUnknown(policy)) return notEvaluated("policy");
    if (policy === undefined) return ["The key has KMS's default policy. Write one."];
    const statements = statementsOf(policy);
    const [account = ""] = ownAccounts(stack);
    const roles = stack
      .ofType(ROLE)
      .filter(isGithubs)
      .map((role) => arnOfRole(role, stack));
    const isDenied = (arn: string, action: string) =>
      judge(
        statements,
        { requester: { arn }, action, resource: "*", account, context: { "aws:PrincipalArn": arn } },
        true,
      ).decision === "deny";
    const open = roles.filter((arn) => DENIED_TO_GITHUB.some((action) => !isDenied(arn, action)));
    const delegates = judge(
      statements.filter(({ Condition }) => Condition === undefined),
      {
        requester: { arn: `arn:aws:iam::${account}:user/administrator` },
        action: "kms:PutKeyPolicy",
        resource: "*",
        account,
        context: {},
      },
      true,
    );
    return [
      ...statements.filter(({ Effect }) => Effect === "Allow").flatMap((one) => problemsOfAllow(one, stack)),
      ...(open.length === 0
        ? []
        : [`${first(open)} could administer the key. Write a Deny of ${DENIED_TO_GITHUB.join(", ")}.`]),
      ...(delegates.decision === "allow"
        ? []
        : ["Nobody could change the policy. Write an Allow of kms:* for the account's root."]),
    ];
  },
});

/** Actions that read or change data with a key. */
const DATA_USE = [
  "kms:Decrypt",
  "kms:Encrypt",
  "kms:GenerateDataKey",
  "kms:ReEncryptFrom",
  "kms:ReEncryptTo",
];

/** True if a statement works only through services of AWS, and with the environment's own key or for named parameters. */
function isOwnUse(statement: Statement, stack: Stack): boolean {
  const aliases = every(stack, ALIAS).map(nameOf);
  const via = demanded(statement, "kms:viaservice");
  const limits = conditionsOf(statement).filter(
    ({ operator, key, values }) =>
      (key === "kms:resourcealiases" &&
        /^foranyvalue:stringequals$/i.test(operator) &&
        values.every((one) => aliases.includes(text(one)))) ||
      (key === "kms:encryptioncontext:parameter_arn" && demandsValue({ operator, key, values })),
  );
  return via.length > 0 && !via.some((one) => /[*?]/.test(one)) && limits.length > 0;
}

export const keysOfOwnData = defineRule({
  name: "keys-of-own-data",
  kind: "role",
  types: [ROLE],
  description:
    "A role uses KMS only through services, with the key of its environment by alias or for parameters by name",
  why: "with a key of others, whoever gets the role reads their data, or encrypts ours so that nobody can read it",
  severity: "critical",
  neighbours: true,
  check: (role, stack) => {
    const wide = grantsOf(role, stack).statements.filter(
      (statement) =>
        statement.Effect === "Allow" &&
        DATA_USE.some((action) => actionMatches(statement, action)) &&
        !isOwnUse(statement, stack),
    );
    return wide.map(
      ({ Sid }) =>
        `Statement ${text(Sid)} allows the use of other keys. Write kms:ViaService, and kms:ResourceAliases with ForAnyValue:StringEquals.`,
    );
  },
});
