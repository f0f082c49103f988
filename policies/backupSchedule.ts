import { Stack } from "./context";
import { overlap, window } from "./rules/values/database";
import { text } from "./values";

const MINUTE = "[0-5]?\\d";
const HOUR = "(?:1?\\d|2[0-3])";

/** Every day, once or several times, at times of UTC: hours are a list, a range, or begin at one and go on in steps. */
const DAILY = new RegExp(
  `^cron\\(${MINUTE} (\\*|(${HOUR}|\\*)/${HOUR}|${HOUR}(-${HOUR})?(,${HOUR})*) (\\*|\\?) \\* (\\*|\\?) \\*\\)$`,
);

/** True for the schedule of a backup plan that makes a backup every day. */
export const isDaily = (schedule: unknown): boolean => DAILY.test(text(schedule));

/** Minutes before a window of RDS in which AWS Backup begins no snapshot. */
const CLOSE = 60;

/**
 * Returns what is wrong with a schedule at fixed hours beside the windows of databases. RDS refuses snapshots in its own
 * windows, and AWS Backup begins none in the hour before.
 *
 * @see https://docs.aws.amazon.com/aws-backup/latest/devguide/plan-options-and-configuration.html
 */
export function windowProblems(schedule: unknown, stack: Stack): string[] {
  const [, minute, hours] = /^cron\((\d{1,2}) ([\d,]+) /.exec(text(schedule)) ?? [];
  const starts = (hours ?? "").split(",").map((hour) => Number(hour) * 60 + Number(minute));
  return stack.ofType("aws:rds/instance:Instance").flatMap(({ name, inputs }) =>
    (["backupWindow", "maintenanceWindow"] as const)
      .filter((property) => {
        const taken = window(inputs[property], property === "backupWindow");
        return (
          taken !== undefined &&
          starts.some((start) => !Number.isNaN(start) && overlap([start, start + CLOSE], taken))
        );
      })
      .map(
        (property) =>
          `The schedule begins in the ${property} of ${name}, or within an hour before it. Write another hour.`,
      ),
  );
}
