import { Command } from "commander";
import { runProgram } from "../cli/main";
import { UserError } from "../cli/userError";
import { StackFile } from "./stackFile";

const EXAMPLES = `
Example:
  npm run --silent stack -- staging >>"$GITHUB_OUTPUT"    for the steps of a workflow: env, account and region

Needs neither AWS nor Pulumi.
`;

/** Prints the environment, the AWS account and the region of a stack, as lines `name=value`. */
function stack(name: string): void {
  const file = new StackFile(name);
  const values = { env: file.env, account: file.get("accountId"), region: file.get("region") };
  for (const [key, value] of Object.entries(values)) {
    if (value === undefined) {
      throw new UserError(
        `${file.file} does not set the stack's AWS account.`,
        `pulumi config set ${file.key("accountId")} ID --stack ${name}`,
      );
    }
    if (!/^[a-z0-9-]+$/.test(value)) {
      throw new UserError(
        `The ${key} of ${file.file} is not valid: ${JSON.stringify(value)}.`,
        `See which values are: npm run preview -- ${name}`,
      );
    }
  }
  console.log(
    Object.entries(values)
      .map((entry) => entry.join("="))
      .join("\n"),
  );
}

if (require.main === module) {
  const program = new Command("npm run --silent stack --")
    .description("Prints the environment, the AWS account and the region of a stack, for workflows.")
    .argument("<stack>", "the stack, such as staging")
    .addHelpText("after", EXAMPLES)
    .showHelpAfterError("See: npm run stack -- --help")
    .action(stack);
  void runProgram(program);
}
