import { listSettings } from "./rules";

/** A mistake in the settings of a stack. */
export interface Problem {
  /** The setting, without the project's name; a key of another namespace is complete. */
  key: string;
  /** Follows the setting's name in a sentence, such as "is missing". */
  wrong: string;
  accepted: string;
  /** The command or edit that fixes it. KEY stands for the complete name of the setting, STACK for the stack's. */
  fix: string;
}

/**
 * A problem that another value of the setting fixes.
 *
 * @param index The wrong element of a list; the first one by default.
 */
export function wrongValue(key: string, wrong: string, accepted: string, index = 0): Problem {
  const isList = (listSettings as readonly string[]).includes(key);
  const argument = isList ? `--path 'KEY[${index}]'` : "KEY";
  return { key, wrong, accepted, fix: `pulumi config set ${argument} VALUE --stack STACK` };
}

/** Formats problems as the lines of a message. */
export function formatProblems(problems: readonly Problem[], project: string, stack: string): string[] {
  return problems.map(({ key, wrong, accepted, fix }) => {
    const fullKey = key.includes(":") ? key : `${project}:${key}`;
    const command = fix.replaceAll("KEY", fullKey).replaceAll("STACK", stack);
    return `  ${fullKey} ${wrong}.\n    accepted: ${accepted}\n    fix:      ${command}`;
  });
}
