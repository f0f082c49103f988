import { writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { Command } from "commander";
import { runProgram } from "../cli/main";
import { PreviewDocument } from "../graph/document";
import { previewStack } from "./preview";
import { Project, readProject } from "./project";
import { Architecture, architectureOf, Box } from "../report/architecture";
import { describeFlows, drawFile } from "../report/drawing/drawing";

/** The stack in the documentation: it has every part. */
const STACK = "prod";

/** The tests' stack files: the drawing must not depend on the user's settings. */
const STACKS = "test/stacks";

const FOLDER = "docs";

/** The documentation's files that the program is the source of, by path in the project. */
export async function diagram(project: Project): Promise<Record<string, string>> {
  const { document } = await previewStack(project, STACK, { policies: false });
  const architecture = architectureOf(document);
  return {
    [`${FOLDER}/architecture.svg`]: await drawFile(architecture),
    [`${FOLDER}/architecture.md`]: inWords(architecture, document),
  };
}

/** The drawing as Markdown tables. */
function inWords(architecture: Architecture, { resources }: PreviewDocument): string {
  const custom = new Set(resources.flatMap(({ urn, custom: own }) => (own ? [urn] : [])));
  const row = ({ title, subtitle, urns, accessories }: Box) => {
    const own = [...urns, ...accessories].filter((urn) => custom.has(urn));
    return `| ${title} | ${subtitle} | ${own.length === 0 ? "" : own.length} |`;
  };
  return `# Architecture

Written by \`npm run diagram\` from the stack ${STACK}, like the drawing; a test fails when they are out of date.
\`npm run preview -- --report preview.html\` shows the same for each stack with all details.

![Architecture](architecture.svg)

## The boxes

| box | description | resources |
| --- | --- | --- |
${architecture.boxes.map(row).join("\n")}

## Flows

${describeFlows(architecture)
  .map((flow) => `- ${flow}`)
  .sort()
  .join("\n")}
`;
}

async function main(): Promise<void> {
  const directory = resolve(".");
  const project = { ...readProject(directory), stackConfigDir: join(directory, STACKS) };
  for (const [path, content] of Object.entries(await diagram(project)))
    writeFileSync(join(directory, path), content);
}

if (require.main === module) {
  void runProgram(
    new Command("npm run diagram").description("Writes the drawing of the documentation.").action(main),
  );
}
