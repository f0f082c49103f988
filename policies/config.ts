import { isDeepStrictEqual } from "node:util";
import { Level, Parameter, Rule } from "./rule";
import { rules } from "./rules";
import { array, object, text } from "./values";

/** Lets one resource violate one rule until a day. */
export interface Exception {
  /** The name or the URN of the resource. */
  resource: string;
  reason: string;
  /** ISO 8601 date. From this day on, the exception is a violation itself. */
  expires: string;
}

export interface RuleConfig {
  level: Level;
  parameters: Record<string, unknown>;
  exceptions: Exception[];
}

/** The part of a rule that a config can change. */
type Configurable = Pick<Rule, "name" | "level" | "parameters">;

/** The name that stands for all rules in a config, as Pulumi defines it. */
const ALL: Configurable = { name: "all", level: "mandatory", parameters: {} };

const LEVELS = ["advisory", "mandatory", "disabled"];

const hasType = (value: unknown, type: Parameter["type"]): boolean =>
  (Array.isArray(value) ? "array" : typeof value) === type;

/**
 * Reads what a config says about a rule: a level, or an object with enforcementLevel, parameters, exceptions and a
 * reason. Invalid values count as not set; {@link configProblems} reports them.
 *
 * @see https://www.pulumi.com/docs/insights/policy/policy-packs/configuration/
 */
export function configOf(rule: Configurable, config: unknown): RuleConfig {
  const given = object(config)[rule.name] ?? object(config).all;
  const { enforcementLevel, exceptions, ...values } =
    typeof given === "string" ? { enforcementLevel: given } : object(given);
  return {
    level: LEVELS.includes(text(enforcementLevel)) ? (enforcementLevel as Level) : rule.level,
    parameters: Object.fromEntries(
      Object.entries(rule.parameters).map(([name, { type, default: value }]) => [
        name,
        hasType(values[name], type) ? values[name] : value,
      ]),
    ),
    exceptions: array(exceptions)
      .map(object)
      .map(({ resource, reason, expires }) => ({
        resource: text(resource),
        reason: text(reason),
        expires: text(expires),
      })),
  };
}

/** The reason that a config gives for relaxing a rule; undefined if it gives none. */
export function reasonOf(rule: Configurable, config: unknown): string | undefined {
  return text(object(object(config)[rule.name]).reason) || undefined;
}

function exceptionProblems(rule: string, exception: unknown): string[] {
  const { resource, reason, expires, ...more } = object(exception);
  const isDay = /^\d{4}-\d{2}-\d{2}$/.test(text(expires)) && !Number.isNaN(Date.parse(text(expires)));
  return text(resource) !== "" && text(reason) !== "" && isDay && Object.keys(more).length === 0
    ? []
    : [
        `An exception of rule ${rule} is ${JSON.stringify(exception)}. Write {"resource": NAME OR URN, "reason": WHY, "expires": "YYYY-MM-DD"}.`,
      ];
}

/** The problems of what a config says about one rule. */
function ruleProblems(rule: Configurable, given: unknown): string[] {
  if (typeof given !== "string" && (typeof given !== "object" || given === null || Array.isArray(given)))
    return [`Rule ${rule.name} has ${JSON.stringify(given)}. Write a level or an object.`];
  const { enforcementLevel, reason, exceptions, ...values } =
    typeof given === "string" ? { enforcementLevel: given } : object(given);
  const parameters = Object.entries(rule.parameters).filter(([name]) => values[name] !== undefined);
  const known = ["enforcementLevel", "exceptions", "reason", ...Object.keys(rule.parameters)];
  const isRelaxed =
    (enforcementLevel !== undefined && enforcementLevel !== rule.level) ||
    parameters.some(([name, { default: value }]) => !isDeepStrictEqual(values[name], value));
  return [
    ...(enforcementLevel === undefined || LEVELS.includes(text(enforcementLevel))
      ? []
      : [
          `Rule ${rule.name} has level ${JSON.stringify(enforcementLevel)}. Write one of ${LEVELS.join(", ")}.`,
        ]),
    ...Object.keys(values)
      .filter((name) => !known.includes(name))
      .map((name) => `Rule ${rule.name} has no parameter ${name}. Write one of ${known.join(", ")}.`),
    ...parameters
      .filter(([name, { type }]) => !hasType(values[name], type))
      .map(
        ([name, { type }]) =>
          `Parameter ${name} of rule ${rule.name} is ${JSON.stringify(values[name])}. Write a value of type ${type}.`,
      ),
    ...(isRelaxed && text(reason) === ""
      ? [`Rule ${rule.name} is relaxed without a reason. Write "reason" beside it.`]
      : []),
    ...array(exceptions).flatMap((one) => exceptionProblems(rule.name, one)),
  ];
}

/** Suggests the rule with the most words of a name, as a sentence; "" if no rule shares a word with it. */
function suggestion(name: string): string {
  const words = name.split("-");
  const shared = (rule: Rule) =>
    rule.name
      .split("-")
      .filter((word) => words.some((other) => other.startsWith(word) || word.startsWith(other))).length;
  const [best] = [...rules].sort((a, b) => shared(b) - shared(a));
  return best !== undefined && shared(best) > 0 ? ` Did you mean ${best.name}?` : "";
}

/** The problems of a config: unknown names, invalid values, and relaxed rules without a reason. */
export function configProblems(config: unknown): string[] {
  if (config === undefined) return [];
  if (typeof config !== "object" || config === null || Array.isArray(config))
    return [`The config is ${JSON.stringify(config)}. Write an object with names of rules as keys.`];
  return Object.entries(config as Record<string, unknown>).flatMap(([name, given]) => {
    const rule = name === ALL.name ? ALL : rules.find((one) => one.name === name);
    return rule === undefined
      ? [`There is no rule ${name}.${suggestion(name)} policies/README.md lists all rules.`]
      : ruleProblems(rule, given);
  });
}
