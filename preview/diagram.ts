import { writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { PreviewDocument } from "../graph/document";
import { previewStack } from "./preview";
import { Project, readProject } from "./project";
import { Architecture, architectureOf, Box } from "../report/architecture";
import { describeFlows, drawFile } from "../report/drawing";

/** The stack that the documentation shows: the one with every part. */
const STACK = "prod";

/** Folder of that stack's settings: the documentation does not change with the user's own. */
const STACKS = "test/stacks";

const FOLDER = "docs";

/** The files of the documentation that are made from the program, by their paths in the project. */
export async function diagram(project: Project): Promise<Record<string, string>> {
  const { document } = await previewStack(project, STACK, { policies: false });
  const architecture = architectureOf(document);
  return {
    [`${FOLDER}/architecture.svg`]: await drawFile(architecture),
    [`${FOLDER}/architecture.md`]: inWords(architecture, document),
  };
}

/** For those who cannot see the drawing, or want to look something up in it. */
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

| box | what it is | resources |
| --- | --- | --- |
${architecture.boxes.map(row).join("\n")}

## What flows

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

if (require.main === module) void main();
