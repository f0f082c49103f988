import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { evaluate, PACK, Results, Violation } from "./evaluate";
import { array, object, Resource, SECRET, text } from "./rule";
import { rules } from "./rules";

const USAGE = "npm run check -- --graph FILE [--json | --sarif]";

/** How a stack export marks a secret value. */
const SECRET_SIGNATURE = "4dabf18193072939515e22adb298388d";

class CheckError extends Error {}

interface StackResources {
  stack: string;
  resources: Resource[];
}

function withoutSecrets(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withoutSecrets);
  if (typeof value !== "object" || value === null) return value;
  if (SECRET_SIGNATURE in value) return SECRET;
  return Object.fromEntries(Object.entries(value).map(([key, one]) => [key, withoutSecrets(one)]));
}

function resourceOf(each: unknown): Resource {
  const { urn, type, inputs, protect, custom, propertyDependencies } = object(each);
  return {
    urn: text(urn),
    type: text(type),
    name: text(urn).split("::").pop() ?? "",
    custom: custom !== false,
    protect: protect === true,
    inputs: object(withoutSecrets(inputs)),
    propertyDependencies: Object.fromEntries(
      Object.entries(object(propertyDependencies)).map(([property, urns]) => [
        property,
        array(urns).map(text),
      ]),
    ),
  };
}

/**
 * Reads the resources of a preview document, of several of them, or of a `pulumi stack export`.
 *
 * @throws CheckError when the file is none of these
 */
function readStacks(file: string): StackResources[] {
  let parsed: unknown;
  try {
    parsed = JSON.parse(readFileSync(file, "utf8"));
  } catch (error) {
    const why = (error as NodeJS.ErrnoException).code === "ENOENT" ? "there is no such file" : String(error);
    throw new CheckError(
      `cannot read ${file}: ${why}. Write it with: npm run preview -- STACK --json > ${file}`,
    );
  }
  return (Array.isArray(parsed) ? (parsed as unknown[]) : [parsed]).map((document) => {
    const list = object(document).resources ?? object(object(document).deployment).resources;
    const isResource = (each: unknown) => text(object(each).type) !== "" && text(object(each).urn) !== "";
    if (!Array.isArray(list) || !list.every(isResource)) {
      throw new CheckError(
        `${file} is neither a preview document (npm run preview -- STACK --json > ${file}) nor a stack export (pulumi stack export --file ${file})`,
      );
    }
    const resources = list.map(resourceOf);
    return { stack: text(object(document).stack) || (resources[0]?.urn.split(":")[2] ?? ""), resources };
  });
}

function readConfig(stack: string): unknown {
  const file = join(__dirname, `policy-config.${stack}.json`);
  return existsSync(file) ? JSON.parse(readFileSync(file, "utf8")) : {};
}

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
            rules: rules.map(({ name, description, why }) => ({
              id: name,
              shortDescription: { text: description },
              fullDescription: { text: `${description}: ${why}.` },
            })),
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
              logicalLocations: [{ fullyQualifiedName: urn, kind: "resource" }],
            },
          ],
        })),
      },
    ],
  };
}

function table({ rules: count, evaluated, violations }: Omit<Results, "pack" | "version">): string {
  const resourceName = (urn: string) => urn.split("::").pop() ?? "";
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
