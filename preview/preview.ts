import { writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join, resolve } from "node:path";
import { inspect } from "node:util";
import { Command } from "commander";
import { formatError, runProgram } from "../cli/main";
import { print, printError } from "../cli/output";
import { UserError } from "../cli/userError";
import { isRefused, PreviewDocument } from "../graph/document";
import { listSettings, Project, readProject, readStackConfig, requireStacks } from "./project";
import type { Baseline } from "../graph/baseline";
import type { Comparison, StackReport } from "../report/report";
import { PolicyPack, readPack } from "./pack";
import { simulate } from "./simulate";
import { stackFileProblems } from "./stackFiles";
import { renderPreview } from "./terminal";
import { style } from "./tree";

/** A preview of one stack. */
export interface StackPreview {
  document: PreviewDocument;
  /** The project's policy pack. Undefined if the project has none, or with `policies: false`. */
  pack: PolicyPack | undefined;
}

export interface PreviewOptions {
  /** True to leave outputs unknown, as at the first preview of a new stack. */
  unknownOutputs?: boolean;
  /** False to skip the policy pack, to measure its time. */
  policies?: boolean;
}

/** Loads programs at run time: a preview works for any project. */
const load = createRequire(__filename);

/**
 * Previews one stack: runs the project's program against the simulated AWS, then the project's policy pack on the
 * resources that the program registers.
 *
 * @throws UserError for mistakes in the project's files; errors of the program
 */
export async function previewStack(
  project: Project,
  stack: string,
  { unknownOutputs = false, policies = true }: PreviewOptions = {},
): Promise<StackPreview> {
  const { values, secretKeys } = readStackConfig(project, stack);
  const program = join(project.directory, project.main);
  const run = () => {
    // A program runs when it is loaded, so it is reloaded for each stack.
    // oxlint-disable-next-line typescript/no-dynamic-delete
    delete load.cache[program];
    return load(program) as unknown;
  };
  const options = { project: project.name, stack, config: values, secretKeys, unknownOutputs };
  const document = await withoutStackTraces(() => simulate(run, options));
  const pack = policies ? readPack(project.directory, stack) : undefined;
  if (pack !== undefined) {
    const { pack: name, version, rules, violations } = pack.evaluate(document.resources);
    document.policies = { pack: name, version, rules, violations };
  }
  return { document, pack };
}

/**
 * Runs without stack traces: the SDK takes one for each promise and each resource, which is a fifth of a preview's time.
 * After an unexpected error, runs again with them.
 */
async function withoutStackTraces<T>(run: () => Promise<T>): Promise<T> {
  const { stackTraceLimit } = Error;
  const prepareStackTrace = Error.prepareStackTrace.bind(Error);
  Error.stackTraceLimit = 0;
  Error.prepareStackTrace = () => "";
  try {
    return await run();
  } catch (error) {
    if (isExpected(error)) throw error;
  } finally {
    Object.assign(Error, { stackTraceLimit, prepareStackTrace });
  }
  return run();
}

interface Options {
  json?: boolean;
  markdown?: boolean;
  parts?: boolean;
  report?: string;
  against?: string;
}

/** Loads the modules that only a report or a comparison needs: they would slow a plain preview down. */
const reports = () => ({
  ...(load("../report/report") as typeof import("../report/report")),
  ...(load("../graph/baseline") as typeof import("../graph/baseline")),
  ...(load("../report/costs/costs") as typeof import("../report/costs/costs")),
  ...(load("../report/markdown") as typeof import("../report/markdown")),
  ...(load("../report/page/page") as typeof import("../report/page/page")),
});

async function run(stacks: string[], options: Options): Promise<void> {
  const { json = false, markdown = false, parts = false, report, against } = options;
  const project = readProject(resolve("."));
  const chosen = stacks.length > 0 ? stacks : requireStacks(project);
  const baselines = against === undefined ? undefined : baselinesFor(project, chosen, against);
  const previews = (await previewStacks(project, chosen)).map((preview) => {
    const { document, pack } = preview;
    const baseline = baselines?.get(document.stack);
    const comparison =
      baseline && reports().compare(document, baseline, { file: against ?? "", evaluate: pack?.evaluate });
    return { ...preview, comparison, warnings: pack?.warnings ?? [] };
  });
  const documents = previews.map(({ document }) => document);
  const reported =
    markdown || report !== undefined ? previews.map((preview) => reportOn(project, preview)) : [];
  if (report !== undefined) writeFile(report, await reports().page(reported, new Date()));

  if (json) {
    for (const { warnings } of previews) for (const warning of warnings) printError(warning);
    print(printed(documents));
  } else if (markdown) print(reported.map(reports().markdown).join("\n\n"));
  else {
    const paint = style(process.stdout.isTTY && process.env.NO_COLOR === undefined);
    const texts = previews.map((preview) => renderPreview({ ...preview, parts }, paint));
    if (report !== undefined) texts.push(`The report is in ${report}`);
    print(texts.join("\n\n"));
  }
  if (documents.some(isRefused)) process.exitCode = 1;
}

/**
 * Previews all stacks. Throws one UserError with the errors of all stacks that cannot be previewed. An error that the
 * program did not foresee keeps its stack trace, for those who change the program.
 */
async function previewStacks(project: Project, stacks: string[]): Promise<StackPreview[]> {
  const previews: StackPreview[] = [];
  const mistakes = stackFileProblems(project, stacks);
  for (const stack of stacks) {
    const done = showProgress(`Previewing ${stack} (${stacks.indexOf(stack) + 1} of ${stacks.length})`);
    try {
      previews.push(await previewStack(project, stack));
    } catch (error) {
      mistakes.push(
        isExpected(error) ? formatError(error) : `The program failed for ${stack}:\n${inspect(error)}`,
      );
    } finally {
      done();
    }
  }
  if (mistakes.length > 0) throw new UserError([...new Set(mistakes)].join("\n\n"));
  return previews;
}

/** Shows a line on a terminal until the returned function is called. Pipes and logs get nothing. */
function showProgress(line: string): () => void {
  const { stderr } = process;
  if (!stderr.isTTY) return () => undefined;
  stderr.write(`${line}…`);
  return () => stderr.write("\r\u001b[K");
}

/** The documents as JSON. The ids are simulated: `npm run check` finds by them which resource a value names. */
const printed = (documents: PreviewDocument[]): string =>
  JSON.stringify(documents.length === 1 ? documents[0] : documents, null, 2);

/** The baselines of the stacks. A stack that is not in the file, such as a new one, has none. */
function baselinesFor({ name: project }: Project, stacks: string[], file: string): Map<string, Baseline> {
  const { readBaselines, baselineOf } = reports();
  const held = readBaselines(file);
  const known = stacks.filter((stack) => held.has(stack) || held.has(""));
  const found = (known.length > 0 ? known : stacks).map(
    (stack) => [stack, baselineOf(held, { project, stack }, file)] as const,
  );
  for (const stack of stacks.filter((one) => !known.includes(one)))
    printError(`The stack ${stack} is not in ${file}, so its preview has no comparison.`);
  return new Map(found);
}

type ComparedPreview = StackPreview & { comparison: Comparison | undefined; warnings: string[] };

function reportOn(project: Project, { document, pack, comparison, warnings }: ComparedPreview): StackReport {
  return {
    document,
    warnings,
    settings: listSettings(project, document.stack),
    rules: pack?.describeRules() ?? [],
    costs: reports().costsOf(document),
    comparison,
  };
}

function writeFile(file: string, content: string): void {
  try {
    writeFileSync(file, content);
  } catch (error) {
    throw new UserError(
      `The report cannot be written to ${file}: ${(error as Error).message}.`,
      "name another file",
    );
  }
}

if (require.main === module) {
  const program = new Command("npm run preview --")
    .description(
      "Shows what `pulumi up` would create in each stack, with policy results. It needs no AWS account.",
    )
    .argument("[stacks...]", "stacks to preview; default: all that have a Pulumi.STACK.yaml")
    .option("--json", "print the preview as JSON; an array for several stacks")
    .option("--markdown", "print a short text for a pull request")
    .option("--parts", "show only the components of the tree, with the number of their resources")
    .option("--report <file>", "write an HTML page with drawing, policy results, costs and settings")
    .option("--against <file>", "show what changes against an earlier --json or a `pulumi stack export`")
    .addHelpText("after", "\nExit code 1: a mandatory policy is violated, or a setting is wrong.")
    .action(run);
  void runProgram(program);
}

/** True if the user can fix the error: in the project's files (UserError) or in the settings (RunError). */
function isExpected(error: unknown): error is Error {
  return error instanceof UserError || (error instanceof Error && "__pulumiRunError" in error);
}
