import { readdirSync, readFileSync } from "node:fs";
import { join, relative } from "node:path";

/**
 * Returns the text of each file, by its path, of the source bundle with which Iaso's environments start. Until the deploy
 * tool deploys Iaso, it answers health checks with 200, shows a page elsewhere, and refuses background tasks so that they
 * stay in the queue.
 *
 * Beanstalk's sample application has no `/_health/` and no application version, so the first deployment could not be
 * rolled back.
 */
export function firstVersion(platform: "python" | "docker"): Record<string, string> {
  const folder = join(__dirname, "firstVersion", platform);
  return Object.fromEntries(
    readdirSync(folder, { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map((entry) => join(entry.parentPath, entry.name))
      .sort()
      .map((file) => [relative(folder, file), readFileSync(file, "utf8")]),
  );
}
