import { describeError, remedyFor } from "../../cli/awsErrors";
import { type Clock } from "../clock";
import { Locked, LockLost } from "../coordination/lock";
import { escapeSlack, type Notify } from "../output/slack";
import { type Outcome, type Report } from "../output/report";
import { UserError } from "../../cli/userError";
import { Unfinished } from "./withLock";

export interface RunArgs {
  env: string;
  clock: Clock;
  /** What is begun, such as "deployment of /srv/iaso"; absent for commands nobody has to hear of. */
  announce?: string;
  notify: Notify;
  by: string;
  /** Where the run can be looked at. */
  link: string | undefined;
}

/** Runs a command to its report, whatever happens in it, and tells Slack of its start and end. */
export async function runCommand(args: RunArgs, command: () => Promise<Report>): Promise<Report> {
  const began = args.clock.now();
  const { announce, env } = args;
  if (announce !== undefined) await args.notify(slackText(args, `:rocket: ${env}: ${announce} started`));
  let report: Report;
  try {
    report = await command();
  } catch (error) {
    report = failureReport(env, error);
  }
  report.milliseconds = args.clock.now() - began;
  if (announce !== undefined) await args.notify(slackText(args, slackSummary(report), report));
  return report;
}

const ICONS: Partial<Record<Outcome, string>> = {
  deployed: ":white_check_mark:",
  unchanged: ":white_check_mark:",
  repaired: ":white_check_mark:",
  returned: ":leftwards_arrow_with_hook:",
  split: ":rotating_light:",
};

function slackSummary(report: Report): string {
  return `${ICONS[report.outcome] ?? ":x:"} ${report.summary}`;
}

function slackText({ by, link }: RunArgs, text: string, report?: Report): string {
  const seconds = report?.milliseconds === undefined ? undefined : Math.round(report.milliseconds / 1000);
  const lines = [
    escapeSlack(text),
    ...(report?.causes ?? []).map((cause) => `cause: ${escapeSlack(cause)}`),
    ...(report?.notes ?? []).map((note) => escapeSlack(note)),
    ...(report?.remedy === undefined || report.remedy === ""
      ? []
      : [`to mend it: ${escapeSlack(report.remedy)}`]),
    `by ${escapeSlack(by)}${seconds === undefined ? "" : `, after ${seconds} s`}${link === undefined ? "" : `, <${link}|run>`}`,
  ];
  return lines.join("\n");
}

function failureReport(env: string, error: unknown): Report {
  const repair = `npm run deploy -- repair ${env}`;
  if (error instanceof UserError) {
    return { env, outcome: "refused", summary: error.message, remedy: error.remedy };
  }
  if (error instanceof Locked) {
    const remedy = `Wait for the end of that run: npm run deploy -- status ${env}`;
    return { env, outcome: "locked", summary: error.message, remedy };
  }
  if (error instanceof LockLost) {
    const summary = `${error.message} This run has stopped where it was.`;
    return {
      env,
      outcome: "unfinished",
      summary,
      remedy: `npm run deploy -- status ${env}, then: ${repair}`,
    };
  }
  if (error instanceof Unfinished) {
    const summary = `The run ended in the middle: ${error.message}`;
    return { env, outcome: "unfinished", summary, remedy: repair };
  }
  return {
    env,
    outcome: "failed",
    summary: `${describeError(error)}. The environments were not touched.`,
    remedy: remedyFor(error, env) ?? `Try again; what the environments run: npm run deploy -- status ${env}`,
  };
}
