import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { PackRule, rules } from "./rules";

const START = "<!-- rules: npm run rules-table -->";
const END = "<!-- /rules -->";

export const README = join(__dirname, "README.md");

const cell = (text: string) => text.replaceAll("|", "\\|").replaceAll("*", "\\*").replaceAll("<", "&lt;");

function row({
  name,
  description,
  why,
  kind,
  level,
  severity,
  reference = "",
  parameters,
  neighbours,
}: PackRule): string {
  const config = Object.entries(parameters).map(
    ([parameter, { default: value, description: meaning }]) =>
      `\`${parameter}\` (${cell(meaning)}; default \`${JSON.stringify(value)}\`)`,
  );
  const scope = neighbours ? "stack" : "resource";
  return `| \`${name}\` | ${cell(description)} | ${cell(why)} | ${kind} | ${level}, ${severity} | ${scope} | ${config.join("; ")} | ${reference} |`;
}

const TITLES: Partial<Record<string, string>> = { cloudfront: "CloudFront", iam: "IAM" };

/** All rules as Markdown: a table for each area. */
export function rulesTable(): string {
  const areas = [...new Set(rules.map(({ area }) => area))];
  return areas
    .map((area) =>
      [
        `### ${TITLES[area] ?? area.charAt(0).toUpperCase() + area.slice(1)}`,
        "",
        "| rule | what | why | kind | level, severity | judges | config | reference |",
        "| --- | --- | --- | --- | --- | --- | --- | --- |",
        ...rules.filter((rule) => rule.area === area).map(row),
      ].join("\n"),
    )
    .join("\n\n");
}

/** Replaces the table between the marks of the README. */
export function withRulesTable(document: string): string {
  const start = document.indexOf(START);
  const end = document.indexOf(END);
  if (start < 0 || end < start) throw new Error(`policies/README.md needs the lines ${START} and ${END}`);
  return `${document.slice(0, start)}${START}\n\n${rulesTable()}\n\n${document.slice(end)}`;
}

if (require.main === module) writeFileSync(README, withRulesTable(readFileSync(README, "utf8")));
