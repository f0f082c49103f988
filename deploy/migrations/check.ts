import { spawn } from "node:child_process";
import { mkdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { provideTools } from "../source/tools";
import { answerSchema } from "./answer";
import { interpreterOf, UV_PYTHON } from "./interpreter";
import { type Judgement, judge, notChecked } from "./verdict";

/** The running version: its bundle, or a directory with its code. */
export type Running = { bundle: string } | { directory: string };

export interface CheckArgs {
  /** The checkout of the new version. */
  source: string;
  running: Running;
  /** The environment's variables on which the application's settings depend; see variables.ts. */
  variables: Readonly<Record<string, string>>;
  /** The server for the temporary database. Without it, check.py starts a server of its own. */
  databaseUrl?: string;
  /** A directory for everything that the check writes. */
  workDirectory: string;
  log: (line: string) => void;
}

/** Lines of a failed check that the judgement contains. */
const SHOWN_LINES = 15;

/**
 * Checks whether the running version's code works on the new version's tables: check.py tries it in a temporary
 * database. Runs code of the application, so its process must have no credentials; see sandboxed.ts.
 *
 * @throws UserError if the checkout does not tell its packages or tools
 */
export async function checkMigrations(args: CheckArgs): Promise<Judgement> {
  const { log, running, source, variables, workDirectory } = args;
  const [request, answer] = ["request.json", "answer.json"].map((name) => join(workDirectory, name)) as [
    string,
    string,
  ];
  const temporary = join(workDirectory, "tmp");
  await mkdir(temporary, { recursive: true });
  const tools = await provideTools(source, join(workDirectory, "tools"), { frontEnd: false });
  const [program = "", ...rest] = await interpreterOf(source);
  const databaseUrl = args.databaseUrl ?? null;
  await writeFile(request, JSON.stringify({ running, uvPython: UV_PYTHON, databaseUrl }), { mode: 0o600 });
  const child = spawn(program, [...rest, join(__dirname, "check.py"), request, answer], {
    cwd: source,
    env: {
      ...process.env,
      ...tools.env,
      ...variables,
      // Nothing is written into the checkout.
      UV_PROJECT_ENVIRONMENT: join(workDirectory, "venv"),
      PYTHONDONTWRITEBYTECODE: "1",
      TMPDIR: temporary,
    },
    stdio: ["ignore", "pipe", "pipe"],
  });
  const last: string[] = [];
  for (const stream of [child.stdout, child.stderr]) {
    createInterface(stream).on("line", (line) => {
      last.push(line);
      if (last.length > SHOWN_LINES) last.shift();
      log(line);
    });
  }
  const stop = (): void => void child.kill("SIGTERM");
  process.once("SIGINT", stop).once("SIGTERM", stop);
  try {
    const code = await new Promise<number | null>((done) => {
      child
        .once("error", (error) => {
          last.push(error.message);
          done(null);
        })
        .once("close", done);
    });
    if (code !== 0) return notChecked(`the check failed:\n${last.map((line) => `  ${line}`).join("\n")}`);
  } finally {
    process.off("SIGINT", stop).off("SIGTERM", stop);
  }
  return judge(answerSchema.parse(JSON.parse(await readFile(answer, "utf8"))));
}
