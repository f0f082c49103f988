import { readFileSync } from "node:fs";
import { join } from "node:path";

const FILE = join(__dirname, "../../docs/operations.md");

/** Returns the commands of the runbook's block that is marked _Tested: `NAME`_. */
export function testedCommands(block: string): string {
  const blocks = readFileSync(FILE, "utf8").matchAll(/^_Tested: `([a-z-]+)`_\n+```sh\n([\s\S]*?)```/gm);
  const commands = [...blocks].find(([, name]) => name === block)?.[2];
  if (commands === undefined)
    throw new Error(`docs/operations.md has no block marked _Tested: \`${block}\`_`);
  return commands;
}

/** The runbook's command for a retry, with `--continue-on-error`: it does not stop at the first failure. */
export const TRY_ALL =
  testedCommands("setup") + testedCommands("retry").replace("--yes", "--yes --continue-on-error");
