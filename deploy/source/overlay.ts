import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { parseDocument, stringify } from "yaml";
import type { PinnedImage } from "./image";
import { listOverlay } from "./files";
import type { ZipEntry } from "./zip";

export type Platform = "python" | "docker";

const BUNDLE_DIRECTORY = join(__dirname, "..", "bundle");

/** Files of the checkout that configure its hosting. They are not in the bundle; the overlay has its own. */
const HOSTING = [
  ".ebextensions/",
  ".platform/",
  ".elasticbeanstalk/",
  "iaso-deploy/",
  "Procfile",
  "cron.yaml",
  // The platform would install these into an environment of its own Python.
  "Pipfile",
  "Pipfile.lock",
  "requirements.txt",
];

/** True for a file of the checkout that configures its hosting. */
export function isHostingFile(path: string): boolean {
  return HOSTING.some((name) => (name.endsWith("/") ? path.startsWith(name) : path === name));
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
 * docker-compose.yml with both images pinned by digest, so that an instance that starts next month runs the same
 * images.
 */
export async function composeFile(images: {
  application: PinnedImage;
  proxy: PinnedImage;
  directory: string;
}): Promise<ZipEntry> {
  const document = parseDocument(
    await readFile(join(BUNDLE_DIRECTORY, "docker", "docker-compose.yml"), "utf8"),
  );
  document.setIn(["services", "iaso", "image"], images.application.pinned);
  document.setIn(["services", "nginx", "image"], images.proxy.pinned);
  document.setIn(
    ["services", "iaso", "volumes"],
    [`./iaso-deploy/pyproject.toml:${images.directory}/pyproject.toml:ro`],
  );
  return textEntry("docker-compose.yml", document.toString());
}

export function textEntry(path: string, text: string): ZipEntry {
  return { path, mode: 0o100644, content: Buffer.from(text) };
}
