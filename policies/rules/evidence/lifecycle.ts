import { resourcesWith } from "../../context";
import { ResourceOf } from "../../resource";
import { defineRule } from "../../rule";
import { array, at, demand, first, hasUnknown, notEvaluated, object, text } from "../../values";
import { classOf, PART } from "../storage/bucket";

/** A lifecycle rule that acts on every object. */
function appliesToAll(rule: unknown): boolean {
  const { filter, prefix } = rule as Record<string, unknown>;
  const isSet = (value: unknown) =>
    ![undefined, null, "", "{}"].includes(typeof value === "object" ? JSON.stringify(value) : text(value));
  return !Object.values((filter ?? {}) as Record<string, unknown>).some(isSet) && text(prefix) === "";
}

/** Storage classes whose objects are in several zones and can be read at once. */
const AT_HAND = ["STANDARD_IA", "INTELLIGENT_TIERING", "GLACIER_IR"];

/** Classes from which S3 takes hours to read: old logs may wait. */
const ARCHIVES = ["DEEP_ARCHIVE", "GLACIER"];

const isOn = (rule: unknown): boolean => (rule as Record<string, unknown>).status === "Enabled";

type Lifecycle = ResourceOf<typeof PART.lifecycle>;

export const lifecycleWhole = defineRule({
  name: "lifecycle-whole",
  kind: "evidence",
  types: ["aws:s3/bucket:Bucket"],
  description:
    "One lifecycle configuration of each bucket expires old versions and incomplete uploads of all objects, and no current object but logs; nothing but logs moves to an archive",
  why: "files in use would disappear or take hours to read, and old versions would be kept forever",
  severity: "high",
  neighbours: true,
  parameters: {
    minDays: {
      type: "number",
      default: 14,
      description: "Minimum number of days for which old versions of static files and code are kept",
    },
  },
  check: (bucket, stack) => {
    const { minDays } = stack.parameters;
    const configurations: Lifecycle[] = resourcesWith(stack, PART.lifecycle, "bucket", bucket.inputs.bucket);
    if (configurations.length !== 1)
      return [`The bucket has ${String(configurations.length)} lifecycle configurations. Write one.`];
    if (configurations.some(({ inputs }) => hasUnknown(inputs.rules)))
      return notEvaluated("the bucket's lifecycle");
    const rules = configurations.flatMap(({ inputs }) => array(inputs.rules));
    const whole = rules.filter((rule) => isOn(rule) && appliesToAll(rule));
    const isLogs = classOf(bucket) === "logs";
    const ids = rules.map((rule) => text(at(rule, "id"))).filter((id) => id !== "");
    const days = (rule: (typeof rules)[number]) =>
      at(at(rule, "noncurrentVersionExpiration"), "noncurrentDays");
    const kept = classOf(bucket) === "media" || isLogs ? 1 : minDays;
    return [
      ...rules.flatMap((rule) => {
        const expiration = at(rule, "expiration");
        const expires = Number(at(expiration, "days") ?? 0) > 0 || text(at(expiration, "date")) !== "";
        const moves = [at(rule, "transitions"), at(rule, "noncurrentVersionTransitions")]
          .flatMap((one) => array(one))
          .map((one) => text(object(one).storageClass))
          .filter((one) => !AT_HAND.includes(one) && !(isLogs && ARCHIVES.includes(one)));
        return [
          ...(expires && !isLogs ? ["Objects expire. Remove days and date from expiration."] : []),
          ...(moves.length === 0
            ? []
            : [`Objects move to ${first(moves)}. Write ${AT_HAND.join(" or ")}, or remove the transitions.`]),
          ...(at(rule, "noncurrentVersionExpiration") === undefined
            ? []
            : demand(days(rule), Number(days(rule)) >= kept, "noncurrentDays", `${String(kept)} or more`)),
          ...demand(
            at(rule, "status"),
            ["Enabled", "Disabled"].includes(text(at(rule, "status"))),
            "status",
            "Enabled",
          ),
        ];
      }),
      ...(new Set(ids).size === ids.length
        ? []
        : [`Two lifecycle rules have one id, and S3 refuses both. Write one of ${first(ids)} differently.`]),
      ...(whole.some((rule) => Number(days(rule)) > 0)
        ? []
        : [
            "Old versions are kept forever. Write an enabled rule with noncurrentVersionExpiration for all objects.",
          ]),
      ...(whole.some((rule) => {
        const after = Number(at(at(rule, "abortIncompleteMultipartUpload"), "daysAfterInitiation"));
        return after >= 1 && after <= 30;
      })
        ? []
        : [
            "Incomplete uploads are kept forever. Write an enabled rule with abortIncompleteMultipartUpload of 1 to 30 days.",
          ]),
    ];
  },
});
