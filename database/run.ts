import { ask } from "../cli/ask";
import { awsCli } from "../cli/awsCli";
import { describeError, explainAwsError } from "../cli/awsErrors";
import { print, printError } from "../cli/output";
import { createProgress, isDrawable } from "../cli/progress";
import { formatRemedy, UserError } from "../cli/userError";
import { createBackupClient } from "../coordination/clients";
import { type Clock } from "../coordination/clock";
import { Locked, LockLost } from "../coordination/lock";
import { connect, requireName, sendRequest, userName } from "../coordination/session";
import { regionOf } from "../settings/stackFile";
import { PulumiCli } from "./pulumiState";
import { Unfinished } from "../coordination/unfinished";
import { type Result, type Session } from "./session";

/** The exit codes. docs/operations.md lists them for users. */
export const EXIT = {
  done: 0,
  /** An unexpected error. Nothing was changed. */
  failed: 1,
  /** Refused. Nothing was changed. */
  refused: 2,
  /** The user answered no. The database is unchanged. */
  abandoned: 3,
  /** A rehearsal failed. The database is unchanged. */
  failedDrill: 1,
  /** The database is replaced, but Iaso does not work with it. */
  unhealthy: 4,
  /** Another run holds the lock of this environment. */
  locked: 5,
  /** The run stopped before its end. `resume` completes it. */
  unfinished: 6,
} as const;

export interface Options {
  /** The AWS region; by default that of the stack's file. */
  region?: string;
  yes?: true;
  /** The Pulumi stack; the environment's name by default. */
  stack?: string;
}

/** The parts of a session that are the same in every command. */
type Terminal = Pick<Session, "by" | "clock" | "confirm" | "fetch" | "interrupted" | "progress" | "show">;

export interface TerminalArgs {
  clock: Clock;
  /** Answers every question with yes. */
  yes?: true;
  /** The command that continues; its argument is the command of {@link Unfinished}. */
  again: (command?: string) => string;
  /** The page that names the permissions. */
  page?: string;
}

/** Runs a command in a terminal: shows progress, asks, stops at signals, prints the result and sets the exit code. */
export async function runInTerminal(
  { again, clock, page, yes }: TerminalArgs,
  command: (terminal: Terminal) => Promise<Result>,
): Promise<void> {
  const progress = createProgress({
    terminal: isDrawable(process.stdout),
    write: print,
    now: () => clock.now(),
  });
  let interrupted = false;
  const onSignal = (): void => {
    if (interrupted) process.exit(EXIT.unfinished);
    interrupted = true;
    printError("Stopping at the next step. Press Ctrl-C again to stop at once.");
  };
  process.on("SIGINT", onSignal);
  process.on("SIGTERM", onSignal);
  const terminal: Terminal = {
    by: userName(),
    clock,
    progress,
    interrupted: () => interrupted,
    confirm: (question) =>
      ask(question, yes, (line) => {
        progress.line(line);
      }),
    show: (shown) => {
      print(progress.redact(shown.join("\n")));
    },
    fetch: sendRequest,
  };
  const { code, lines } = await outcomeOf(again, () => command(terminal), page);
  (code === EXIT.done ? print : printError)(progress.redact(lines.join("\n")));
  process.exitCode = code;
  process.off("SIGINT", onSignal);
  process.off("SIGTERM", onSignal);
}

/** Runs a command of this tool. */
export async function execute(
  env: string,
  options: Options,
  clock: Clock,
  command: (session: Session) => Promise<Result>,
): Promise<void> {
  await runInTerminal({ clock, yes: options.yes, again: continuing(env) }, async (terminal) => {
    requireName(env, "npm run database -- backups <env>, for example: npm run database -- backups staging");
    const stack = options.stack ?? env;
    const connected = await connect(env, { region: options.region ?? regionOf(stack) });
    const { artifactsBucket, region } = connected.target;
    return command({
      ...terminal,
      ...connected,
      env,
      pulumi: new PulumiCli(stack),
      backup: (vaultRegion) => createBackupClient({ region: vaultRegion }),
      aws: (cliRegion, args, input) => {
        const answer = awsCli(cliRegion, [...args, "--output", "json"], { input });
        return Promise.resolve(JSON.parse(answer) as unknown);
      },
      presign: (key) => {
        const args = ["s3", "presign", `s3://${artifactsBucket}/${key}`, "--expires-in", "900"];
        return Promise.resolve(awsCli(region, args).trim());
      },
    });
  });
}

/** The command that continues one of this tool. */
export const continuing =
  (env: string) =>
  (command = `resume ${env}`): string =>
    `npm run database -- ${command}`;

/**
 * Runs a command, and returns its exit code and the last lines of its output, also if it throws.
 *
 * @param again the command that continues; its argument is the command of {@link Unfinished}
 * @param page the page that names the permissions
 */
export async function outcomeOf(
  again: (command?: string) => string,
  command: () => Promise<Result>,
  page = "docs/operations.md",
): Promise<{ code: number; lines: string[] }> {
  const end = (code: number, message: string, remedy: string): { code: number; lines: string[] } => ({
    code,
    lines: remedy === "" ? [message] : [message, `  ${formatRemedy(remedy)}`],
  });
  try {
    const { lines, outcome, remedy } = await command();
    const next = outcome === "unhealthy" ? formatRemedy(remedy ?? "") : (remedy ?? "");
    return { code: EXIT[outcome], lines: next === "" ? lines : [...lines, next] };
  } catch (error) {
    if (error instanceof UserError) return end(EXIT.refused, error.message, error.remedy);
    if (error instanceof Locked) return end(EXIT.locked, error.message, "Wait until that run ends");
    if (error instanceof LockLost) {
      return end(EXIT.unfinished, `${error.message} This run stopped and changed nothing more.`, again());
    }
    if (error instanceof Unfinished) {
      return end(EXIT.unfinished, `The run stopped before its end: ${error.message}`, again(error.command));
    }
    const explained = explainAwsError(error, `a role with the permissions in ${page}`);
    const message = (explained?.message ?? describeError(error)).replace(/\.$/, "");
    return end(EXIT.failed, `${message}. Nothing was changed.`, explained?.remedy ?? "Run the command again");
  }
}
