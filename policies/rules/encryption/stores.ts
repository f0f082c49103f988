import { ownAccounts, regionsOf, resourcesWith, Stack } from "../../context";
import { Statement, statementsOf } from "../../iam/document";
import { judge } from "../../iam/evaluate";
import { identitiesOf } from "../../identity";
import { named, targetsOf, used, usesOf } from "../../references";
import { Resource } from "../../resource";
import { defineRule } from "../../rule";
import { hasUnknown, notEvaluated } from "../../values";
import { classOf, PART } from "../storage/bucket";
import { KEY } from "./key";

const LOG_GROUP = "aws:cloudwatch/logGroup:LogGroup";

/** The property of a store that names its key, as in policies/facts/references.ts. */
const KEY_OF = {
  [LOG_GROUP]: "kmsKeyId",
  "aws:elasticache/replicationGroup:ReplicationGroup": "kmsKeyId",
  "aws:rds/instance:Instance": "kmsKeyId",
  "aws:sns/topic:Topic": "kmsMasterKeyId",
  "aws:sqs/queue:Queue": "kmsMasterKeyId",
  [PART.encryption]: "rules.applyServerSideEncryptionByDefault.kmsMasterKeyId",
} as const;

/** The service of a store that uses the key in the name of whoever creates the store. */
const VIA: Record<string, string> = {
  "aws:elasticache/replicationGroup:ReplicationGroup": "elasticache",
  "aws:rds/instance:Instance": "rds",
};

/** True if the policy of a key lets the account's roles, which have no rights to it in IAM, create a store with it. */
function letsPeopleUseKey(key: Resource, service: string, stack: Stack): boolean {
  if (hasUnknown(key.inputs.policy) || key.inputs.policy === undefined) return true;
  const [account = ""] = ownAccounts(stack);
  const [region = ""] = regionsOf(stack);
  const context = {
    "kms:CallerAccount": account,
    "kms:GrantIsForAWSResource": "true",
    "kms:ViaService": `${service}.${region}.amazonaws.com`,
  };
  const arn = `arn:aws:iam::${account}:role/creator`;
  return ["kms:CreateGrant", "kms:Decrypt", "kms:GenerateDataKey"].every((action) => {
    const request = { requester: { arn }, action, resource: "*", account, context };
    const { decision, by } = judge(statementsOf(key.inputs.policy), request, true);
    return decision === "allow" && by === "itself";
  });
}

/** The key of an existing store cannot change: the program names the new one, and ignoreChanges hides it. */
const keepsOldKey = (store: Resource, property: string, stack: Stack): boolean =>
  (store.ignoreChanges ?? []).includes(property) &&
  store.inputs[property] === undefined &&
  used(store, property, KEY, stack).length > 0;

export const storesUseKey = defineRule({
  name: "stores-use-key",
  kind: "closed world",
  types: Object.keys(KEY_OF) as (keyof typeof KEY_OF)[],
  description:
    "In a stack with a KMS key, database, media, queues, alarms, logs and Redis are encrypted with it; static files and the bucket for logs are not",
  why: "people rely on the key for all data, and no browser and no load balancer can use one",
  severity: "high",
  neighbours: true,
  check: (store, stack) => {
    if (store.type === PART.encryption) {
      const [bucket] = resourcesWith(stack, "aws:s3/bucket:Bucket", "bucket", store.inputs.bucket);
      const bucketClass = bucket === undefined ? "" : classOf(bucket);
      if (["logs", "static"].includes(bucketClass))
        return JSON.stringify(store.inputs.rules ?? "").includes("aws:kms")
          ? [`The bucket of class ${bucketClass} is encrypted with KMS. Write AES256.`]
          : [];
      if (bucketClass !== "media") return [];
    }
    if (stack.ofType(KEY).length === 0) return [];
    const property = KEY_OF[store.type];
    const values = usesOf(store, stack)
      .filter(({ where }) => where === property)
      .map(({ value }) => value);
    const keys = named(store, property, values, KEY, stack);
    const { performanceInsightsKmsKeyId: insights } = store.inputs as {
      performanceInsightsKmsKeyId?: unknown;
    };
    const wrong = [
      ...(keys.length > 0 || keepsOldKey(store, property, stack) ? [] : [property]),
      ...(insights === undefined || targetsOf(store, "performanceInsightsKmsKeyId", KEY, stack).length > 0
        ? []
        : ["performanceInsightsKmsKeyId"]),
    ];
    const service = VIA[store.type];
    const refusing =
      service === undefined ? [] : keys.filter((key) => !letsPeopleUseKey(key, service, stack));
    return [
      ...wrong.map(
        (name) => `It is not encrypted with the KMS key of this program. Write the key as ${name}.`,
      ),
      ...refusing.map(
        ({ name }) =>
          `Key ${name} does not let the account use it through ${String(service)}. Write an Allow of kms:Decrypt, kms:GenerateDataKey and kms:CreateGrant with kms:ViaService.`,
      ),
    ];
  },
});

/** True if the statements of a key policy let a service use the key for a request. */
export function letsServiceUseKey(
  statements: Statement[],
  service: string,
  actions: readonly string[],
  context: Record<string, string>,
  account: string,
): boolean {
  return actions.every(
    (action) =>
      judge(statements, { requester: { service }, action, resource: "*", account, context }, true)
        .decision === "allow",
  );
}

export const logsUseKey = defineRule({
  name: "logs-use-key",
  kind: "evidence",
  types: [LOG_GROUP],
  description: "The policy of a log group's KMS key lets CloudWatch Logs use the key for the group",
  why: "CloudWatch would refuse the group, or drop what is written",
  severity: "high",
  neighbours: true,
  check: (group, stack) => {
    const keys = targetsOf(group, "kmsKeyId", KEY, stack);
    if (keys.some(({ inputs }) => hasUnknown(inputs.policy))) return notEvaluated("the key's policy");
    const [account = ""] = ownAccounts(stack);
    const [region = ""] = regionsOf(stack);
    const arn = identitiesOf(group, stack).find((one) => one.startsWith("arn:")) ?? "";
    const refusing = keys.filter(
      (key) =>
        !letsServiceUseKey(
          statementsOf(key.inputs.policy),
          `logs.${region}.amazonaws.com`,
          ["kms:Decrypt", "kms:Encrypt", "kms:GenerateDataKey"],
          { "kms:EncryptionContext:aws:logs:arn": arn },
          account,
        ),
    );
    return refusing.map(
      ({ name }) =>
        `Key ${name} does not let CloudWatch Logs encrypt the group. Write an Allow for logs.${region}.amazonaws.com with kms:EncryptionContext:aws:logs:arn.`,
    );
  },
});
