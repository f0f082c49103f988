import { readFileSync } from "node:fs";
import { print, printError } from "../../cli/output";
import { UserError } from "../../cli/userError";
import { type CheckArgs, checkMigrations } from "./check";
import { notChecked } from "./verdict";

/** Reads the arguments of a check from a file, and prints the judgement as JSON. Runs in a sandbox; see sandboxed.ts. */
async function main(file: string): Promise<void> {
  const args = JSON.parse(readFileSync(file, "utf8")) as Omit<CheckArgs, "log">;
  const judgement = await checkMigrations({ ...args, log: printError }).catch((error: unknown) => {
    if (error instanceof UserError) return notChecked(error.message);
    throw error;
  });
  print(JSON.stringify(judgement));
}

void main(process.argv[2] ?? "");
