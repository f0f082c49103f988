import { join, resolve } from "node:path";
import { parseArgs } from "node:util";
import { UserError } from "../cli/userError";
import { nameOf, PolicyResults } from "../graph/document";
import { howToWrite, readStacks } from "../graph/readStacks";
import { readPack } from "./pack";

const USAGE = "npm run check -- --graph FILE [--json]";

/** Folder of the project with the policy pack: the current folder, as for a preview. */
const PROJECT = resolve(".");

/** The combined results of all stacks of a file. */
type Results = Pick<PolicyResults, "rules" | "violations"> & { evaluated: number };

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
    for (const warning of [...warnings, ...pack.warnings]) console.error(`check: ${warning}`);
    return pack.evaluate(resources);
  });
  return {
    rules: results[0]?.rules ?? 0,
    evaluated: results.reduce((total, { evaluated }) => total + evaluated, 0),
    violations: results.flatMap(({ violations }) => violations),
  };
}

function table({ rules, evaluated, violations }: Results): string {
  const width = Math.max(0, ...violations.map(({ policy }) => policy.length));
  const lines = violations.flatMap(({ level, policy, urn, message }) => [
    `${level.padEnd(9)}  ${policy.padEnd(width)}  ${nameOf(urn)}`,
    `           ${message}`,
  ]);
  return [...lines, `${rules} rules, ${evaluated} evaluations, ${violations.length} violations`].join("\n");
}

function options() {
  try {
    return parseArgs({ options: { graph: { type: "string" }, json: { type: "boolean" } } }).values;
  } catch (error) {
    throw new UserError((error as Error).message, `Usage: ${USAGE}`);
  }
}

/** Returns the exit code: 1 if a mandatory rule is violated. */
function main(): number {
  const { graph, json = false } = options();
  if (graph === undefined) throw new UserError("--graph is missing.", `Usage: ${USAGE}`);
  const results = check(graph);
  console.log(json ? JSON.stringify(results, null, 2) : table(results));
  return results.violations.some(({ level }) => level === "mandatory") ? 1 : 0;
}

try {
  process.exitCode = main();
} catch (error) {
  if (!(error instanceof UserError)) throw error;
  console.error(`check: ${error.message} ${error.remedy}`.trimEnd());
  process.exitCode = 2;
}
