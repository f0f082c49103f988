import { type Command, CommanderError } from "commander";
import { describeError, explainAwsError } from "./awsErrors";
import { printError } from "./output";
import { formatRemedy, UserError } from "./userError";

export interface ProgramOptions {
  /** The command line, `process.argv` by default. */
  argv?: readonly string[];
  /** Exit code for invalid arguments and other mistakes of the user, 1 by default. */
  userErrorCode?: number;
  /** Exit code for any other error, 1 by default. */
  bugCode?: number;
  /** The role that has the AWS permissions, for the fix of a denied request. */
  role?: string;
}

/**
 * Runs a command-line program and sets `process.exitCode`. Every error ends as one message with its fix on stderr,
 * never as a stack trace.
 */
export async function runProgram(program: Command, options: ProgramOptions = {}): Promise<void> {
  const { argv = process.argv, bugCode = 1, role, userErrorCode = 1 } = options;
  // Turns off the AWS SDK's warning that later versions need a newer Node.js (emitWarningIfUnsupportedVersion of
  // @aws-sdk/core). It is for those who update package.json, not for the users of a command.
  process.env["AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED"] ??= "true";
  throwInsteadOfExiting(program);
  try {
    await program.parseAsync(argv);
  } catch (error) {
    if (error instanceof CommanderError) {
      // Commander has printed the mistake, or the help that was asked for.
      process.exitCode = error.exitCode === 0 ? 0 : userErrorCode;
      return;
    }
    printError(formatError(error, role));
    process.exitCode = error instanceof UserError ? userErrorCode : bugCode;
  }
}

/** Commander calls `process.exit` otherwise, which cuts off output that is not written yet. */
function throwInsteadOfExiting(program: Command): void {
  program.exitOverride();
  for (const command of program.commands) throwInsteadOfExiting(command);
}

/**
 * The text that a command prints for an error: the message and, on a line of its own, the fix.
 *
 * @param role see {@link ProgramOptions}
 */
export function formatError(error: unknown, role = "a role that has the permissions"): string {
  // Pulumi's error for users: the settings throw it.
  if (error instanceof Error && "__pulumiRunError" in error) return error.message;
  const known = error instanceof UserError ? error : explainAwsError(error, role);
  if (known === undefined) return `Unexpected error: ${describeError(error)}\nPlease report it as a bug.`;
  return known.remedy === "" ? known.message : `${known.message}\n${formatRemedy(known.remedy)}`;
}
