import type { Command } from "commander";
import { UserError } from "../../cli/userError";
import { NotChecked } from "../../doctor/errors";

/** The options that say which existing Iaso is meant. */
export interface ExistingOptions {
  application: string;
  environment: string[];
  region?: string;
}

/** Collects the values of an option that can be repeated. */
export const collect = (value: string, values: string[]): string[] => [...values, value];

export function existingOptions(command: Command): Command {
  return command
    .requiredOption("--application <name>", "the Beanstalk application of the existing Iaso")
    .option(
      "--environment <name>",
      "an environment of the existing Iaso; can be repeated (default: all of the application)",
      collect,
      [],
    )
    .option("--region <region>", "the region of the existing Iaso (default: AWS_REGION, else eu-central-1)");
}

export function regionOf({ region }: Pick<ExistingOptions, "region">): string {
  return region ?? process.env["AWS_REGION"] ?? "eu-central-1";
}

/** Runs a command that reads AWS through the doctor's clients, whose errors name a missing permission. */
export async function explained<T>(run: () => Promise<T>): Promise<T> {
  try {
    return await run();
  } catch (error) {
    if (!(error instanceof NotChecked)) throw error;
    const fix = "Use a role with AWS's policy ReadOnlyAccess: export AWS_PROFILE=PROFILE";
    throw new UserError(`The existing Iaso cannot be read: ${error.message}.`, fix, { cause: error });
  }
}
