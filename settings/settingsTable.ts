import { readFileSync, writeFileSync } from "node:fs";
import { parse } from "yaml";

interface Declaration {
  type: string;
  description: string;
  default?: unknown;
  secret?: boolean;
}

const START = "<!-- settings: npm run settings-table -->";
const END = "<!-- /settings -->";

/** The settings of Pulumi.yaml as a Markdown table, in their order. */
export function settingsTable(pulumiYaml: string): string {
  const { config } = parse(pulumiYaml) as { config: Record<string, Declaration> };
  const rows = Object.entries(config).map(([key, { type, description, default: value, secret }]) => {
    const fallback = secret === true ? "secret" : value === undefined ? "must be set" : code(value);
    return `| \`${key}\` | ${type} | ${fallback} | ${description.replaceAll("|", "\\|")} |`;
  });
  return ["| setting | type | default | meaning |", "| --- | --- | --- | --- |", ...rows].join("\n");
}

/** `document` with the table between its marks. */
export function withSettingsTable(document: string, table: string): string {
  const start = document.indexOf(START);
  const end = document.indexOf(END);
  if (start < 0 || end < start) throw new Error(`README.md needs the lines ${START} and ${END}`);
  return `${document.slice(0, start)}${START}\n\n${table}\n\n${document.slice(end)}`;
}

function code(value: unknown): string {
  const text = typeof value === "string" ? value : JSON.stringify(value);
  return text === "" ? "empty" : `\`${text}\``;
}

if (require.main === module) {
  const table = settingsTable(readFileSync("Pulumi.yaml", "utf8"));
  writeFileSync("README.md", withSettingsTable(readFileSync("README.md", "utf8"), table));
}
