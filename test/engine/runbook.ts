import { readFileSync } from "node:fs";
import { join } from "node:path";

const FILE = join(__dirname, "../../docs/operations.md");

/** The commands of each block of the runbook that is marked as tested, by the mark's name. */
export function testedCommands(): Map<string, string> {
  const text = readFileSync(FILE, "utf8");
  const blocks = text.matchAll(/<!-- tested: ([a-z-]+) -->\n+```sh\n([\s\S]*?)```/g);
  return new Map([...blocks].map(([, name, commands]) => [name ?? "", commands ?? ""]));
}
