import { type Clock } from "../coordination/clock";
import { connect, requireName, sendRequest, userName } from "../coordination/session";
import { PulumiCli } from "../database/pulumiState";
import { credentialsEnd } from "./credentials";
import { runCommand } from "./commands/run";
import { EXIT } from "./exitCodes";
import { exitCode, formatReport, type Report } from "./output/report";
import { createNotifier } from "./output/slack";
import { DEFAULT_LIMITS, type Limits, type Session } from "./session";
import { print, printError } from "../cli/output";
import { createProgress, isDrawable } from "../cli/progress";
import { formatRemedy } from "../cli/userError";
import { regionOf } from "../settings/stackFile";

/** The fix for the name of an environment that is not valid. */
const EXAMPLE =
  "npm run deploy -- <env> --source <checkout>, for example: npm run deploy -- staging --source ../iaso";

/** Options that every command has. */
export interface CommonOptions {
  /** The AWS region; by default that of the stack's file. */
  region?: string;
  json?: true;
  /** The Pulumi stack; the environment's name by default. */
  stack?: string;
}

/** Time limits that the user can set, in milliseconds. */
export interface LimitOptions {
  timeout?: number;
  healthTimeout?: number;
  tasksTimeout?: number;
}

/** Handles SIGINT and SIGTERM: the first signal rolls back and stops, the second stops at once. */
class Interruption {
  private requests = 0;

  constructor(private readonly env: string) {}

  readonly onSignal = (): void => {
    this.requests += 1;
    if (this.requests === 1) {
      printError("Stopping: a switch in progress is rolled back first. Press Ctrl-C again to stop at once.");
      return;
    }
    printError(`Stopped before the end. ${formatRemedy(`npm run deploy -- repair ${this.env}`)}`);
    process.exit(EXIT.unfinished);
  };

  readonly requested = (): boolean => this.requests > 0;
}

function limitsOf(options: LimitOptions): Limits {
  return {
    ...DEFAULT_LIMITS,
    update: options.timeout ?? DEFAULT_LIMITS.update,
    health: options.healthTimeout ?? DEFAULT_LIMITS.health,
    tasks: options.tasksTimeout ?? DEFAULT_LIMITS.tasks,
  };
}

/** The user who deploys and the URL of the run: from GitHub Actions, otherwise the user of this machine. */
function origin(): { by: string; link: string | undefined } {
  const { GITHUB_ACTOR, GITHUB_REPOSITORY, GITHUB_RUN_ID, GITHUB_SERVER_URL } = process.env;
  const known = [GITHUB_ACTOR, GITHUB_SERVER_URL, GITHUB_REPOSITORY, GITHUB_RUN_ID].every(
    (one) => one !== undefined,
  );
  const link = known ? `${GITHUB_SERVER_URL}/${GITHUB_REPOSITORY}/actions/runs/${GITHUB_RUN_ID}` : undefined;
  return { by: userName(), link };
}

export interface Invocation {
  env: string;
  clock: Clock;
  options: CommonOptions & LimitOptions;
  announce?: string;
}

/** Runs a command, prints its report and sets the exit code. */
export async function execute(
  { announce, clock, env, options }: Invocation,
  command: (session: Session) => Promise<Report>,
): Promise<void> {
  const json = options.json === true;
  const progress = createProgress({
    terminal: !json && isDrawable(process.stdout),
    // With --json, stdout contains only the report.
    write: json ? printError : print,
    now: () => clock.now(),
  });
  const notify = createNotifier(process.env["SLACK_WEBHOOK_URL"], progress);
  const interruption = new Interruption(env);
  process.on("SIGINT", interruption.onSignal);
  process.on("SIGTERM", interruption.onSignal);
  const { by, link } = origin();
  const report = await runCommand({ env, clock, announce, notify, by, link }, async () => {
    requireName(env, EXAMPLE);
    const { clients, target } = await connect(env, { region: options.region ?? regionOf(env) });
    return command({
      credentialsEnd: await credentialsEnd(clients),
      env,
      target,
      clients,
      clock,
      progress,
      limits: limitsOf(options),
      by,
      interrupted: interruption.requested,
      fetch: sendRequest,
      pulumi: new PulumiCli(options.stack ?? env),
    });
  });
  // Commands that change an environment announce it, and take minutes.
  if (announce !== undefined) report.times = progress.times;
  const code = exitCode(report);
  if (json) {
    print(progress.redact(JSON.stringify({ ...report, exitCode: code }, undefined, 2)));
  } else {
    (code === EXIT.done ? print : printError)(progress.redact(formatReport(report).join("\n")));
  }
  process.exitCode = code;
  process.off("SIGINT", interruption.onSignal);
  process.off("SIGTERM", interruption.onSignal);
}

/**
 * Returns a session for another environment, which may be in another account or region.
 *
 * @param profile the AWS CLI's profile for it; by default the session's own credentials
 */
export async function sessionOf(
  session: Session,
  env: string,
  { profile, region = regionOf(env) }: { profile?: string; region?: string },
): Promise<Session> {
  requireName(env, EXAMPLE);
  return { ...session, env, ...(await connect(env, { region, profile })) };
}
