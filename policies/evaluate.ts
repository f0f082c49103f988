import { isDeepStrictEqual } from "node:util";
import { array, Context, groupBy, Level, object, Resource, Rule, text } from "./rule";
import { rules } from "./rules";

export const PACK = { name: "iaso-on-aws", version: "0.1.0" };

/** Under which what is wrong with the config is reported. */
export const CONFIG = "policy-config";

export interface Violation {
  policy: string;
  level: "advisory" | "mandatory";
  urn: string;
  message: string;
}

export interface Results {
  pack: string;
  version: string;
  /** Number of rules in the pack. */
  rules: number;
  /** Number of times that a rule judged a resource. */
  evaluated: number;
  violations: Violation[];
}

/** Lets one resource pass one rule until a day. */
export interface Exception {
  /** Name or URN. */
  resource: string;
  reason: string;
  /** Day (ISO 8601) from which the exception is a violation itself. */
  expires: string;
}

export interface RuleConfig {
  level: Level;
  parameters: Record<string, unknown>;
  exceptions: Exception[];
}

/**
 * Reads the pack's config for a rule: a level, or an object with enforcementLevel, parameters, exceptions and a reason.
 *
 * @see https://www.pulumi.com/docs/insights/policy/policy-packs/configuration/
 */
export function configOf(rule: Rule, config: unknown): RuleConfig {
  const given = object(config)[rule.name] ?? object(config).all;
  const { enforcementLevel, exceptions, ...more } =
    typeof given === "string" ? { enforcementLevel: given } : object(given);
  const level = LEVELS.includes(text(enforcementLevel)) ? (enforcementLevel as Level) : rule.level;
  const parameters = Object.fromEntries(
    Object.entries(rule.parameters ?? {}).map(([name, parameter]) => [name, more[name] ?? parameter.default]),
  );
  return {
    level,
    parameters,
    exceptions: array(exceptions)
      .map(object)
      .map((one) => ({ resource: text(one.resource), reason: text(one.reason), expires: text(one.expires) })),
  };
}

/** Stands for all rules in a config, under the name that Pulumi gives it. */
const EVERY_RULE: Rule = {
  name: "all",
  area: "hygiene",
  description: "",
  why: "",
  severity: "low",
  level: "mandatory",
  check: () => [],
};
const LEVELS = ["advisory", "mandatory", "disabled"];

/** What is wrong with one exception, if anything. */
function exceptionProblems(rule: string, exception: unknown): string[] {
  const { resource, reason, expires, ...more } = object(exception);
  const day = /^\d{4}-\d{2}-\d{2}$/.test(text(expires)) && !Number.isNaN(Date.parse(text(expires)));
  return text(resource) !== "" && text(reason) !== "" && day && Object.keys(more).length === 0
    ? []
    : [
        `An exception of rule ${rule} is ${JSON.stringify(exception)}. Write {"resource": NAME OR URN, "reason": WHY, "expires": "YYYY-MM-DD"}.`,
      ];
}

/** What is wrong with what a config says of one rule. */
function ruleProblems(rule: Rule, given: unknown): string[] {
  const parameters = Object.entries(rule.parameters ?? {});
  const { enforcementLevel, reason, exceptions, ...values } =
    typeof given === "string" ? { enforcementLevel: given } : object(given);
  const known = ["enforcementLevel", "exceptions", "reason", ...parameters.map(([name]) => name)];
  const wrongType = parameters.filter(
    ([name, { type }]) =>
      values[name] !== undefined && (Array.isArray(values[name]) ? "array" : typeof values[name]) !== type,
  );
  const relaxed =
    (enforcementLevel !== undefined && enforcementLevel !== rule.level) ||
    parameters.some(
      ([name, { default: value }]) => values[name] !== undefined && !isDeepStrictEqual(values[name], value),
    );
  return [
    ...(typeof given === "string" || (typeof given === "object" && given !== null && !Array.isArray(given))
      ? []
      : [`Rule ${rule.name} has ${JSON.stringify(given)}. Write a level or an object.`]),
    ...(enforcementLevel === undefined || LEVELS.includes(text(enforcementLevel))
      ? []
      : [
          `Rule ${rule.name} has level ${JSON.stringify(enforcementLevel)}. Write one of ${LEVELS.join(", ")}.`,
        ]),
    ...Object.keys(values)
      .filter((name) => !known.includes(name))
      .map((name) => `Rule ${rule.name} has no parameter ${name}. Write one of ${known.join(", ")}.`),
    ...wrongType.map(
      ([name, { type }]) =>
        `Parameter ${name} of rule ${rule.name} is ${JSON.stringify(values[name])}. Write a value of type ${type}.`,
    ),
    ...(relaxed && text(reason) === ""
      ? [`Rule ${rule.name} is relaxed without a reason. Write "reason" beside it.`]
      : []),
    ...array(exceptions).flatMap((one) => exceptionProblems(rule.name, one)),
  ];
}

/** The name that somebody may have meant: it has the most words of theirs. */
function meant(name: string): string {
  const words = name.split("-");
  const shared = ({ name: other }: Rule) =>
    other.split("-").filter((word) => words.some((one) => one.startsWith(word) || word.startsWith(one)))
      .length;
  const best = [...rules].sort((a, b) => shared(b) - shared(a))[0];
  return best !== undefined && shared(best) > 0 ? ` Did you mean ${best.name}?` : "";
}

/** What is wrong with a config: each name has to be a rule's, each value fit, each relaxation have a reason. */
export function configProblems(config: unknown): string[] {
  if (config === undefined) return [];
  if (typeof config !== "object" || config === null || Array.isArray(config))
    return [`The config is ${JSON.stringify(config)}. Write an object with names of rules as keys.`];
  return Object.entries(config as Record<string, unknown>).flatMap(([name, given]) => {
    const rule = rules.find((one) => one.name === name);
    if (rule !== undefined) return ruleProblems(rule, given);
    return name === "all"
      ? ruleProblems(EVERY_RULE, given)
      : [`There is no rule ${name}.${meant(name)} policies/README.md has all names.`];
  });
}

/** Index of the resources, built once for all rules: the pack's cost grows with their number only. */
export function indexOf(resources: Resource[]): Omit<Context, "parameters"> {
  const built = new Map<string, unknown>();
  const once = <T>(key: string, build: () => T): T => {
    if (!built.has(key)) built.set(key, build());
    return built.get(key) as T;
  };
  const types = groupBy(resources, ({ type }) => type);
  // Of rules that ask for none, the engine need not read every resource's inputs.
  const buckets = () =>
    once("indexOf: buckets", () =>
      groupBy(resources, ({ type, inputs }) =>
        inputs.bucket === undefined ? undefined : `${type} ${text(inputs.bucket)}`,
      ),
    );
  return {
    once,
    ofType: (type) => types.get(type) ?? [],
    ofBucket: (type, bucket) => buckets().get(`${type} ${bucket}`) ?? [],
  };
}

/** Judges one resource by one rule; a rule that fails on odd input is reported, not thrown. */
export function judgeResource(
  rule: Rule,
  resource: Resource,
  config: RuleConfig,
  context: Omit<Context, "parameters">,
  today = new Date(),
): string[] {
  let messages: string[];
  try {
    messages = rule.check(resource, { ...context, parameters: config.parameters });
  } catch (error) {
    messages = [`could not be evaluated: ${(error as Error).message}. Mend the input's form.`];
  }
  const exception = config.exceptions.find(
    ({ resource: name }) => name === resource.name || name === resource.urn,
  );
  if (exception !== undefined) {
    const { reason, expires } = exception;
    if (reason === "") messages.push("Its exception gives no reason. Write one.");
    else if (new Date(expires) > today) return [];
    // Said of a resource that complies too: what nobody needs any more has to go.
    else
      messages.push(
        `Its exception expired (${expires || "no date"}). Mend the resource and remove the exception, or renew it with a reason.`,
      );
  }
  return messages.map((message) => `${message} Why: ${rule.why}.`);
}

/** Judges resources in this process, with the verdicts that the engine would get from the pack. */
export function evaluate(
  resources: Resource[],
  { config, today }: { config?: unknown; today?: Date } = {},
): Results {
  const context = indexOf(resources);
  const stack = resources.find(({ type }) => type === "pulumi:pulumi:Stack")?.urn ?? "";
  const violations: Violation[] = configProblems(config).map((message) => ({
    policy: CONFIG,
    level: "mandatory",
    urn: stack,
    message,
  }));
  let evaluated = 0;
  for (const rule of rules) {
    const settings = configOf(rule, config);
    if (settings.level === "disabled") continue;
    const judged = rule.types === undefined ? resources : rule.types.flatMap((type) => context.ofType(type));
    for (const resource of judged) {
      evaluated++;
      for (const message of judgeResource(rule, resource, settings, context, today))
        violations.push({ policy: rule.name, level: settings.level, urn: resource.urn, message });
    }
  }
  return { pack: PACK.name, version: PACK.version, rules: rules.length, evaluated, violations };
}

/** A rule as readers of a report see it: what it demands, and how the config sets it. */
export interface RuleDescription {
  name: string;
  area: string;
  description: string;
  why: string;
  level: Level;
  reference: string | undefined;
  /** Why the config relaxes it; undefined where it does not. */
  reason: string | undefined;
  exceptions: Exception[];
}

/** All rules of the pack as a config sets them. */
export function describeRules(config: unknown): RuleDescription[] {
  return rules.map((rule) => {
    const { name, area, description, why, reference } = rule;
    const { level, exceptions } = configOf(rule, config);
    const reason = text(object(object(config)[name]).reason) || undefined;
    return { name, area, description, why, level, reference, reason, exceptions };
  });
}
