import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join, resolve } from "node:path";
import { Command } from "commander";
import { UserError } from "../cli/userError";
import { isRefused, PolicyResults, PreviewDocument, PreviewResource } from "../graph/document";
import { listSettings, listStacks, Project, readProject, readStackConfig } from "./project";
import type { Baseline } from "../graph/baseline";
import type { Comparison, RuleDescription, StackReport } from "../report/report";
import { simulate } from "./simulate";
import { stackFileProblems } from "./stackFiles";
import { renderPreview } from "./terminal";
import { style } from "../graph/tree";

/** A preview of one stack and what the reader should know about it. */
export interface StackPreview {
  document: PreviewDocument;
  /** Secrets for which stand-ins were used. */
  standIns: string[];
}

export interface PreviewOptions {
  /** As at the first preview of a new stack on the real engine: only inputs are known. */
  unknownOutputs?: boolean;
  /** False leaves the policy pack out, to measure what it costs. */
  policies?: boolean;
}

/** What a policy pack's folder must offer: the same rules as it hands to the engine, to be called in-process. */
interface PackModule {
  evaluate: (resources: PreviewResource[], options: { config: unknown }) => PolicyResults;
  describeRules?: (config: unknown) => RuleDescription[];
}

/** Programs and packs are found at run time: this tool knows none. */
const load = createRequire(__filename);

const PACK_FOLDER = "policies";

/**
 * Previews one stack: runs the project's program against the simulated AWS, and the project's policy pack on what
 * the program registers.
 *
 * @throws UserError for mistakes in the project's files; whatever the program throws.
 */
export async function previewStack(
  project: Project,
  stack: string,
  { unknownOutputs = false, policies = true }: PreviewOptions = {},
): Promise<StackPreview> {
  const { values, secretKeys, standIns } = readStackConfig(project, stack);
  const program = join(project.directory, project.main);
  const run = () => {
    // Programs act when they are loaded: each stack needs a load of its own.
    // eslint-disable-next-line @typescript-eslint/no-dynamic-delete
    delete load.cache[program];
    return load(program) as unknown;
  };
  const options = { project: project.name, stack, config: values, secretKeys, unknownOutputs };
  const document = await withoutStackTraces(() => simulate(run, options));
  if (policies) document.policies = evaluatePolicies(project, document);
  return { document, standIns };
}

/**
 * The SDK takes a stack trace for every promise, a fifth of a preview's time. They are of use only where a program
 * fails in a way that nobody foresaw: then it runs once more with them.
 */
async function withoutStackTraces<T>(run: () => Promise<T>): Promise<T> {
  const limit = Error.stackTraceLimit;
  Error.stackTraceLimit = 0;
  try {
    return await run();
  } catch (error) {
    if (isPlain(error)) throw error;
  } finally {
    Error.stackTraceLimit = limit;
  }
  return run();
}

function evaluatePolicies(project: Project, document: PreviewDocument): PolicyResults {
  const pack = readPack(project, document.stack);
  if (pack === undefined) return document.policies;
  const {
    pack: name,
    version,
    rules,
    violations,
  } = pack.evaluate(document.resources, { config: pack.config });
  return { pack: name, version, rules, violations };
}

/** The project's policy pack with its config for a stack; undefined where there is none. */
function readPack({ directory }: Project, stack: string): (PackModule & { config: unknown }) | undefined {
  const pack = join(directory, PACK_FOLDER, "evaluate.ts");
  if (!existsSync(pack)) return undefined;
  const configFile = join(directory, PACK_FOLDER, `policy-config.${stack}.json`);
  const config = existsSync(configFile) ? readJson(configFile) : {};
  return { ...(load(pack) as PackModule), config };
}

function readJson(file: string): unknown {
  try {
    return JSON.parse(readFileSync(file, "utf8"));
  } catch (error) {
    throw new UserError(`cannot read ${file}: ${(error as Error).message}. Mend its JSON.`);
  }
}

interface Options {
  json?: boolean;
  markdown?: boolean;
  report?: string;
  against?: string;
}

/** What is loaded only where a report or a comparison is asked for: a preview takes no time for it. */
const reports = () => ({
  ...(load("../report/report") as typeof import("../report/report")),
  ...(load("../graph/baseline") as typeof import("../graph/baseline")),
  ...(load("../report/costs") as typeof import("../report/costs")),
  ...(load("../report/markdown") as typeof import("../report/markdown")),
  ...(load("../report/page") as typeof import("../report/page")),
});

async function run(stacks: string[], options: Options): Promise<void> {
  const { json = false, markdown = false, report, against } = options;
  const project = readProject(resolve("."));
  const chosen = stacks.length > 0 ? stacks : listStacks(project);
  const baselines = against === undefined ? undefined : baselinesFor(project, chosen, against);
  const previews = (await previewStacks(project, chosen)).map((preview) => {
    const baseline = baselines?.get(preview.document.stack);
    return { preview, comparison: baseline && reports().compare(preview.document, baseline, against ?? "") };
  });
  const documents = previews.map(({ preview }) => preview.document);
  const reported =
    markdown || report !== undefined
      ? previews.map(({ preview, comparison }) => reportOn(project, preview, comparison))
      : [];
  if (report !== undefined) writeFile(report, await reports().page(reported, new Date()));

  if (json) console.log(printed(documents));
  else if (markdown) console.log(reported.map(reports().markdown).join("\n\n"));
  else {
    const paint = style(process.stdout.isTTY && process.env.NO_COLOR === undefined);
    const texts = previews.map(({ preview, comparison }) => renderPreview(preview, comparison, paint));
    if (report !== undefined) texts.push(`The report is in ${report}`);
    console.log(texts.join("\n\n"));
  }
  if (documents.some(isRefused)) process.exitCode = 1;
}

/** Previews all stacks, or tells what is wrong with each of those that cannot be previewed. */
async function previewStacks(project: Project, stacks: string[]): Promise<StackPreview[]> {
  const previews: StackPreview[] = [];
  const mistakes = stackFileProblems(project, stacks);
  for (const stack of stacks) {
    try {
      previews.push(await previewStack(project, stack));
    } catch (error) {
      if (!isPlain(error)) throw error;
      mistakes.push(error.message);
    }
  }
  if (mistakes.length > 0) throw new UserError([...new Set(mistakes)].join("\n\n"));
  return previews;
}

/** The documents as JSON. Ids are left out: those of the simulated AWS mean nothing elsewhere. */
function printed(documents: PreviewDocument[]): string {
  const withoutIds = documents.map((document) => ({
    ...document,
    resources: document.resources.map((resource) =>
      Object.fromEntries(Object.entries(resource).filter(([key]) => key !== "id")),
    ),
  }));
  return JSON.stringify(withoutIds.length === 1 ? withoutIds[0] : withoutIds, null, 2);
}

/** What the stacks are compared with; one that the file does not hold, such as a new one, with nothing. */
function baselinesFor({ name: project }: Project, stacks: string[], file: string): Map<string, Baseline> {
  const { readBaselines, baselineOf } = reports();
  const held = readBaselines(file);
  const known = stacks.filter((stack) => held.has(stack) || held.has(""));
  const found = (known.length > 0 ? known : stacks).map(
    (stack) => [stack, baselineOf(held, { project, stack }, file)] as const,
  );
  for (const stack of stacks.filter((one) => !known.includes(one)))
    console.error(`${file} does not hold the stack ${stack}, which is shown without a comparison.`);
  return new Map(found);
}

function reportOn(project: Project, preview: StackPreview, comparison: Comparison | undefined): StackReport {
  const { stack } = preview.document;
  const pack = readPack(project, stack);
  return {
    ...preview,
    settings: listSettings(project, stack),
    rules: pack?.describeRules?.(pack.config) ?? [],
    costs: reports().costsOf(preview.document),
    comparison,
  };
}

function writeFile(file: string, content: string): void {
  try {
    writeFileSync(file, content);
  } catch (error) {
    throw new UserError(`The report cannot be written to ${file}: ${(error as Error).message}`);
  }
}

if (require.main === module) {
  new Command("npm run preview --")
    .description(
      "Shows what `pulumi up` would create for each stack, with policy results, without an AWS account.",
    )
    .argument("[stacks...]", "stacks to preview; all that have a Pulumi.<stack>.yaml when none is named")
    .option("--json", "print one JSON document, an array for several stacks")
    .option("--markdown", "print a short text for a pull request")
    .option("--report <file>", "write a page with drawing, policy results, costs and settings")
    .option("--against <file>", "tell what changes, against an earlier --json or a `pulumi stack export`")
    .addHelpText("after", "\nExit code 1: a mandatory policy is violated, or a setting is bad.")
    .action(run)
    .parseAsync()
    .catch((error: unknown) => {
      process.exitCode = 1;
      console.error(isPlain(error) ? error.message : error);
    });
}

/** Mistakes of the user, told by the project's files, by the settings (RunError), or by the simulated AWS. */
function isPlain(error: unknown): error is Error {
  return error instanceof UserError || (error instanceof Error && "__pulumiRunError" in error);
}
