import { readdirSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";
import { installed } from "./deploy/source/checkout";

/** A Python 3.9 of this machine, as the servers have one; undefined if there is none. */
export function findPython39(): string | undefined {
  // pyenv's shim of a version that is not selected exists and fails.
  const folders = [join(homedir(), ".pyenv/versions"), join(homedir(), ".local/share/uv/python")];
  const managed = folders
    .filter((folder) => installed("ls", folder))
    .flatMap((folder) =>
      readdirSync(folder)
        .filter((name) => /^(cpython-)?3\.9\./.test(name))
        .map((name) => join(folder, name, "bin/python3.9")),
    );
  return ["/usr/bin/python3.9", ...managed, "python3.9"].find((path) =>
    installed(path, "-m", "venv", "--help"),
  );
}
