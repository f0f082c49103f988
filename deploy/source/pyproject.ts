/**
 * Replaces the project's version in pyproject.toml by the deployed version. Iaso shows it at /_health/ and sends it to
 * Sentry (hat/settings.py in BLSQ/iaso).
 *
 * @returns undefined if the file has no version
 */
export function withVersion(pyproject: string, version: string): string | undefined {
  const lines = pyproject.split("\n");
  let section = "";
  for (const [index, line] of lines.entries()) {
    section = /^\s*\[{1,2}([^\]]+)\]/.exec(line)?.[1]?.trim() ?? section;
    if (section === "project" && /^\s*version\s*=/.test(line)) {
      lines[index] = `version = ${JSON.stringify(version)}`;
      return lines.join("\n");
    }
  }
  return undefined;
}

/** Returns `requires-python` of pyproject.toml, such as ">=3.9,<3.10"; undefined if it has none. */
export function requiresPython(pyproject: string): string | undefined {
  const project = /^\s*\[project\]\s*$([^]*?)(?=^\s*\[|(?![^]))/m.exec(pyproject)?.[1] ?? "";
  return /^\s*requires-python\s*=\s*(["'])(.*?)\1/m.exec(project)?.[2];
}
