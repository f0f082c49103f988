import { join } from "node:path";
import { UserError } from "../../cli/userError";
import { readIfPresent } from "../source/files";
import { PYTHON } from "../source/python";
import { readSourceSettings, SETTINGS_FILE } from "../source/settings";

/** The command of the Python of a directory with a uv.lock: the locked packages of the servers, not resolved again. */
export const UV_PYTHON = ["uv", "run", "--frozen", "--no-dev", "--group", "prod", "python"];

/**
 * Returns the command of the Python that has a checkout's packages.
 *
 * @throws UserError if the checkout does not tell its packages
 */
export async function interpreterOf(source: string): Promise<string[]> {
  const { python } = await readSourceSettings(source);
  if (python !== undefined) return python.split(/\s+/).filter((word) => word !== "");
  // The same order as for the packages of the servers.
  if ((await readIfPresent(join(source, "requirements.txt"))) !== undefined) {
    return [
      "uv",
      "run",
      "--no-project",
      "--python",
      PYTHON,
      "--with-requirements",
      "requirements.txt",
      "python",
    ];
  }
  if ((await readIfPresent(join(source, "uv.lock"))) !== undefined) return UV_PYTHON;
  throw new UserError(
    `The checkout ${source} has neither requirements.txt nor uv.lock, so its Python packages are unknown.`,
    `Commit one of them, or set \`python\` in the checkout's ${SETTINGS_FILE}`,
  );
}
