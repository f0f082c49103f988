/** Stands for a value that is not known before something exists; the preview document writes the same. */
export const UNKNOWN = "[unknown]";

/** Stands for a secret value; the preview document writes the same. */
export const SECRET = "[secret]";

export type Level = "advisory" | "mandatory" | "disabled";

/** What rules read of a resource; a preview document and the engine both offer it. */
export interface Resource {
  urn: string;
  type: string;
  name: string;
  custom?: boolean;
  inputs: Record<string, unknown>;
  protect?: boolean;
  /** URNs of the resources whose outputs a property is made of; known where the property itself is not. */
  propertyDependencies?: Record<string, string[]>;
}

export interface Context {
  /** The rule's parameters, with defaults. */
  parameters: Record<string, unknown>;
  /** Resources of one type. */
  ofType: (type: string) => Resource[];
  /** Resources of one type that name this bucket. */
  ofBucket: (type: string, bucket: string) => Resource[];
  /** Builds something from all resources once, not for each resource that is judged: the cost stays linear. */
  once: <T>(key: string, build: () => T) => T;
}

export interface Rule {
  /** kebab-case. */
  name: string;
  area: "storage" | "beanstalk" | "application" | "database" | "queue" | "access" | "hygiene";
  /** What it demands. */
  description: string;
  /** Why, in one sentence; ends every message. */
  why: string;
  severity: "low" | "medium" | "high" | "critical";
  level: Level;
  /** Control of a published framework. */
  reference?: string;
  /** Each parameter, a number from 0 on or an array of strings, with its default. */
  parameters?: Record<string, { type: "number" | "array"; default: unknown; description: string }>;
  /** Types judged; undefined for every type. */
  types?: string[];
  /** Whether it looks at other resources: then the engine can run it only once all are registered. */
  neighbours?: true;
  /** Messages, each with what to write instead. */
  check: (resource: Resource, context: Context) => string[];
}

/** Makes rules of one area, with what they have in common. */
export const rulesOf =
  (shared: Pick<Rule, "area"> & Partial<Rule>) =>
  (name: string, description: string, why: string, check: Rule["check"], own: Partial<Rule> = {}): Rule => ({
    name,
    description,
    why,
    severity: "high",
    level: "mandatory",
    ...shared,
    check,
    ...own,
  });

export function object(value: unknown): Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value)
    ? (value as Record<string, unknown>)
    : {};
}

export function array(value: unknown): unknown[] {
  return Array.isArray(value) ? (value as unknown[]) : value === undefined || value === null ? [] : [value];
}

export function text(value: unknown): string {
  return typeof value === "string" || typeof value === "number" || typeof value === "boolean"
    ? String(value)
    : "";
}

/** The first names of a list, and how many more there are. */
export const first = (names: string[]): string =>
  names.length > 4
    ? `${names.slice(0, 3).join(", ")} and ${String(names.length - 3)} more`
    : names.join(", ");

/** Values by a key; those whose key is undefined are left out. */
export function groupBy<T>(values: T[], keyOf: (value: T) => string | undefined): Map<string, T[]> {
  const groups = new Map<string, T[]>();
  for (const value of values) {
    const key = keyOf(value);
    if (key === undefined) continue;
    const group = groups.get(key);
    if (group === undefined) groups.set(key, [value]);
    else group.push(value);
  }
  return groups;
}

export function isUnknown(value: unknown): boolean {
  return typeof value === "string" && value.includes(UNKNOWN);
}

/** Whether a value or anything in it is not known. */
export function hasUnknown(value: unknown): boolean {
  return typeof value === "object" && value !== null
    ? Object.values(value).some(hasUnknown)
    : isUnknown(value);
}

/** What is at a path; not known where something on the way is not. */
export function at(value: unknown, ...path: string[]): unknown {
  return path.reduce((inner, key) => (isUnknown(inner) ? inner : object(inner)[key]), value);
}

/** For what cannot be judged: a mandatory rule is never passed silently. */
export function notEvaluated(what: string): string[] {
  return [`could not be evaluated: ${what} is not known before something exists. Build it from known names.`];
}

/** Says that a value has to be another; an unknown value is reported as not evaluated, never passed. */
export function demand(value: unknown, holds: boolean, what: string, instead: string): string[] {
  if (hasUnknown(value)) return notEvaluated(what);
  return holds
    ? []
    : [`${what} is ${value === undefined ? "not set" : JSON.stringify(value)}. Write ${instead}.`];
}
