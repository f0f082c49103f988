import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { CONFIG, evaluate, PACK, Results, Violation } from "../policies/evaluate";
import { array, object, Resource, SECRET, text, UNKNOWN } from "../policies/rule";
import { rules } from "../policies/rules";

const USAGE = "npm run check -- --graph FILE [--json | --sarif]";

/**
 * How the engine marks a value that is more than JSON, under this key, and which mark is a secret's: an asset has
 * another.
 *
 * @see https://github.com/pulumi/pulumi/blob/master/sdk/go/common/resource/sig/sig.go
 */
const SIGNATURE = "4dabf18193072939515e22adb298388d";
const SECRET_SIGNATURE = "1b47061264138c4ac30d75fd1eb44270";

/** How the engine writes a text that is not known yet. */
const ENGINE_UNKNOWN = "04da6b54-80e4-46f7-96ec-b56ff0331ba9";

class CheckError extends Error {}

interface StackResources {
  stack: string;
  resources: Resource[];
}

/** A value of the engine's as a preview document writes it. */
function plain(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(plain);
  if (typeof value === "string") return value.replaceAll(ENGINE_UNKNOWN, UNKNOWN);
  if (typeof value !== "object" || value === null) return value;
  if ((value as Record<string, unknown>)[SIGNATURE] === SECRET_SIGNATURE) return SECRET;
  return Object.fromEntries(
    Object.entries(value)
      // The provider's note of which inputs have its defaults.
      .filter(([key]) => key !== "__defaults")
      .map(([key, one]) => [key, plain(one)]),
  );
}

function resourceOf(each: unknown): Resource {
  const { urn, type, inputs, protect, custom, propertyDependencies } = object(each);
  return {
    urn: text(urn),
    type: text(type),
    name: text(urn).split("::").pop() ?? "",
    custom: custom !== false,
    protect: protect === true,
    inputs: object(plain(inputs)),
    propertyDependencies: Object.fromEntries(
      Object.entries(object(propertyDependencies)).map(([property, urns]) => [
        property,
        array(urns).map(text),
      ]),
    ),
  };
}

const HOW = (file: string) =>
  `Write one with: npm run --silent preview -- STACK --json > ${file}, or: pulumi stack export --file ${file}`;

/**
 * Resources of one document: those that `npm run preview --json` and `pulumi stack export` list, and those that
 * `pulumi preview --json` has among its steps.
 */
function listOf(document: unknown): unknown {
  const { resources, deployment, steps } = object(document);
  return (
    resources ??
    object(deployment).resources ??
    (Array.isArray(steps)
      ? (steps as unknown[]).map((step) => object(step).newState).filter((state) => state !== undefined)
      : undefined)
  );
}

/**
 * Reads the stacks of a file.
 *
 * @throws CheckError when the file is none that can be judged
 */
function readStacks(file: string): StackResources[] {
  let parsed: unknown;
  try {
    const content = readFileSync(file, "utf8");
    // npm writes what it runs before the program's own output.
    parsed = JSON.parse(content.slice(Math.max(0, content.search(/^[[{]/m))));
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    const why = code === "ENOENT" ? "there is no such file" : message;
    throw new CheckError(`cannot read ${file}: ${why}. ${HOW(file)}`);
  }
  const stacks = (Array.isArray(parsed) ? (parsed as unknown[]) : [parsed]).map((document) => {
    const list = listOf(document);
    const isResource = (each: unknown) => text(object(each).type) !== "" && text(object(each).urn) !== "";
    if (!Array.isArray(list) || !list.every(isResource))
      throw new CheckError(`${file} is neither a preview nor a stack export. ${HOW(file)}`);
    // What only waits for its deletion after a replacement is not what the program asks for.
    const resources = list.filter((each) => object(each).delete !== true).map(resourceOf);
    return { stack: resources[0]?.urn.split(":")[2] ?? "", resources };
  });
  // Nothing to judge is no good news.
  if (stacks.every(({ resources }) => resources.length === 0))
    throw new CheckError(`${file} has no resources. ${HOW(file)}`);
  return stacks;
}

function readConfig(stack: string): unknown {
  const file = join("policies", `policy-config.${stack}.json`);
  if (!existsSync(file)) return {};
  try {
    return JSON.parse(readFileSync(file, "utf8"));
  } catch (error) {
    throw new CheckError(`cannot read ${file}: ${(error as Error).message}. Mend its JSON`);
  }
}

/** GitHub's scale from 0 to 10. */
const SECURITY_SEVERITY = { low: "3.0", medium: "5.0", high: "8.0", critical: "9.5" };

/** @see https://docs.oasis-open.org/sarif/sarif/v2.1.0/sarif-v2.1.0.html */
function sarif(violations: Violation[]): unknown {
  return {
    $schema: "https://json.schemastore.org/sarif-2.1.0.json",
    version: "2.1.0",
    runs: [
      {
        tool: {
          driver: {
            name: PACK.name,
            version: PACK.version,
            rules: [
              ...rules.map(({ name, description, why, level, severity, area }) => ({
                id: name,
                shortDescription: { text: description },
                fullDescription: { text: `${description}: ${why}.` },
                defaultConfiguration: { level: level === "mandatory" ? "error" : "warning" },
                properties: { tags: [area], "security-severity": SECURITY_SEVERITY[severity] },
              })),
              {
                id: CONFIG,
                shortDescription: { text: "The pack's config names rules and gives reasons" },
                defaultConfiguration: { level: "error" },
              },
            ],
          },
        },
        results: violations.map(({ policy, level, urn, message }) => ({
          ruleId: policy,
          level: level === "mandatory" ? "error" : "warning",
          message: { text: message },
          locations: [
            {
              // Code scanning shows a result only at a place in a file: the program's first line stands for it.
              physicalLocation: { artifactLocation: { uri: "index.ts" }, region: { startLine: 1 } },
              logicalLocations: [{ name: resourceName(urn), fullyQualifiedName: urn, kind: "resource" }],
            },
          ],
        })),
      },
    ],
  };
}

const resourceName = (urn: string) => urn.split("::").pop() ?? "";

function table({ rules: count, evaluated, violations }: Omit<Results, "pack" | "version">): string {
  const width = Math.max(0, ...violations.map(({ policy }) => policy.length));
  const lines = violations.flatMap(({ level, policy, urn, message }) => [
    `${level.padEnd(9)}  ${policy.padEnd(width)}  ${resourceName(urn)}`,
    `           ${message}`,
  ]);
  return [...lines, `${count} rules, ${evaluated} evaluations, ${violations.length} violations`].join("\n");
}

function options() {
  try {
    return parseArgs({
      options: { graph: { type: "string" }, json: { type: "boolean" }, sarif: { type: "boolean" } },
    }).values;
  } catch (error) {
    throw new CheckError(`${(error as Error).message}. Usage: ${USAGE}`);
  }
}

function main(): number {
  const { graph, json, sarif: asSarif } = options();
  if (graph === undefined) throw new CheckError(`name the file to check: ${USAGE}`);
  const results = readStacks(graph).map(({ stack, resources }) =>
    evaluate(resources, { config: readConfig(stack) }),
  );
  const sum = {
    rules: rules.length,
    evaluated: results.reduce((total, { evaluated }) => total + evaluated, 0),
    violations: results.flatMap(({ violations }) => violations),
  };
  if (json === true) console.log(JSON.stringify(sum, null, 2));
  else if (asSarif === true) console.log(JSON.stringify(sarif(sum.violations), null, 2));
  else console.log(table(sum));
  return sum.violations.some(({ level }) => level === "mandatory") ? 1 : 0;
}

try {
  process.exitCode = main();
} catch (error) {
  if (!(error instanceof CheckError)) throw error;
  console.error(`check: ${error.message}`);
  process.exitCode = 2;
}
