import { readFileSync } from "node:fs";
import { join } from "node:path";

const FILE = join(__dirname, "../../docs/operations.md");

/** The commands of the runbook's block that is marked `tested: NAME`. */
export function testedCommands(block: string): string {
  const blocks = readFileSync(FILE, "utf8").matchAll(/<!-- tested: ([a-z-]+) -->\n+```sh\n([\s\S]*?)```/g);
  const commands = [...blocks].find(([, name]) => name === block)?.[2];
  if (commands === undefined) throw new Error(`docs/operations.md has no block marked "tested: ${block}"`);
  return commands;
}

/** The runbook's command for a retry, with `--continue-on-error`: it does not stop at the first failure. */
export const TRY_ALL =
  testedCommands("setup") + testedCommands("retry").replace("--yes", "--yes --continue-on-error");
