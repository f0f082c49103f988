import { describeError, explainAwsError } from "../../cli/awsErrors";
import { type Clock } from "../../coordination/clock";
import { Locked, LockLost } from "../../coordination/lock";
import { escapeSlack, type Notify } from "../output/slack";
import { type Outcome, type Report } from "../output/report";
import { formatRemedy, UserError } from "../../cli/userError";
import { Unfinished } from "./withLock";

export interface RunArgs {
  env: string;
  clock: Clock;
  /** The text for Slack, such as "deployment of /srv/iaso"; absent for commands that are not announced. */
  announce?: string;
  notify: Notify;
  by: string;
  /** The URL of the CI run. */
  link: string | undefined;
}

/** Runs a command and returns its report, also if it throws. Notifies Slack of the start and the end. */
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
  rolledBack: ":leftwards_arrow_with_hook:",
  mixedVersions: ":rotating_light:",
};

function slackSummary(report: Report): string {
  return `${ICONS[report.outcome] ?? ":x:"} ${report.summary}`;
}

function slackText({ by, link }: RunArgs, text: string, report?: Report): string {
  const seconds = report?.milliseconds === undefined ? undefined : Math.round(report.milliseconds / 1000);
  const remedy = report?.remedy ?? "";
  const lines = [
    escapeSlack(text),
    ...(report?.causes ?? []).map((cause) => `cause: ${escapeSlack(cause)}`),
    ...(report?.notes ?? []).map((note) => escapeSlack(note)),
    ...(remedy === "" ? [] : [escapeSlack(formatRemedy(remedy))]),
    `by ${escapeSlack(by)}${seconds === undefined ? "" : `, after ${seconds} s`}${link === undefined ? "" : `, <${link}|run>`}`,
  ];
  return lines.join("\n");
}

function failureReport(env: string, error: unknown): Report {
  const status = `npm run deploy -- status ${env}`;
  const repair = `npm run deploy -- repair ${env}`;
  if (error instanceof UserError) {
    return { env, outcome: "refused", summary: error.message, remedy: error.remedy };
  }
  if (error instanceof Locked) {
    return { env, outcome: "locked", summary: error.message, remedy: `Wait until that run ends: ${status}` };
  }
  if (error instanceof LockLost) {
    const summary = `${error.message} This run stopped and changed nothing more.`;
    return { env, outcome: "unfinished", summary, remedy: `${status}, then: ${repair}` };
  }
  if (error instanceof Unfinished) {
    const summary = `The run stopped during the switch: ${error.message}`;
    return { env, outcome: "unfinished", summary, remedy: repair };
  }
  const explained = explainAwsError(
    error,
    `the role iaso-${env}-ci-deploy, or one with the same permissions that the setting deployers names`,
  );
  const summary = explained?.message ?? describeError(error);
  return {
    env,
    outcome: "failed",
    summary: `${summary.replace(/\.$/, "")}. The environments were not changed.`,
    remedy: explained?.remedy ?? `Run the command again; what the environments run: ${status}`,
  };
}
