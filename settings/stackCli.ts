import { Command } from "commander";
import { runProgram } from "../cli/main";
import { print } from "../cli/output";
import { UserError } from "../cli/userError";
import { StackFile } from "./stackFile";

const EXAMPLES = `
Example:
  npm run --silent stack -- staging >>"$GITHUB_OUTPUT"    for the steps of a workflow

Needs neither AWS nor Pulumi.
`;

/** Prints the environment, the AWS account, the region and the application's repository, as lines `name=value`. */
function stack(name: string): void {
  const file = new StackFile(name);
  const application = file.get("applicationRepository");
  const lines = [
    outputOf(file, "env", file.env),
    outputOf(file, "account", file.get("accountId"), "accountId"),
    outputOf(file, "region", file.get("region")),
    // actions/checkout takes no ids.
    outputOf(file, "application", application?.replace(/@\d+/g, ""), "applicationRepository"),
  ];
  print(lines.join("\n"));
}

function outputOf(file: StackFile, name: string, value: string | undefined, setting = name): string {
  if (value === undefined) {
    throw new UserError(
      `${file.file} does not set ${setting}.`,
      `pulumi config set ${file.key(setting)} VALUE, in the folder of this program`,
    );
  }
  // Another line would be another output of the step.
  if (/^[\w.-]+(\/[\w.-]+)?$/.test(value)) return `${name}=${value}`;
  throw new UserError(
    `The ${setting} of ${file.file} is not valid: ${JSON.stringify(value)}.`,
    "See which values are: npm run preview",
  );
}

if (require.main === module) {
  const program = new Command("npm run --silent stack --")
    .description(
      "Prints a stack's environment, AWS account, region and application's repository, for workflows.",
    )
    .argument("<stack>", "the stack, such as staging")
    .addHelpText("after", EXAMPLES)
    .showHelpAfterError("See: npm run stack -- --help")
    .action(stack);
  void runProgram(program);
}
