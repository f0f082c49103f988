import { mkdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { z } from "zod";
import { UserError } from "../../cli/userError";
import { interpreterOf } from "../migrations/interpreter";
import { runCommand } from "./commands";
import { provideTools } from "./tools";
import { type ZipEntry } from "./zip";

/** The migrations that a version knows, as pairs of app and name. */
export const migrationList = z.array(z.tuple([z.string().max(255), z.string().max(255)]));

export type MigrationList = z.infer<typeof migrationList>;

const SCRIPT = join(__dirname, "../migrations/list_migrations.py");

export interface ListArgs {
  /** The application's checkout. */
  source: string;
  /** The files of the checkout. */
  files: readonly ZipEntry[];
  plugins: readonly string[];
  workDirectory: string;
  onProgress?: (message: string) => void;
  onStep?: (title: string) => void;
}

/**
 * Lists the migrations that a version knows, for the check of later versions. Runs code of the application.
 *
 * @returns undefined if there are none, or the application's settings do not load; the check then uses its code
 */
export async function listMigrations(args: ListArgs): Promise<MigrationList | undefined> {
  const { files, onProgress, onStep, plugins, source, workDirectory } = args;
  if (!files.some(({ path }) => /(^|\/)migrations\/\w+\.py$/.test(path))) return undefined;
  onStep?.("Listing the migrations");
  const list = join(workDirectory, "migrations.json");
  try {
    await mkdir(workDirectory, { recursive: true });
    const tools = await provideTools(source, join(workDirectory, "tools"), { frontEnd: false });
    const words = [...(await interpreterOf(source)), SCRIPT, list];
    await runCommand(words.map(quoted).join(" "), {
      directory: source,
      onLine: onProgress,
      env: {
        ...tools.env,
        PLUGINS: plugins.join(","),
        SECRET_KEY: "only-for-listing-migrations",
        // Nothing is written into the checkout.
        PYTHONDONTWRITEBYTECODE: "1",
        UV_PROJECT_ENVIRONMENT: join(workDirectory, "venv"),
      },
    });
    return migrationList.parse(JSON.parse(await readFile(list, "utf8")));
  } catch (error) {
    if (!(error instanceof UserError)) throw error;
    onProgress?.(`The bundle gets no list of its migrations: ${error.message}`);
    return undefined;
  }
}

/** A word of a shell's command line. */
function quoted(word: string): string {
  return `'${word.replaceAll("'", `'\\''`)}'`;
}
