import { createHash } from "node:crypto";
import { realpath, stat } from "node:fs/promises";
import { UserError } from "../../cli/userError";
import { git, splitZ } from "./git";

/** The version that a checkout of the application would be deployed as. */
export interface Version {
  /** Version label in Elastic Beanstalk, 1 to 100 characters; the application shows it as its VERSION. */
  label: string;
  /** Full hash of the commit that is checked out. */
  commit: string;
  /** True where the checkout differs from that commit (only with `allowDirty`). */
  dirty: boolean;
}

export interface VersionOptions {
  /** The label to use instead of the git tag or commit. */
  version?: string;
  /** Accept files that are changed or not under version control. */
  allowDirty?: boolean;
}

// https://docs.aws.amazon.com/elasticbeanstalk/latest/api/API_CreateApplicationVersion.html gives the length.
// The characters are narrower than Beanstalk's: the label is also part of S3 keys and of pyproject.toml.
const LABEL = /^[A-Za-z0-9][A-Za-z0-9._+-]{0,99}$/;

const SHOWN_FILES = 10;

/**
 * Names the version of a checkout: the label given, else the tag of the commit, else the commit's first
 * twelve digits. A changed checkout gets the digest of its changes added, so that the label of a commit
 * always means that commit.
 * @throws UserError where the directory is no checkout, is not clean, or the label cannot be used.
 */
export async function resolveVersion(source: string, options: VersionOptions = {}): Promise<Version> {
  await requireCheckout(source);
  const commit = (await git(source, ["rev-parse", "HEAD"])).toString().trim();
  const changes = await changedFiles(source);
  const dirty = changes.length > 0;
  if (dirty && options.allowDirty !== true) {
    const shown = changes.slice(0, SHOWN_FILES).map((line) => `  ${line}`);
    const more = changes.length > SHOWN_FILES ? `\n  and ${changes.length - SHOWN_FILES} more` : "";
    throw new UserError(
      `The checkout ${source} is not clean:\n${shown.join("\n")}${more}`,
      "Commit or stash the changes, or deploy them as they are with --allow-dirty.",
    );
  }
  if (options.version !== undefined) {
    if (!LABEL.test(options.version)) {
      throw new UserError(
        `"${options.version}" cannot be a version label.`,
        "Use 1 to 100 letters, digits, dots, dashes, underscores or plus signs, beginning with a letter or digit.",
      );
    }
    return { label: options.version, commit, dirty };
  }
  const name = (await tagAt(source)) ?? commit.slice(0, 12);
  return {
    label: dirty ? `${name.slice(0, 80)}-dirty-${await changeDigest(source, changes)}` : name,
    commit,
    dirty,
  };
}

async function requireCheckout(source: string): Promise<void> {
  const isDirectory = await stat(source).then(
    (stats) => stats.isDirectory(),
    () => false,
  );
  if (!isDirectory) {
    throw new UserError(`There is no directory ${source}.`, "Give the application's checkout with --source.");
  }
  let top: string;
  try {
    top = (await git(source, ["rev-parse", "--show-toplevel"])).toString().trim();
  } catch (error) {
    if (error instanceof UserError) throw error;
    throw new UserError(
      `${source} is not a git checkout that git can read: ${(error as Error).message.replace(/^.*?: /, "")}`,
      "Clone the application with git and give the clone's directory with --source.",
    );
  }
  if (top !== (await realpath(source))) {
    throw new UserError(`${source} lies inside the checkout ${top}.`, `Give --source ${top}.`);
  }
  await git(source, ["rev-parse", "--verify", "--quiet", "HEAD^{commit}"]).catch(() => {
    throw new UserError(`The checkout ${source} has no commit.`, "Commit the application first.");
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
  // A release's tag begins with its number; other tags on the commit only help where there is no such tag.
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
