import { rm } from "node:fs/promises";
import { listBuiltFiles, writeEntries } from "./files";
import { isListed, requireInside } from "./paths";
import { type SourceSettings } from "./settings";
import type { ZipEntry } from "./zip";

/** Browsers' developer tools read source maps from the static files; servers do not read them. */
export const SOURCE_MAP = /\.(js|css)\.map$/;

/** True for a file of the application that the front end is built from. */
export function isForFrontEnd(path: string, { backEnd }: Pick<SourceSettings, "backEnd">): boolean {
  return !isListed(path, backEnd);
}

export interface FrontEndArgs {
  /** The files of the application. */
  files: readonly ZipEntry[];
  settings: SourceSettings;
  /** A directory for the build. Its content is replaced. */
  directory: string;
  /** Runs a command of the build. */
  run: (command: string) => Promise<void>;
}

/**
 * Builds the front end in a directory that has nothing of the back end, so that the front end cannot depend on it.
 *
 * @returns the built files of `include` that are not under version control, without source maps
 * @throws UserError if a path of `include` leads out of the checkout
 */
export async function buildFrontEnd({ directory, files, run, settings }: FrontEndArgs): Promise<ZipEntry[]> {
  await rm(directory, { recursive: true, force: true });
  await writeEntries(
    directory,
    files.filter(({ path }) => isForFrontEnd(path, settings)),
  );
  for (const command of settings.build) await run(command);
  const built: ZipEntry[] = [];
  for (const path of ofFrontEnd(settings)) built.push(...((await listBuiltFiles(directory, path)) ?? []));
  return filesOfFrontEnd(built, files, settings);
}

/** The paths of `include` that the front end's commands build. The others are checkouts of plugins. */
function ofFrontEnd({ include }: SourceSettings): string[] {
  return include.filter((path) => !path.startsWith("plugins/")).map((path) => requireInside(path, "include"));
}

/**
 * The files of a front end that get into a build: a front end of another build could otherwise bring code of the back end.
 *
 * @param files the files of the application
 */
export function filesOfFrontEnd(
  built: readonly ZipEntry[],
  files: readonly ZipEntry[],
  settings: SourceSettings,
): ZipEntry[] {
  const own = new Set(files.map(({ path }) => path));
  const include = ofFrontEnd(settings);
  return built.filter(({ path }) => isListed(path, include) && !own.has(path) && !SOURCE_MAP.test(path));
}
