import { readFile } from "node:fs/promises";
import { join, posix } from "node:path";
import { parseDocument, stringify } from "yaml";
import { UserError } from "../../cli/userError";
import { listOverlay } from "./files";
import type { ZipEntry } from "./zip";

export type Platform = "python" | "docker";

const BUNDLE_DIRECTORY = join(__dirname, "..", "bundle");

/** Directories and files of the checkout that configure its hosting. The bundle has the overlay's instead. */
const HOSTING_DIRECTORIES = [".ebextensions", ".platform", ".elasticbeanstalk", "iaso-deploy"];
const HOSTING_FILES = new Set([
  "Procfile",
  "cron.yaml",
  "env.yaml",
  // The platform would install these into an environment of its own Python.
  "Pipfile",
  "Pipfile.lock",
  "requirements.txt",
]);

/** True for a file of the checkout that configures its hosting. */
export function isHostingFile(path: string): boolean {
  return HOSTING_FILES.has(path) || HOSTING_DIRECTORIES.some((name) => path.startsWith(`${name}/`));
}

/**
 * Checks that no file of the application reaches the instances beside the overlay's files, where Beanstalk would run it
 * as root: through a link, or as a Buildfile.
 *
 * @throws UserError that names the file
 * @see https://docs.aws.amazon.com/elasticbeanstalk/latest/dg/platforms-linux-extend.build-proc.html
 */
export function requireNoHostingConflict(entries: readonly ZipEntry[]): void {
  const links = new Map(
    entries
      .filter(isLink)
      .map(({ content, path }) => [path, Buffer.isBuffer(content) ? String(content) : ""]),
  );
  for (const { path } of entries) {
    if (path === "Buildfile") {
      throw refuse(path, "contains commands that Beanstalk runs on each instance before the deployment");
    }
    if (HOSTING_DIRECTORIES.includes(path)) {
      throw refuse(path, "is a link or a file, in the place of a directory of the deploy tool");
    }
  }
  requireNothingBelowLinks(entries);
  for (const [path, target] of links) {
    if (leavesCheckout(path, links)) throw refuse(path, `is a link out of the checkout, to ${target}`);
  }
}

/** @throws UserError that names a file whose path goes through a link of another entry */
export function requireNothingBelowLinks(entries: readonly ZipEntry[]): void {
  const links = new Set(entries.filter(isLink).map(({ path }) => path));
  for (const { path } of entries) {
    for (let parent = posix.dirname(path); parent !== "."; parent = posix.dirname(parent)) {
      if (links.has(parent)) throw refuse(path, `is below the link ${parent}`);
    }
  }
}

/** Links that Linux follows for one path. */
const LONGEST_CHAIN = 40;

/**
 * True if a path leads out of the checkout, or nowhere. Follows each link on the way: `..` after a link to a directory is
 * the parent of that directory.
 */
function leavesCheckout(path: string, links: ReadonlyMap<string, string>): boolean {
  const at: string[] = [];
  const rest = path.split("/");
  let followed = 0;
  for (let part = rest.shift(); part !== undefined; part = rest.shift()) {
    if (part === "" || part === ".") continue;
    if (part === "..") {
      if (at.pop() === undefined) return true;
      continue;
    }
    const target = links.get([...at, part].join("/"));
    if (target === undefined) {
      at.push(part);
      continue;
    }
    followed += 1;
    if (posix.isAbsolute(target) || followed > LONGEST_CHAIN) return true;
    rest.unshift(...target.split("/"));
  }
  return false;
}

function isLink({ mode }: ZipEntry): boolean {
  return (mode & 0o170000) === 0o120000;
}

function refuse(path: string, what: string): UserError {
  return new UserError(
    `The application's file ${path} ${what}.`,
    "Remove it from the application, or add it to `exclude` in the checkout's iaso-deploy.yaml",
  );
}

/** The files of deploy/bundle for a platform: the shared ones and its own. */
export async function overlayFiles(platform: Platform): Promise<ZipEntry[]> {
  const shared = await listOverlay(join(BUNDLE_DIRECTORY, "shared"));
  return [...shared, ...(await listOverlay(join(BUNDLE_DIRECTORY, platform)))];
}

/**
 * The environment properties of a version. They are in the bundle because an option of the environment overrides
 * .ebextensions and would keep its value for all later versions.
 *
 * @see https://docs.aws.amazon.com/elasticbeanstalk/latest/dg/ebextensions-optionsettings.html
 */
export function environmentConfig(properties: Readonly<Record<string, string>>): ZipEntry[] {
  if (Object.keys(properties).length === 0) return [];
  const document = { option_settings: { "aws:elasticbeanstalk:application:environment": properties } };
  return [
    textEntry(
      ".ebextensions/environment.config",
      stringify(document, { defaultStringType: "QUOTE_DOUBLE", defaultKeyType: "PLAIN" }),
    ),
  ];
}

/**
 * docker-compose.yml with the images of its services by digest, in the repository that each environment names with
 * IMAGE_REPOSITORY. So an instance that starts next month runs the same images, and one bundle runs in every account.
 */
export async function composeFile(
  images: readonly { service: string; manifest: { sha256: string } }[],
  directory: string,
): Promise<ZipEntry> {
  const document = parseDocument(
    await readFile(join(BUNDLE_DIRECTORY, "docker", "docker-compose.yml"), "utf8"),
  );
  for (const { manifest, service } of images) {
    // Compose stops if the variable is not set.
    document.setIn(["services", service, "image"], `\${IMAGE_REPOSITORY:?}@sha256:${manifest.sha256}`);
  }
  document.setIn(
    ["services", "iaso", "volumes"],
    [`./iaso-deploy/pyproject.toml:${directory}/pyproject.toml:ro`],
  );
  return textEntry("docker-compose.yml", document.toString());
}

export function textEntry(path: string, text: string): ZipEntry {
  return { path, mode: 0o100644, content: Buffer.from(text) };
}
