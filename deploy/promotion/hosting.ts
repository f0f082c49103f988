import { readFile } from "node:fs/promises";
import { parse } from "yaml";
import { UserError } from "../../cli/userError";
import { isInside, type VersionRecord } from "../source/artifact";
import { RECORD_FILE } from "../source/bundle";
import { periodicTasks } from "../source/cron";
import {
  composeFile,
  environmentConfig,
  isHostingFile,
  overlayFiles,
  requireNoHostingConflict,
} from "../source/overlay";
import { wheelList } from "../source/wheels";
import { type ZipEntry } from "../source/zip";

/** Variables that the deploy tool writes into a bundle. */
const VARIABLES = /^(DEPLOYED_BY|PROD_IMAGE_(TAG|DIGEST|CREATION))$/;

/** Files with facts about the version. No instance runs them. */
const FACTS = [RECORD_FILE, "iaso-deploy/migrations.json", "iaso-deploy/pyproject.toml"];

/**
 * Checks that the entries of a bundle that configure its hosting are those of this version of the deploy tool. Whoever writes
 * the bundles of another environment could otherwise add hooks that run as root here, and resources of CloudFormation.
 *
 * @throws UserError that names the file
 */
export async function requireOwnHosting(entries: readonly ZipEntry[], record: VersionRecord): Promise<void> {
  const isOfTool = (path: string): boolean =>
    isHostingFile(path) || record.platform === "docker" || path === "docker-compose.yml";
  const paths = entries.map(({ path }) => path);
  const odd = paths.find((path, index) => !isInside(path) || paths.indexOf(path) !== index);
  if (odd !== undefined) throw differs(odd);
  requireNoHostingConflict(entries.filter(({ path }) => !isHostingFile(path)));
  const overlay = new Map((await overlayFiles(record.platform)).map((entry) => [entry.path, entry]));
  for (const entry of entries.filter(({ path }) => isOfTool(path))) {
    // On the Python platform, the application may have a compose file of its own, which no instance reads.
    if (entry.path === "docker-compose.yml" && record.platform === "python") continue;
    if (!(await isExpected(entry, overlay, record))) throw differs(entry.path);
  }
}

async function isExpected(
  { content, mode, path }: ZipEntry,
  overlay: ReadonlyMap<string, ZipEntry>,
  record: VersionRecord,
): Promise<boolean> {
  const bytes = await bytesOf(content);
  const text = bytes.toString();
  const expected = overlay.get(path);
  if (expected !== undefined && path !== "docker-compose.yml") {
    return mode === expected.mode && (await bytesOf(expected.content)).equals(bytes);
  }
  // A link or a program in the place of a text.
  if ((mode & 0o170000) === 0o120000 || (mode & 0o111) !== 0) return false;
  try {
    switch (path) {
      case ".ebextensions/environment.config":
        return text === environmentText(text);
      case "cron.yaml":
        return text === periodicTasks([{ path, text }], record.plugins);
      case "docker-compose.yml":
        return text === (await composeText(text, record));
      case "iaso-deploy/wheels.txt":
        return text === wheelList(record.wheels);
      default:
        return FACTS.includes(path);
    }
  } catch {
    return false;
  }
}

/** The text that the tool writes for the variables in a text; undefined if there are others. */
function environmentText(text: string): string | undefined {
  const { option_settings: options } = parse(text) as { option_settings: Record<string, object> };
  const properties = (options["aws:elasticbeanstalk:application:environment"] ?? {}) as Record<
    string,
    string
  >;
  if (!Object.entries(properties).every(([name, value]) => VARIABLES.test(name) && typeof value === "string"))
    return undefined;
  const [entry] = environmentConfig(properties);
  return entry && textOf(entry);
}

/** The text that the tool writes for the images of a version and the directory in a compose file. */
async function composeText(text: string, { images }: VersionRecord): Promise<string> {
  const { services } = parse(text) as { services: { iaso: { volumes: string[] } } };
  const [, directory = ""] =
    /^\.\/iaso-deploy\/pyproject\.toml:(\/[\w./-]*)\/pyproject\.toml:ro$/.exec(
      services.iaso.volumes[0] ?? "",
    ) ?? [];
  return textOf(await composeFile(images, directory));
}

async function bytesOf(content: ZipEntry["content"]): Promise<Buffer> {
  return Buffer.isBuffer(content) ? content : readFile(content.file);
}

/** The text of an entry that is in memory. */
function textOf({ content }: ZipEntry): string {
  return Buffer.isBuffer(content) ? content.toString() : "";
}

function differs(path: string): UserError {
  return new UserError(
    `The bundle's file ${path} configures the hosting, and is not what this version of the deploy tool writes: another version of the tool deployed it, or somebody changed it.`,
    "Deploy the commit to that environment again with this version of the deploy tool, then promote it",
  );
}
