/**
 * Iaso shows the version of pyproject.toml at /_health/ and to Sentry (hat/settings.py in BLSQ/iaso). This
 * puts the deployed version there; the rest of the file stays as it is.
 * @returns undefined where the file names no version of the project.
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
