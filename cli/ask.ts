import { confirm } from "@inquirer/prompts";
import { plain } from "./output";
import { UserError } from "./userError";

/**
 * Asks the user a question that is answered by yes or no.
 *
 * @param yes True with the option --yes: the answer is yes, and `line` gets question and answer.
 * @throws UserError if nobody can answer, because standard input is no terminal
 */
export async function ask(
  question: string,
  yes: boolean | undefined,
  line: (text: string) => void,
): Promise<boolean> {
  if (yes === true) {
    line(`${question} Yes (--yes).`);
    return true;
  }
  if (!process.stdin.isTTY) {
    throw new UserError(`Nobody can answer "${question}": this is no terminal.`, "Add --yes");
  }
  return confirm({ message: plain(question), default: false });
}
