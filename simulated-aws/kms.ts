import { arn, Creation, ResourceTypes, requiredText, uuid } from "./model";

export const resourceTypes: ResourceTypes = {
  "aws:kms/key:Key": (creation) => {
    refuseKey(creation);
    const keyId = uuid(`key ${creation.accountId} ${creation.region} ${creation.name}`);
    return { id: keyId, outputs: { keyId, arn: arn(creation, "kms", `key/${keyId}`) } };
  },
  "aws:kms/alias:Alias": (creation) => {
    const name = requiredText(creation.inputs, "name");
    const targetKeyArn = arn(creation, "kms", `key/${requiredText(creation.inputs, "targetKeyId")}`);
    return { id: name, outputs: { name, arn: arn(creation, "kms", name), targetKeyArn } };
  },
};

/**
 * Refuses what KMS refuses: a window that it does not have, and a policy after which the account could not change the
 * policy. The caller is an administrator of the account, so the policy must let the account delegate to IAM.
 *
 * @see https://docs.aws.amazon.com/kms/latest/APIReference/API_CreateKey.html
 */
function refuseKey({ inputs, accountId }: Creation): void {
  const { deletionWindowInDays: days = 30, policy, bypassPolicyLockoutSafetyCheck } = inputs;
  if (typeof days === "number" && (days < 7 || days > 30))
    throw new Error("ValidationException: deletionWindowInDays must be from 7 to 30");
  // The default policy lets the account delegate.
  if (typeof policy !== "string" || !policy.startsWith("{") || bypassPolicyLockoutSafetyCheck === true)
    return;
  const root = [accountId, `arn:aws:iam::${accountId}:root`];
  const { Statement } = JSON.parse(policy) as { Statement: Record<string, unknown>[] };
  const delegates = Statement.some(
    ({ Effect, Principal, Action, Condition }) =>
      Effect === "Allow" &&
      Condition === undefined &&
      [(Principal as { AWS?: unknown } | undefined)?.AWS].flat().some((one) => root.includes(String(one))) &&
      [Action].flat().some((one) => ["*", "kms:*", "kms:Put*", "kms:PutKeyPolicy"].includes(String(one))),
  );
  if (!delegates)
    throw new Error(
      "MalformedPolicyDocumentException: The new key policy will not allow you to update the key policy in the future.",
    );
}
