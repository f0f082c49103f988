import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { evaluate, Violation } from "./evaluate";
import { object, Resource, SECRET, text } from "./rule";

const SIGNATURE = "4dabf18193072939515e22adb298388d";

class CheckError extends Error {}

function withoutSecrets(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withoutSecrets);
  if (typeof value !== "object" || value === null) return value;
  if (SIGNATURE in value) return SECRET;
  return Object.fromEntries(Object.entries(value).map(([key, one]) => [key, withoutSecrets(one)]));
}

/** Reads the resources of a preview document, several of them, or a `pulumi stack export`. */
function stacksOf(file: string): { stack: string; resources: Resource[] }[] {
  let parsed: unknown;
  try {
    parsed = JSON.parse(readFileSync(file, "utf8"));
  } catch (error) {
    throw new CheckError(`cannot read ${file}: ${(error as Error).message}`);
  }
  return (Array.isArray(parsed) ? (parsed as unknown[]) : [parsed]).map((one) => {
    const list = object(one).resources ?? object(object(one).deployment).resources;
    if (
      !Array.isArray(list) ||
      !list.every((each) => text(object(each).type) !== "" && text(object(each).urn) !== "")
    )
      throw new CheckError(
        `${file} is neither a preview document (npm run preview -- STACK --json) nor a stack export (pulumi stack export)`,
      );
    const resources = list.map((each): Resource => {
      const { urn, type, inputs, protect, custom } = object(each);
      return {
        urn: text(urn),
        type: text(type),
        name: text(urn).split("::").pop() ?? "",
        custom: custom !== false,
        protect: protect === true,
        inputs: object(withoutSecrets(inputs)),
      };
    });
    return { stack: text(object(one).stack) || (resources[0]?.urn.split(":")[2] ?? ""), resources };
  });
}

function main(): number {
  const { values } = parseArgs({
    options: { graph: { type: "string" }, json: { type: "boolean" }, sarif: { type: "boolean" } },
  });
  if (values.graph === undefined)
    throw new CheckError("name the file: npm run check -- --graph FILE [--json | --sarif]");
  const sum = { rules: 0, evaluated: 0, violations: [] as Violation[] };
  for (const { stack, resources } of stacksOf(values.graph)) {
    const file = join(__dirname, `policy-config.${stack}.json`);
    const config: unknown = existsSync(file) ? JSON.parse(readFileSync(file, "utf8")) : {};
    const result = evaluate(resources, { stack, config });
    sum.rules = result.rules;
    sum.evaluated += result.evaluated;
    sum.violations.push(...result.violations);
  }
  if (values.json === true) console.log(JSON.stringify(sum, null, 2));
  else if (values.sarif === true)
    console.log(
      JSON.stringify(
        {
          $schema: "https://json.schemastore.org/sarif-2.1.0.json",
          version: "2.1.0",
          runs: [
            {
              tool: { driver: { name: "iaso-on-aws" } },
              results: sum.violations.map(({ policy, level, urn, message }) => ({
                ruleId: policy,
                level: level === "mandatory" ? "error" : "warning",
                message: { text: message },
                locations: [
                  {
                    physicalLocation: { artifactLocation: { uri: "index.ts" } },
                    logicalLocations: [{ fullyQualifiedName: urn }],
                  },
                ],
              })),
            },
          ],
        },
        null,
        2,
      ),
    );
  else {
    for (const { policy, level, urn, message } of sum.violations)
      console.log(`${level}  ${policy}  ${urn.split("::").pop() ?? ""}\n  ${message}`);
    console.log(
      `${String(sum.rules)} rules, ${String(sum.evaluated)} evaluations, ${String(sum.violations.length)} violations`,
    );
  }
  return sum.violations.some(({ level }) => level === "mandatory") ? 1 : 0;
}

try {
  process.exitCode = main();
} catch (error) {
  console.error(`check: ${(error as Error).message}`);
  process.exitCode = 2;
}
