import { isSecure } from "../cli/stackFiles";
import { UserError } from "../cli/userError";
import { contradictionsBetween } from "../settings/contradictions";
import { listStacks, ownConfig, Project, settingsOf } from "./project";

/**
 * Finds mistakes in stack files that a single stack's program cannot see: values of another type than Pulumi.yaml
 * declares, plaintext secrets, and stacks that contradict each other.
 *
 * @returns One message for each stack, or pair of stacks, with mistakes.
 * @see https://github.com/pulumi/pulumi/blob/master/sdk/go/common/workspace/config.go for the engine's checks
 */
export function stackFileProblems(project: Project, stacks: readonly string[]): string[] {
  const existing = listStacks(project).filter((stack) => stacks.includes(stack));
  const others = listStacks(project).filter((stack) => !stacks.includes(stack));
  return [
    ...existing.flatMap((stack) => typeProblems(project, stack)),
    ...contradictionsBetween(
      project.name,
      existing.map((stack) => settingsOf(project, stack)),
      others.flatMap((stack) => {
        try {
          return [settingsOf(project, stack)];
        } catch (error) {
          // A broken file of another stack does not keep this one from its preview.
          if (error instanceof UserError) return [];
          throw error;
        }
      }),
    ),
  ];
}

/** The engine refuses these values before it runs the program. */
function typeProblems(project: Project, stack: string): string[] {
  const own = ownConfig(project, stack);
  const problems = Object.entries(project.config).flatMap(([key, { type, secret }]) => {
    const fullKey = `${project.name}:${key}`;
    const value = own[fullKey];
    if (value === undefined || value === null) return [];
    if (secret === true && !isSecure(value)) {
      return [
        `  ${fullKey} is not encrypted.\n    fix:      pulumi config set --secret ${fullKey} --stack ${stack}`,
      ];
    }
    if (type === "array" && !Array.isArray(value)) {
      return [
        `  ${fullKey} is not a list.\n` +
          `    accepted: a YAML list, such as [a, b], without quotes around it\n` +
          `    fix:      pulumi config set --path '${fullKey}[0]' VALUE --stack ${stack}`,
      ];
    }
    if (type !== "array" && typeof value === "object" && !isSecure(value)) {
      return [
        `  ${fullKey} is a list or an object.\n` +
          `    accepted: one value\n` +
          `    fix:      pulumi config set ${fullKey} VALUE --stack ${stack}`,
      ];
    }
    return [];
  });
  if (problems.length === 0) return [];
  return [[`The engine refuses values in Pulumi.${stack}.yaml:`, ...problems].join("\n")];
}
