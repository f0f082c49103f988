import { ElasticBeanstalkClient } from "@aws-sdk/client-elastic-beanstalk";
import { Command } from "commander";
import { runProgram } from "../cli/main";
import { print } from "../cli/output";
import { UserError } from "../cli/userError";
import { isEnding, Platform, PLATFORM_SETTINGS, PlatformSetting, readPlatforms } from "./platform";
import { StackFile } from "./stackFile";

const EXAMPLES = `
Examples:
  npm run platform -- staging            the pinned and the recommended versions, and the state of their branches
  npm run platform -- staging --update   pin the recommended versions in Pulumi.staging.yaml

The recommended version is the newest one of the branch that this account can use. A branch that is deprecated or
retired is left for ${Object.values(PLATFORM_SETTINGS).join(" and ")}.
AWS credentials come from where the AWS CLI has them. Needs elasticbeanstalk:ListAvailableSolutionStacks and
elasticbeanstalk:ListPlatformBranches.
`;

/** The role that can ask for platform versions, for the fix of a denied request. */
export const ROLE = "a role with elasticbeanstalk:ListAvailableSolutionStacks and ListPlatformBranches";

/** Compares a stack's platform versions with those that AWS offers in the stack's region. */
export async function platformsOf(file: StackFile): Promise<Platform[]> {
  const settings = Object.keys(PLATFORM_SETTINGS) as PlatformSetting[];
  const pinned = Object.fromEntries(settings.map((setting) => [setting, file.get(setting)]));
  return readPlatforms(new ElasticBeanstalkClient({ region: file.get("region") }), pinned);
}

/**
 * Pins the recommended versions in a stack's file.
 *
 * @returns the lines to print, one for each change
 * @throws UserError if AWS offers no version to pin
 */
export function pin(file: StackFile, platforms: readonly Platform[]): string[] {
  const changed = platforms.flatMap(({ setting, pinned, recommended }) => {
    if (recommended === undefined) {
      throw new UserError(
        `AWS offers no version of ${PLATFORM_SETTINGS[setting]} in ${file.get("region") ?? "this region"}.`,
        `List what it offers: aws elasticbeanstalk list-available-solution-stacks. Then set ${setting} in ${file.file}.`,
      );
    }
    return pinned === recommended ? [] : [[setting, recommended] as const];
  });
  if (changed.length > 0) file.set(Object.fromEntries(changed));
  return changed.map(([setting, version]) => `Pinned ${setting} in ${file.file}: ${version}`);
}

function describe({ setting, pinned, isOffered, branch, state, recommended }: Platform): string {
  const refused = pinned === undefined || isOffered ? "" : " (not offered to this account)";
  return [
    setting,
    `  pinned       ${pinned ?? "none"}${refused}`,
    `  recommended  ${recommended ?? "none"}`,
    `  branch       ${branch}: ${state}`,
  ].join("\n");
}

async function platform(stack: string, { update }: { update?: true }): Promise<void> {
  const file = new StackFile(stack);
  const platforms = await platformsOf(file);
  print(platforms.map(describe).join("\n"));
  if (platforms.every(({ pinned, recommended }) => pinned === recommended)) {
    print(
      platforms.some(({ state }) => isEnding(state))
        ? "AWS recommends no version of another branch."
        : "The pinned versions are the recommended ones.",
    );
  } else if (update === true) {
    print(pin(file, platforms).join("\n"));
    print(
      `To apply: pulumi up --stack ${stack}. It builds a new GDAL image if the Python platform changes, and updates the environments.`,
    );
  } else print(`To pin the recommended versions: npm run platform -- ${stack} --update`);
}

if (require.main === module) {
  const program = new Command("npm run platform --")
    .description("Shows the platform versions of a stack and those that AWS recommends.")
    .argument("<stack>", "the stack, such as staging")
    .option("--update", "pin the recommended versions in the stack's file")
    .addHelpText("after", EXAMPLES)
    .showHelpAfterError("See: npm run platform -- --help")
    .action(platform);
  void runProgram(program, { role: ROLE });
}
