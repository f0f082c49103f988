import { execFileSync } from "node:child_process";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { installed } from "../deploy/source/checkout";
import { serverPrograms } from "../deploy/postgres";
import { findPython39 } from "../python39";
import { CHROMIUM } from "../report/page/browser";

/** True if the server that tests use has PostGIS. */
export const hasPostgis = (): boolean => {
  const version = /postgresql\/(\d+)\//.exec(serverPrograms() ?? "")?.[1] ?? "";
  return existsSync(`/usr/share/postgresql/${version}/extension/postgis.control`);
};

/** The programs that the test runs, and how to install each on Debian. */
const PROGRAMS: [string, () => boolean, string][] = [
  ["root on Linux", () => process.platform === "linux" && process.getuid?.() === 0, "sudo"],
  [
    "unshare, and the right to make namespaces",
    () => installed("unshare", "--mount", "--pid", "--net", "--fork", "true"),
    "apt-get install util-linux; in a container, run it privileged",
  ],
  ["ip", () => installed("ip", "-Version"), "apt-get install iproute2"],
  ["PostgreSQL", () => serverPrograms() !== undefined, "apt-get install postgresql"],
  ["PostGIS", hasPostgis, "apt-get install postgresql-postgis"],
  ["GDAL", () => installed("gdalinfo", "--version"), "apt-get install gdal-bin"],
  ["msgfmt", () => installed("msgfmt", "--version"), "apt-get install gettext"],
  ["nginx", () => installed("nginx", "-v"), "apt-get install nginx-light"],
  ["Chromium", () => CHROMIUM !== undefined, "apt-get install chromium"],
  ["openssl", () => installed("openssl", "version"), "apt-get install openssl"],
  ["git", () => installed("git", "--version"), "apt-get install git"],
  ["moto", () => installed("moto_server", "--help"), "pip install 'moto[s3,sqs,server]'"],
  ["the AWS CLI", () => installed("aws", "--version"), "pip install awscli"],
  ["uv", () => installed("uv", "--version"), "pip install uv"],
];

/** Programs or rights that the test needs are missing on this machine. */
export class MissingPrograms extends Error {}

/**
 * Checks that everything is installed, and puts Python 3.9 at the front of PATH, where uv finds it.
 *
 * @returns the directory of Python 3.9
 * @throws MissingPrograms with all that is missing, and how to install it
 */
export function requirePrograms(): string {
  const missing = PROGRAMS.filter(([, present]) => !present()).map(
    ([name, , command]) => `  ${name}: ${command}`,
  );
  const python = findPython39();
  if (python === undefined) missing.push("  Python 3.9: uv python install 3.9");
  if (missing.length > 0 || python === undefined) {
    throw new MissingPrograms(`The acceptance test needs:\n${missing.join("\n")}`);
  }
  const script = "import sys; print(sys.base_prefix)";
  const directory = execFileSync(python, ["-c", script], { encoding: "utf8" }).trim();
  process.env["PATH"] = `${join(directory, "bin")}:${process.env["PATH"] ?? ""}`;
  return directory;
}
