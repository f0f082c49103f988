import { existsSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join, resolve } from "node:path";
import { Command } from "commander";
import { PolicyResults, PreviewDocument, PreviewResource } from "./document";
import { listStacks, PreviewError, Project, readProject, readStackConfig } from "./project";
import { simulate } from "./simulate";
import { renderOutputs, renderTree, Style, style } from "./tree";

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
}

/** Programs and packs are found at run time: this tool knows none. */
const load = createRequire(__filename);

const PACK_FOLDER = "policies";

/**
 * Previews one stack: runs the project's program against the simulated AWS, and the project's policy pack on what
 * the program registers.
 *
 * @throws PreviewError for mistakes in the project's files; whatever the program throws.
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

function evaluatePolicies({ directory }: Project, document: PreviewDocument): PolicyResults {
  const pack = join(directory, PACK_FOLDER, "evaluate.ts");
  if (!existsSync(pack)) return document.policies;
  const { evaluate } = load(pack) as PackModule;
  const configFile = join(directory, PACK_FOLDER, `policy-config.${document.stack}.json`);
  return evaluate(document.resources, { config: existsSync(configFile) ? readJson(configFile) : {} });
}

function readJson(file: string): unknown {
  try {
    return JSON.parse(readFileSync(file, "utf8"));
  } catch (error) {
    throw new PreviewError(`cannot read ${file}: ${(error as Error).message}. Mend its JSON.`);
  }
}

/** True where `pulumi up` would be refused. */
export function isRefused({ policies }: PreviewDocument): boolean {
  return policies.violations.some(({ level }) => level === "mandatory");
}

function render({ document, standIns }: StackPreview, paint: Style): string {
  const { project, stack, resources } = document;
  const components = resources.filter(({ custom }) => !custom).length;
  const lines = [
    paint.bold(`Previewing ${project}/${stack}`) + paint.dim(" on a simulated AWS: nothing is created"),
    "",
    renderTree(resources, paint),
    "",
    paint.bold("Outputs:"),
    renderOutputs(document, paint),
    "",
    paint.bold("Policies:"),
    ...renderPolicies(document, paint),
    "",
    paint.bold("Resources:"),
    `  ${paint.green(`+ ${resources.length} to create`)}, of which ${components} group the others`,
  ];
  if (standIns.length > 0) {
    const names = standIns.map((key) => `  ${key.replace(`${project}:`, "")}`);
    lines.push("", `Stand-ins take the place of ${standIns.length} secrets:`, ...names);
    lines.push(`To generate or set them: npm run init-stack -- ${stack}`);
  }
  return lines.join("\n");
}

function renderPolicies({ policies, stack }: PreviewDocument, paint: Style): string[] {
  const { pack, version, rules, violations } = policies;
  if (rules === 0) return [`  There is no policy pack in the folder ${PACK_FOLDER}.`];
  if (violations.length === 0)
    return [`  ${paint.green("✓")} ${pack} ${version}: all ${rules} rules hold for ${stack}`];
  return violations.flatMap(({ policy, level, urn, message }) => {
    const mark = level === "mandatory" ? paint.red("✗ [mandatory]") : paint.yellow("! [advisory]");
    return [`  ${mark} ${paint.bold(policy)} (${urn.split("::").at(-1) ?? urn})`, `      ${message}`];
  });
}

/** The result as a comment on a pull request. */
function renderMarkdown({ document }: StackPreview): string {
  const { project, stack, resources, policies } = document;
  const verdict = isRefused(document) ? "refused by policy" : "accepted";
  const rows = policies.violations.map(
    ({ policy, level, urn, message }) =>
      `| ${level} | ${escapeCell(policy)} | ${escapeCell(urn.split("::").at(-1) ?? urn)} | ${escapeCell(message)} |`,
  );
  return [
    `### ${project}/${stack}: ${verdict}`,
    "",
    `${resources.length} resources, ${policies.rules} policy rules, ${policies.violations.length} violations.`,
    ...(rows.length > 0
      ? ["", "| level | rule | resource | message |", "| --- | --- | --- | --- |", ...rows]
      : []),
  ].join("\n");
}

/** Text that cannot leave its table cell or become markup. */
function escapeCell(text: string): string {
  return text.replace(/[\\`*_{}[\]<>()#|!~]/g, "\\$&").replace(/\s+/g, " ");
}

async function run(stacks: string[], options: { json?: boolean; markdown?: boolean }): Promise<void> {
  const project = readProject(resolve("."));
  const chosen = stacks.length > 0 ? stacks : listStacks(project);
  const paint = style(process.stdout.isTTY && process.env.NO_COLOR === undefined);
  const documents: PreviewDocument[] = [];
  for (const [index, stack] of chosen.entries()) {
    const preview = await previewStack(project, stack);
    documents.push(preview.document);
    if (options.json === true) continue;
    const text = options.markdown === true ? renderMarkdown(preview) : render(preview, paint);
    console.log(`${index > 0 ? "\n" : ""}${text}`);
  }
  if (options.json === true) {
    console.log(JSON.stringify(documents.length === 1 ? documents[0] : documents, null, 2));
  }
  if (documents.some(isRefused)) process.exitCode = 1;
}

if (require.main === module) {
  new Command("npm run preview --")
    .description(
      "Shows what `pulumi up` would create for each stack, with policy results, without an AWS account.",
    )
    .argument("[stacks...]", "stacks to preview; all that have a Pulumi.<stack>.yaml when none is named")
    .option("--json", "print one JSON document, an array for several stacks")
    .option("--markdown", "print a short text for a pull request")
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
  return error instanceof PreviewError || (error instanceof Error && "__pulumiRunError" in error);
}
