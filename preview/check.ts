import { join, resolve } from "node:path";
import { Command } from "commander";
import { runProgram } from "../cli/main";
import { print, printError } from "../cli/output";
import { UserError } from "../cli/userError";
import { nameOf, PolicyResults } from "../graph/document";
import { howToWrite, readStacks } from "../graph/readStacks";
import { readPack } from "./pack";

const HELP = `
Example:
  npm run check -- --graph preview.json

Exit codes:
  0 no mandatory policy is violated   1 one is   2 the file or the command line is wrong
`;

/** Folder of the project with the policy pack: the current folder, as for a preview. */
const PROJECT = resolve(".");

/** The combined results of all stacks of a file. */
type Results = Required<Pick<PolicyResults, "rules" | "violations" | "excepted">> & {
  evaluated: number;
  /** Number of resources that do not exist yet. Rules judge what names their ids by where the value comes from. */
  withoutId: number;
};

/**
 * Evaluates the policy pack on the stacks of a file.
 *
 * @throws UserError if the file cannot be read, or if none of its stacks has a resource
 */
function check(file: string): Results {
  const stacks = readStacks(file).filter(({ resources }) => resources.length > 0);
  if (stacks.length === 0) {
    throw new UserError(`${file} has no resources, so there is nothing to check.`, howToWrite(file));
  }
  const results = stacks.map(({ stack, resources, warnings }) => {
    const pack = readPack(PROJECT, stack);
    if (pack === undefined) throw new UserError(`There is no policy pack in ${join(PROJECT, "policies")}.`);
    for (const warning of [...warnings, ...pack.warnings]) printError(`check: ${warning}`);
    return pack.evaluate(resources);
  });
  return {
    rules: results[0]?.rules ?? 0,
    evaluated: results.reduce((total, { evaluated }) => total + evaluated, 0),
    withoutId: stacks
      .flatMap(({ resources }) => resources)
      .filter(({ custom, id, type }) => custom && id === "" && type.startsWith("aws:")).length,
    violations: results.flatMap(({ violations }) => violations),
    excepted: results.flatMap(({ excepted = [] }) => excepted),
  };
}

function table({ rules, evaluated, violations, excepted, withoutId }: Results): string {
  const width = Math.max(0, ...[...violations, ...excepted].map(({ policy }) => policy.length));
  const lines = violations.flatMap(({ level, policy, urn, message }) => [
    `${level.padEnd(9)}  ${policy.padEnd(width)}  ${nameOf(urn)}`,
    `           ${message}`,
  ]);
  const exceptions = excepted.flatMap(({ policy, urn, message, reason, expires }) => [
    `excepted   ${policy.padEnd(width)}  ${nameOf(urn)} until ${expires}: ${reason}`,
    `           ${message}`,
  ]);
  const counts =
    `${rules} rules, ${evaluated} evaluations, ` +
    `${violations.length} ${violations.length === 1 ? "violation" : "violations"}`;
  const unknown =
    withoutId === 0
      ? []
      : [
          `${withoutId} resources do not exist yet. Where another one names their ids, rules judge which resource the value ` +
            "comes from, not the value. After the update, check the values: " +
            "pulumi stack export --file after.json; npm run check -- --graph after.json",
        ];
  return [...lines, ...exceptions, ...unknown, counts].join("\n");
}

const program = new Command("npm run check --")
  .description("Evaluates the policy pack on a preview or a stack export.")
  .requiredOption(
    "--graph <file>",
    "file of npm run preview --json, pulumi preview --json or pulumi stack export",
  )
  .option("--json", "print the results as JSON")
  .addHelpText("after", HELP)
  .showHelpAfterError("Usage: npm run check -- --graph FILE [--json]")
  .action(({ graph, json }: { graph: string; json?: true }) => {
    const results = check(graph);
    print(json === true ? JSON.stringify(results, null, 2) : table(results));
    if (results.violations.some(({ level }) => level === "mandatory")) process.exitCode = 1;
  });

void runProgram(program, { userErrorCode: 2 });
