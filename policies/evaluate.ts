import { configOf, configProblems, Exception, reasonOf, RuleConfig } from "./config";
import { Context, every, Stack, stackOf } from "./context";
import { outdatedTable } from "./facts/platformBranches";
import { Resource } from "./resource";
import { Level, Rule } from "./rule";
import { rules } from "./rules";

export const PACK = { name: "iaso-on-aws", version: "0.1.0" };

/** The policy name under which problems of the config are reported. */
const CONFIG = "policy-config";

export interface Violation {
  policy: string;
  level: "advisory" | "mandatory";
  urn: string;
  message: string;
}

/** A violation that the config excepts. */
export interface Excepted extends Omit<Violation, "level"> {
  reason: string;
  /** ISO 8601 date. */
  expires: string;
}

export interface Results {
  pack: string;
  version: string;
  /** The number of rules in the pack. */
  rules: number;
  /** The number of checks: one for each rule and resource. */
  evaluated: number;
  violations: Violation[];
  excepted: Excepted[];
}

/** The messages of a rule about one resource, and the exception that hides them. */
interface Judgement {
  messages: string[];
  exception?: Exception;
}

/** Checks one resource with one rule. An error of the rule on malformed input is a violation, not an exception. */
export function judgeResource(
  rule: Rule,
  resource: Resource,
  exceptions: RuleConfig["exceptions"],
  context: Context,
): Judgement {
  let messages: string[];
  try {
    messages = rule.check(resource, context);
  } catch (error) {
    messages = [`could not be evaluated: ${(error as Error).message}. Write a valid value.`];
  }
  const exception = exceptions.find((one) => one.resource === resource.name || one.resource === resource.urn);
  if (exception !== undefined) {
    const { reason, expires } = exception;
    if (reason === "") messages.push("Its exception gives no reason. Write one.");
    else if (new Date(expires) > context.today) return { messages, exception };
    // Passing resources too: an exception that nothing needs must be removed.
    else
      messages.push(
        `Its exception expired (${expires || "no date"}). Fix the resource and remove the exception, or write a later date with a reason.`,
      );
  }
  return { messages: messages.map((message) => `${message} Why: ${rule.why}.`) };
}

/** True if a rule judges resources of a type. */
export const judgesType = ({ types }: Rule, type: string): boolean => types === "all" || types.includes(type);

/** The resources that a rule judges, type by type. */
function judgedBy(rule: Rule, stack: Stack): readonly Resource[] {
  return rule.types === "all" ? stack.all : rule.types.flatMap((type) => every(stack, type));
}

/** Checks the resources of a stack with all rules, in this process. The engine comes to the same results. */
export function evaluate(
  resources: Resource[],
  { config, today = new Date() }: { config?: unknown; today?: Date } = {},
): Results {
  const stack = stackOf(resources);
  const stackUrn = resources.find(({ type }) => type === "pulumi:pulumi:Stack")?.urn ?? "";
  const violations: Violation[] = configProblems(config).map((message) => ({
    policy: CONFIG,
    level: "mandatory",
    urn: stackUrn,
    message,
  }));
  const excepted: Excepted[] = [];
  let evaluated = 0;
  for (const rule of rules) {
    const settings = configOf(rule, config);
    if (settings.level === "disabled") continue;
    const context = { ...stack, parameters: settings.parameters, today };
    for (const resource of judgedBy(rule, stack)) {
      evaluated++;
      const { messages, exception } = judgeResource(rule, resource, settings.exceptions, context);
      const about = { policy: rule.name, urn: resource.urn };
      for (const message of messages)
        if (exception === undefined) violations.push({ ...about, level: settings.level, message });
        else excepted.push({ ...about, message, reason: exception.reason, expires: exception.expires });
    }
  }
  return { pack: PACK.name, version: PACK.version, rules: rules.length, evaluated, violations, excepted };
}

/** Sentences about facts of the pack that may be out of date. */
export function warnings(today = new Date()): string[] {
  return [outdatedTable(today)].filter((warning) => warning !== "");
}

/** A rule as a report shows it: its text, and what the config changes. */
export interface RuleDescription {
  name: string;
  area: string;
  description: string;
  why: string;
  level: Level;
  reference: string | undefined;
  /** The reason for relaxing the rule; undefined if the config does not relax it. */
  reason: string | undefined;
  exceptions: Exception[];
}

/** Describes all rules as a config sets them. */
export function describeRules(config: unknown): RuleDescription[] {
  return rules.map((rule) => {
    const { name, area, description, why, reference } = rule;
    const { level, exceptions } = configOf(rule, config);
    return { name, area, description, why, level, reference, reason: reasonOf(rule, config), exceptions };
  });
}
