import { object, text } from "../values";
import { conditionsOf, demandsValue, list, Statement } from "./document";
import { principalMatches } from "./evaluate";

/** True if a value is one of these account numbers, or an ARN of one of these accounts without earlier wildcards. */
export function isOf(accounts: string[], value: unknown): boolean {
  const [, partition, service, , account] = text(value).split(":");
  return (
    accounts.includes(text(value)) ||
    (accounts.includes(account ?? "") && !/[*?$]/.test(`${partition ?? ""}${service ?? ""}`))
  );
}

/** Condition keys that limit an Allow to an account if they must have a value of that account. */
const ACCOUNT_KEYS = [
  "aws:principalaccount",
  "aws:principalarn",
  "aws:sourceaccount",
  "aws:sourcearn",
  "kms:calleraccount",
  // CloudWatch Logs passes the ARN of the log group: https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/encrypt-log-data-kms.html
  "kms:encryptioncontext:aws:logs:arn",
];

function isLimitedTo(accounts: string[], statement: Statement): boolean {
  return conditionsOf(statement).some(
    (condition) =>
      demandsValue(condition) &&
      ACCOUNT_KEYS.includes(condition.key) &&
      condition.values.length > 0 &&
      condition.values.every((value) => isOf(accounts, value)),
  );
}

/**
 * True if an Allow of a resource's policy applies to a principal outside these accounts. An AWS service acts for any
 * customer, so it counts as outside unless a condition names the account for which it acts.
 *
 * @see https://docs.aws.amazon.com/IAM/latest/UserGuide/confused-deputy.html
 */
export function allowsOutsiders(statement: Statement, accounts: string[]): boolean {
  if (statement.Effect !== "Allow" || isLimitedTo(accounts, statement)) return false;
  if (statement.NotPrincipal !== undefined) return true;
  if (principalMatches(statement, {}) !== "none") return true;
  return Object.entries(object(statement.Principal)).some(([kind, value]) =>
    list(value).some((one) => kind !== "AWS" || !isOf(accounts, one)),
  );
}
