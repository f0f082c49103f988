import { createHash } from "node:crypto";
import { realpath, stat } from "node:fs/promises";
import { UserError } from "../../cli/userError";
import { git, splitZ } from "./git";

/** The version of a checkout of the application. */
export interface Version {
  /** The version label, 1 to 100 characters. The application shows it as its VERSION. */
  label: string;
  /** The full hash of the commit that is checked out. */
  commit: string;
  /** True if the checkout differs from that commit (only with `allowDirty`). */
  dirty: boolean;
}

export interface VersionOptions {
  /** The label, instead of the git tag or commit. */
  version?: string;
  /** Accepts files that are changed or not under version control. */
  allowDirty?: boolean;
}

/**
 * The pattern of a version label. Its characters are fewer than Beanstalk accepts, because the label is also part of S3
 * keys and of pyproject.toml.
 *
 * @see https://docs.aws.amazon.com/elasticbeanstalk/latest/api/API_CreateApplicationVersion.html for the length
 */
export const LABEL = /^[A-Za-z0-9][A-Za-z0-9._+-]{0,99}$/;

const SHOWN_FILES = 10;

/**
 * Reads the commit of a checkout and its version: the given label, or the tag of the commit, or the first twelve digits
 * of its hash. Runs no program that the checkout or its git configuration names.
 *
 * @throws UserError if the directory is not a checkout, or the label is invalid
 */
export async function identifyCommit(source: string, version?: string): Promise<Omit<Version, "dirty">> {
  await requireCheckout(source);
  const commit = (await git(source, ["rev-parse", "HEAD"])).toString().trim();
  if (version !== undefined && !LABEL.test(version)) {
    throw new UserError(
      `"${version}" cannot be a version label.`,
      "Use 1 to 100 letters, digits, dots, dashes, underscores or plus signs, beginning with a letter or digit",
    );
  }
  return { label: version ?? (await tagAt(source)) ?? commit.slice(0, 12), commit };
}

/**
 * Determines the version of a checkout. One with changes gets the digest of its changes appended to its label, so that a
 * commit's label always refers to that commit; a given label stays as it is.
 *
 * @throws UserError if the directory is not a checkout, is not clean, or the label is invalid
 */
export async function resolveVersion(source: string, options: VersionOptions = {}): Promise<Version> {
  const { commit, label } = await identifyCommit(source, options.version);
  const changes = await changedFiles(source);
  const dirty = changes.length > 0;
  if (dirty && options.allowDirty !== true) {
    const shown = changes.slice(0, SHOWN_FILES).map((line) => `  ${line}`);
    const more = changes.length > SHOWN_FILES ? `\n  and ${changes.length - SHOWN_FILES} more` : "";
    throw new UserError(
      `The checkout ${source} is not clean:\n${shown.join("\n")}${more}`,
      "Commit or stash the changes, or deploy them with --allow-dirty",
    );
  }
  if (!dirty || options.version !== undefined) return { label, commit, dirty };
  return { label: `${labelOfChanges(label)}${await changeDigest(source, changes)}`, commit, dirty };
}

/** The label of a commit with changes, without the digest of these. */
export function labelOfChanges(label: string): string {
  return `${label.slice(0, 80)}-dirty-`;
}

/** @throws UserError if the directory is not the top of a git checkout with a commit */
export async function requireCheckout(source: string): Promise<void> {
  const isDirectory = await stat(source).then(
    (stats) => stats.isDirectory(),
    () => false,
  );
  if (!isDirectory) {
    throw new UserError(`There is no directory ${source}.`, "Set --source to the application's checkout");
  }
  let top: string;
  try {
    top = (await git(source, ["rev-parse", "--show-toplevel"])).toString().trim();
  } catch (error) {
    if (error instanceof UserError) throw error;
    throw new UserError(
      `${source} is not a readable git checkout: ${(error as Error).message.replace(/^.*?: /, "")}`,
      "Clone the application with git, and set --source to the clone's directory",
    );
  }
  if (top !== (await realpath(source))) {
    throw new UserError(`${source} is inside the checkout ${top}.`, `Use --source ${top}`);
  }
  await git(source, ["rev-parse", "--verify", "--quiet", "HEAD^{commit}"]).catch(() => {
    throw new UserError(`The checkout ${source} has no commit.`, "Commit the application first");
  });
}

async function changedFiles(source: string): Promise<string[]> {
  const output = await git(source, [
    "status",
    "--porcelain=v1",
    "-z",
    "--untracked-files=normal",
    "--no-renames",
  ]);
  return splitZ(output).map(String);
}

async function tagAt(source: string): Promise<string | undefined> {
  const output = await git(source, ["tag", "--points-at", "HEAD", "--sort=-version:refname"]);
  const tags = output.toString().split("\n").filter(Boolean);
  // The tag of a release begins with its number. Other tags are used only if there is no such tag.
  const tag = tags.find((name) => /^v?\d/.test(name)) ?? tags[0];
  const label = tag?.replace(/[^A-Za-z0-9._+-]/g, "-");
  return label !== undefined && LABEL.test(label) ? label : undefined;
}

async function changeDigest(source: string, changes: readonly string[]): Promise<string> {
  const hash = createHash("sha256");
  hash.update(await git(source, ["diff", "HEAD", "--binary", "--no-ext-diff", "--submodule=diff"]));
  hash.update(changes.join("\0"));
  return hash.digest("hex").slice(0, 12);
}
