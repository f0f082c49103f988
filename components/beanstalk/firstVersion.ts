import { createHash } from "node:crypto";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";

/** A source bundle as text. */
export interface FirstVersion {
  /** The text of each file, by its path in the bundle. */
  files: Record<string, string>;
  /** Digest of `files`. */
  fingerprint: string;
}

/**
 * Returns the source bundle with which Iaso's environments start, until the deploy tool deploys Iaso. It answers health
 * checks with 200, shows a page elsewhere, and refuses background tasks so that they stay in the queue.
 *
 * Beanstalk's sample application has no `/_health/` and no application version, so the first deployment could not be
 * rolled back.
 */
export function firstVersion(platform: "python" | "docker"): FirstVersion {
  const folder = join(__dirname, "firstVersion", platform);
  const files = Object.fromEntries(
    readdirSync(folder)
      .sort()
      .map((name) => [name, readFileSync(join(folder, name), "utf8")]),
  );
  const fingerprint = createHash("sha256").update(JSON.stringify(files)).digest("hex").slice(0, 12);
  return { files, fingerprint };
}
