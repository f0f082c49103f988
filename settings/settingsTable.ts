import { readFileSync, writeFileSync } from "node:fs";
import { isMap, isScalar, parseDocument, Scalar } from "yaml";

interface Declaration {
  type: string;
  description: string;
  default?: unknown;
  secret?: boolean;
}

/** Columns of a line, as in .prettierrc.json. */
const WIDTH = 110;

/**
 * Returns docs/settings.md: the settings of a Pulumi.yaml in their order, under the headings that are comments there.
 *
 * @throws Error if the file has no settings.
 */
export function settingsPage(pulumiYaml: string): string {
  const config = parseDocument(pulumiYaml).get("config");
  if (!isMap(config)) throw new Error("Pulumi.yaml has no settings: `config` is missing");
  const entries = config.items.flatMap(({ key, value }, index) => {
    if (!isScalar(key) || !isMap(value)) return [];
    const heading = key.commentBefore ?? (index === 0 ? config.commentBefore : undefined);
    const title = typeof heading === "string" ? [`## ${heading.trim()}`] : [];
    return [...title, entry(key, value.toJSON() as Declaration)];
  });
  return `# Settings

Written by \`npm run settings-table\` from [Pulumi.yaml](../Pulumi.yaml). The README says [how to set
one](../README.md#deploying-for-real).

${entries.join("\n\n")}
`;
}

function entry(key: Scalar, { type, description, default: value, secret }: Declaration): string {
  const origin = secret === true ? "secret" : value === undefined ? "must be set" : `default ${code(value)}`;
  return wrap(`- **\`${String(key.value)}\`** (${type}, ${origin}): ${description}`);
}

function code(value: unknown): string {
  const text = typeof value === "string" ? value : JSON.stringify(value);
  return text === "" ? "empty" : `\`${text}\``;
}

/** Breaks an item of a list into lines, and indents all but the first. */
function wrap(item: string): string {
  const lines: string[] = [];
  for (const word of item.split(" ")) {
    const line = lines.at(-1);
    if (line !== undefined && line.length + 1 + word.length <= WIDTH)
      lines[lines.length - 1] = `${line} ${word}`;
    else lines.push(lines.length === 0 ? word : `  ${word}`);
  }
  return lines.join("\n");
}

if (require.main === module) {
  writeFileSync("docs/settings.md", settingsPage(readFileSync("Pulumi.yaml", "utf8")));
}
