import { existsSync, linkSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { UserError } from "../cli/userError";

/** @throws UserError if one of the files exists */
export function requireNew(files: readonly string[]): void {
  for (const file of files) {
    if (!existsSync(file)) continue;
    throw new UserError(
      `There is already a file ${file}.`,
      `Choose another stack, or delete the file: rm ${file}`,
    );
  }
}

/**
 * Creates files, all or none. An existing file is never overwritten: a hard link fails if its name is taken.
 *
 * @param check Gets the folder in which the files wait, under their base names, and returns further files. If it throws,
 *   no file is created.
 */
export function createFiles(
  files: Readonly<Record<string, string>>,
  check: (directory: string) => Record<string, string>,
): void {
  const directory = mkdtempSync(".new-files-");
  const waiting = new Map<string, string>();
  const created: string[] = [];
  const wait = (all: Readonly<Record<string, string>>) => {
    for (const [file, content] of Object.entries(all)) {
      const from = join(directory, file.split("/").at(-1) ?? file);
      writeFileSync(from, content);
      waiting.set(from, file);
    }
  };
  try {
    wait(files);
    wait(check(directory));
    for (const [from, to] of waiting) {
      linkSync(from, to);
      created.push(to);
    }
  } catch (error) {
    for (const file of created) rmSync(file);
    if ((error as NodeJS.ErrnoException).code === "EEXIST") requireNew([...waiting.values()]);
    throw error;
  } finally {
    rmSync(directory, { recursive: true });
  }
}
