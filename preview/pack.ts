import { existsSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { UserError } from "../cli/userError";
import { PolicyResults, PreviewResource } from "../graph/document";
import { hasDefaults, withoutDefaults } from "../graph/engineValues";
import type { RuleDescription } from "../report/report";

/** The policy pack of a project with its config for one stack: the rules that the engine runs, callable in-process. */
export interface PolicyPack {
  evaluate: (resources: PreviewResource[]) => PolicyResults & { evaluated: number };
  describeRules: () => RuleDescription[];
  /** Warnings about the config and about outdated facts, in sentences. */
  warnings: string[];
}

/** The exports that a policy pack's evaluate.ts must have. */
interface PackModule {
  evaluate: (
    resources: PreviewResource[],
    options: { config: unknown },
  ) => PolicyResults & { evaluated: number };
  describeRules?: (config: unknown) => RuleDescription[];
  warnings?: () => string[];
}

/** Loads packs at run time: a preview works with the pack of any project. */
const load = createRequire(__filename);

const FOLDER = "policies";

/**
 * Reads the policy pack of a project and its config for a stack.
 *
 * @param directory folder of the project
 * @returns undefined if the project has no pack
 * @throws UserError if the config is not JSON
 */
export function readPack(directory: string, stack: string): PolicyPack | undefined {
  const program = join(directory, FOLDER, "evaluate.ts");
  if (!existsSync(program)) return undefined;
  const { evaluate, describeRules, warnings = () => [] } = load(program) as PackModule;
  const name = `policy-config.${stack}.json`;
  const file = join(directory, FOLDER, name);
  const hasConfig = existsSync(file);
  const config = hasConfig ? readJson(file) : {};
  return {
    evaluate: (resources) => evaluate(resources.map(withProgramInputs), { config }),
    describeRules: () => describeRules?.(config) ?? [],
    warnings: [
      ...(hasConfig
        ? []
        : [
            `There is no ${FOLDER}/${name}: every rule applies to ${stack} with its default level and parameters.`,
          ]),
      ...warnings(),
    ],
  };
}

/** Removes what the provider filled in from the inputs: rules judge the program's inputs only. */
function withProgramInputs(resource: PreviewResource): PreviewResource {
  // A preview without the provider has nothing of it.
  if (!hasDefaults(resource.inputs)) return resource;
  return { ...resource, inputs: withoutDefaults(resource.inputs) as PreviewResource["inputs"] };
}

function readJson(file: string): unknown {
  try {
    return JSON.parse(readFileSync(file, "utf8"));
  } catch (error) {
    throw new UserError(`${file} is not JSON: ${(error as Error).message}.`, "Fix its syntax.");
  }
}
