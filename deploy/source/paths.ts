import { posix } from "node:path";
import { UserError } from "../../cli/userError";

/**
 * Checks a path of the checkout's settings.
 *
 * @returns the path, without "." and a final slash
 * @throws UserError if it is the checkout itself, or leads out of it
 */
export function requireInside(path: string, setting: string): string {
  const normal = posix.normalize(path).replace(/\/$/, "");
  if (!posix.isAbsolute(normal) && !normal.split("/").includes("..") && normal !== ".") return normal;
  throw new UserError(
    `"${path}" in iaso-deploy.yaml is not a path inside the checkout.`,
    `Use paths relative to the top of the checkout for \`${setting}\``,
  );
}

/** True if a list has a path: by its name, by a folder, or by an ending such as `*.py`. */
export function isListed(path: string, names: readonly string[]): boolean {
  return names.some((name) =>
    name.startsWith("*.")
      ? path.endsWith(name.slice(1))
      : path === name || path.startsWith(`${name.replace(/\/$/, "")}/`),
  );
}
