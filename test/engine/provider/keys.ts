import { statementsOf } from "../../../policies/iam/document";
import { judge } from "../../../policies/iam/evaluate";
import { Account, AwsError, Properties } from "./account";

const KEY = "aws:kms/key:Key";
const ROLE = "aws:iam/role:Role";

const ROLE_ARN = /"arn:aws:iam::\d+:role\/([^"*]+)"/g;

/**
 * Refuses a key policy that names a role that does not exist. A condition may name one.
 *
 * @see https://docs.aws.amazon.com/kms/latest/APIReference/API_PutKeyPolicy.html
 */
export function requirePrincipals(account: Account, { policy }: Properties): void {
  if (typeof policy !== "string") return;
  const named = statementsOf(policy).flatMap(({ Principal }) =>
    [...JSON.stringify(Principal ?? "").matchAll(ROLE_ARN)].map(([, name = ""]) => name),
  );
  const missing = named.find((name) => account.find(ROLE, name) === undefined);
  if (missing !== undefined)
    throw new AwsError(
      "MalformedPolicyDocumentException",
      `Policy contains a statement with one or more invalid principals: ${missing}`,
    );
}

/**
 * Refuses a log group with a key that does not exist or whose policy does not let CloudWatch Logs use it for the group.
 *
 * @see https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/encrypt-log-data-kms.html
 */
export function requireLogKey(account: Account, { name, kmsKeyId }: Properties): void {
  if (kmsKeyId === undefined) return;
  const key = account.ofType(KEY).find(({ state }) => state.arn === kmsKeyId);
  const [, , , region = "", accountId = ""] = (kmsKeyId as string).split(":");
  const arn = `arn:aws:logs:${region}:${accountId}:log-group:${String(name)}`;
  const request = {
    requester: { service: `logs.${region}.amazonaws.com` },
    resource: "*",
    account: accountId,
    context: { "kms:EncryptionContext:aws:logs:arn": arn },
  };
  const mayUse =
    key !== undefined &&
    ["kms:Decrypt", "kms:Encrypt", "kms:GenerateDataKey"].every(
      (action) => judge(statementsOf(key.inputs.policy), { ...request, action }, true).decision === "allow",
    );
  if (!mayUse)
    throw new AwsError(
      "InvalidParameterException",
      `The specified KMS key does not exist or is not allowed to be used with Arn '${arn}'`,
    );
}
