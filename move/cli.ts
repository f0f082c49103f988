import { Command } from "commander";
import { runProgram } from "../cli/main";
import { copyMediaCommand } from "./commands/copyMedia";
import { secretsCommand } from "./commands/secrets";
import { snapshotCommand } from "./commands/snapshot";
import { surveyCommand } from "./commands/survey";

const program = new Command("npm run move --")
  .description("Moves an existing Iaso on Elastic Beanstalk to a stack of this program (docs/moving-in.md).")
  .addCommand(surveyCommand())
  .addCommand(secretsCommand())
  .addCommand(snapshotCommand())
  .addCommand(copyMediaCommand())
  .showHelpAfterError("See: npm run move -- --help");

void runProgram(program, { role: "a role with the rights that docs/moving-in.md names" });
