import { existsSync, readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { parse } from "yaml";
import { didYouMean } from "../cli/nearest";
import { isSecure, listStackFiles } from "../cli/stackFiles";
import { UserError } from "../cli/userError";
import { SECRET } from "../graph/document";
import type { StackSettings } from "../settings/contradictions";

interface Declaration {
  type?: string;
  description?: string;
  default?: unknown;
  secret?: boolean;
}

/** The parts of Pulumi.yaml that a preview needs. */
export interface Project {
  directory: string;
  /** Folder of the stack files: the project's own, or the `stackConfigDir` of Pulumi.yaml. */
  stackConfigDir: string;
  name: string;
  main: string;
  config: Record<string, Declaration>;
}

/** The configuration that the engine would pass to the program. */
export interface StackConfig {
  values: Record<string, string>;
  /** Full keys of the encrypted values. Nobody can decrypt them here, so each has a made-up one. */
  secretKeys: string[];
}

/** A setting of a stack, for reports. */
export interface Setting {
  /** Without the prefix of the project's own settings. */
  key: string;
  /** `[secret]` for every secret. */
  value: string;
  /** The file that it comes from. */
  source: string;
  isDefault: boolean;
  description: string;
}

export function readProject(folder: string): Project {
  const directory = resolve(folder);
  const file = join(directory, "Pulumi.yaml");
  if (!existsSync(file)) {
    throw new UserError(`There is no Pulumi.yaml in ${directory}. Run the preview in the project's folder.`);
  }
  const { name, main, config, stackConfigDir = "" } = readYaml(file) as Partial<Project>;
  if (typeof name !== "string") throw new UserError(`${file} names no project: add the line "name: ..."`);
  return {
    directory,
    stackConfigDir: resolve(directory, stackConfigDir),
    name,
    main: main ?? "index.ts",
    config: config ?? {},
  };
}

/** The stacks of a project: those that have a file of settings. */
export function listStacks({ stackConfigDir }: Project): string[] {
  return listStackFiles(stackConfigDir);
}

/**
 * The stacks of a project.
 *
 * @throws UserError if it has none
 */
export function requireStacks(project: Project): string[] {
  const stacks = listStacks(project);
  if (stacks.length > 0) return stacks;
  throw new UserError(
    `There is no stack: ${project.stackConfigDir} contains no file Pulumi.STACK.yaml.`,
    "Restore the examples: git checkout Pulumi.staging.yaml Pulumi.prod.yaml",
  );
}

/**
 * The configuration of a stack: its own values, and the defaults of Pulumi.yaml for the rest.
 *
 * @see https://www.pulumi.com/docs/iac/concepts/config/
 */
export function readStackConfig(project: Project, stack: string): StackConfig {
  const known = listStacks(project);
  if (!known.includes(stack)) {
    throw new UserError(
      `There is no stack ${stack}: Pulumi.${stack}.yaml is missing.${didYouMean(stack, known)} There ${known.length === 0 ? "is none" : `are: ${known.join(", ")}`}.`,
    );
  }
  const values: Record<string, string> = {};
  const secretKeys: string[] = [];
  for (const [fullKey, value] of Object.entries(ownConfig(project, stack))) {
    if (isSecure(value)) secretKeys.push(fullKey);
    values[fullKey] = isSecure(value) ? `made up for ${fullKey}` : plainText(value);
  }
  for (const [key, { default: value }] of Object.entries(project.config)) {
    const fullKey = `${project.name}:${key}`;
    if (!(fullKey in values) && value !== undefined) values[fullKey] = plainText(value);
  }
  return { values, secretKeys };
}

/** The project's own settings of a stack, by name without the prefix, to compare them with those of other stacks. */
export function settingsOf(project: Project, stack: string): StackSettings {
  const prefix = `${project.name}:`;
  const settings = Object.fromEntries(
    Object.entries(readStackConfig(project, stack).values).flatMap(([key, value]) =>
      key.startsWith(prefix) ? [[key.slice(prefix.length), value]] : [],
    ),
  );
  return { stack, settings };
}

/** All settings of a stack with their sources, in the order of Pulumi.yaml. */
export function listSettings(project: Project, stack: string): Setting[] {
  const { values, secretKeys } = readStackConfig(project, stack);
  const own = ownConfig(project, stack);
  const prefix = `${project.name}:`;
  const keys = new Set([...Object.keys(project.config).map((key) => prefix + key), ...Object.keys(values)]);
  return [...keys].map((fullKey) => {
    const key = fullKey.startsWith(prefix) ? fullKey.slice(prefix.length) : fullKey;
    const { description = "", secret = false } = project.config[key] ?? {};
    const isOwn = fullKey in own;
    const isSecret = secret || secretKeys.includes(fullKey);
    const isUnset = !isOwn && !(fullKey in values);
    return {
      key,
      value: isSecret ? SECRET : (values[fullKey] ?? ""),
      source: isOwn ? `Pulumi.${stack}.yaml` : isUnset ? "not set" : "Pulumi.yaml",
      isDefault: !isOwn && !isUnset,
      description,
    };
  });
}

/**
 * The keys of a stack file. The engine ignores others, and a misspelt `config` with all its settings.
 *
 * @see https://www.pulumi.com/docs/iac/concepts/projects/stack-settings-file/
 */
const STACK_FILE_KEYS = ["config", "environment", "encryptionsalt", "encryptedkey", "secretsprovider"];

/**
 * The values in a stack's file, by full key.
 *
 * @throws UserError if the file is not YAML, or has a key that no stack file has
 */
export function ownConfig(project: Project, stack: string): Record<string, unknown> {
  const file = join(project.stackConfigDir, `Pulumi.${stack}.yaml`);
  const content = (readYaml(file) ?? {}) as { config?: Record<string, unknown> };
  const unknown = Object.keys(content).find((key) => !STACK_FILE_KEYS.includes(key));
  if (unknown !== undefined) {
    throw new UserError(
      `${file} has the unknown key ${unknown}.${didYouMean(unknown, STACK_FILE_KEYS)} Settings stand below config.`,
    );
  }
  const config = content.config ?? {};
  return Object.fromEntries(
    Object.entries(config).map(([key, value]) => [key.includes(":") ? key : `${project.name}:${key}`, value]),
  );
}

function readYaml(file: string): unknown {
  try {
    return parse(readFileSync(file, "utf8"));
  } catch (error) {
    throw new UserError(`${file} is not valid YAML: ${(error as Error).message}`);
  }
}

/** Lists and objects reach the program as JSON. */
function plainText(value: unknown): string {
  return typeof value === "string" ? value : JSON.stringify(value);
}
