import { resourcesWith } from "../../context";
import { defineRule } from "../../rule";
import { array, at, demand, hasUnknown, notEvaluated, text } from "../../values";
import { checkPart, classOf, PART } from "./bucket";

export const mediaKept = defineRule({
  name: "media-kept",
  types: ["aws:s3/bucket:Bucket"],
  description: "Media never expires; overwritten and deleted objects are kept for a minimum number of days",
  why: "a lifecycle rule deletes permanently",
  severity: "high",
  neighbours: true,
  parameters: {
    minDays: {
      type: "number",
      default: 7,
      description: "Minimum number of days for which old versions are kept",
    },
  },
  check: (bucket, stack) => {
    if (classOf(bucket) !== "media") return [];
    const { minDays } = stack.parameters;
    return resourcesWith(stack, PART.lifecycle, "bucket", bucket.inputs.bucket).flatMap(({ inputs }) =>
      hasUnknown(inputs.rules)
        ? notEvaluated("the bucket's lifecycle")
        : array(inputs.rules)
            .filter((rule) => at(rule, "status") === "Enabled")
            .flatMap((rule) => {
              const expiration = at(rule, "expiration");
              const oldVersions = at(rule, "noncurrentVersionExpiration");
              const days = at(oldVersions, "noncurrentDays");
              return [
                // The engine shows outputs too: AWS adds 0 days.
                ...(Number(at(expiration, "days") ?? 0) === 0 && text(at(expiration, "date")) === ""
                  ? []
                  : ["Objects expire. Remove days and date from expiration."]),
                ...(oldVersions === undefined
                  ? []
                  : demand(days, Number(days) >= minDays, "noncurrentDays", `${String(minDays)} or more`)),
              ];
            }),
    );
  },
});

export const logsExpire = defineRule({
  name: "logs-expire",
  types: ["aws:s3/bucket:Bucket"],
  description: "Logs in a bucket expire after a set time, not before those of CloudWatch",
  why: "logs contain personal data and would be kept forever, or half of them would be gone when somebody looks",
  severity: "medium",
  reference: "AWS FSBP S3.13",
  neighbours: true,
  check: (bucket, stack) =>
    classOf(bucket) !== "logs"
      ? []
      : checkPart(bucket, stack, PART.lifecycle, "lifecycle", ({ rules }) => {
          if (hasUnknown(rules)) return notEvaluated("the bucket's lifecycle");
          const days = array(rules)
            .filter((rule) => at(rule, "status") === "Enabled")
            .map((rule) => Number(at(at(rule, "expiration"), "days")))
            .filter((one) => one > 0);
          if (days.length === 0) return ["No log expires. Write an enabled rule with expiration.days."];
          const groups = stack
            .ofType("aws:cloudwatch/logGroup:LogGroup")
            .map(({ inputs }) => Number(inputs.retentionInDays))
            .filter((one) => one > 0);
          const least = Math.min(...groups);
          return groups.length === 0 || Math.min(...days) >= least
            ? []
            : [`Logs expire after ${String(Math.min(...days))} days. Write ${String(least)}, as log groups.`];
        }),
});
