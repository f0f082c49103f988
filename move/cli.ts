import { Command } from "commander";
import { runProgram } from "../cli/main";
import { systemClock } from "../coordination/clock";
import { copyMediaCommand } from "./commands/copyMedia";
import { cutoverCommands } from "./commands/cutover";
import { secretsCommand } from "./commands/secrets";
import { snapshotCommand } from "./commands/snapshot";
import { surveyCommand } from "./commands/survey";
import { type Surroundings } from "./cutover/execute";
import { reach } from "./cutover/reach";

/** Runs the command line and sets `process.exitCode`. */
export function main(
  argv: readonly string[],
  surroundings: Surroundings = { clock: systemClock, reach },
): Promise<void> {
  const program = new Command("npm run move --")
    .description(
      "Moves an existing Iaso on Elastic Beanstalk to a stack of this program (docs/moving-in.md).",
    )
    .addCommand(surveyCommand())
    .addCommand(secretsCommand())
    .addCommand(snapshotCommand())
    .addCommand(copyMediaCommand())
    .showHelpAfterError("See: npm run move -- --help");
  for (const command of cutoverCommands(surroundings)) program.addCommand(command);
  return runProgram(program, { argv, role: "a role with the rights that docs/moving-in.md names" });
}

if (require.main === module) void main(process.argv);
