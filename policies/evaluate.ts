import { Context, Level, object, Resource, Rule, text } from "./rule";
import { rules } from "./rules";

export const PACK = { name: "iaso-on-aws", version: "0.1.0" };

export interface Violation { policy: string; level: "advisory" | "mandatory"; urn: string; message: string } // prettier-ignore
export interface Results { pack: string; version: string; rules: number; evaluated: number; violations: Violation[] } // prettier-ignore
export interface Exception { resource: string; reason: string; expires: string } // prettier-ignore

export interface RuleConfig { level: Level; parameters: Record<string, unknown>; exceptions: Exception[] } // prettier-ignore

/** Reads the pack's config for a rule: a level, or an object with enforcementLevel, parameters and exceptions. */
export function configOf(rule: Rule, config: unknown): RuleConfig {
  const all: unknown = object(config).all;
  const given = object(config)[rule.name] ?? all;
  const { enforcementLevel, exceptions, ...parameters } =
    typeof given === "string" ? { enforcementLevel: given } : object(given);
  const level = ["advisory", "mandatory", "disabled"].includes(text(enforcementLevel))
    ? (enforcementLevel as Level)
    : rule.level;
  const defaults = Object.entries(rule.parameters ?? {}).map(([name, parameter]): [string, unknown] => [
    name,
    parameter.default,
  ]);
  return {
    level,
    parameters: { ...Object.fromEntries(defaults), ...parameters },
    exceptions: Array.isArray(exceptions)
      ? (exceptions as unknown[]).map((one) => ({
          resource: text(object(one).resource),
          reason: text(object(one).reason),
          expires: text(object(one).expires),
        }))
      : [],
  };
}

/** Index of the resources, built once for all rules: the pack's cost grows with their number only. */
export function indexOf(resources: Resource[]): Pick<Context, "ofType" | "ofBucket"> {
  const types = new Map<string, Resource[]>();
  const buckets = new Map<string, Resource[]>();
  const add = (map: Map<string, Resource[]>, key: string, one: Resource) => {
    const known = map.get(key);
    if (known === undefined) map.set(key, [one]);
    else known.push(one);
  };
  for (const one of resources) {
    add(types, one.type, one);
    if (one.inputs.bucket !== undefined) add(buckets, `${one.type} ${text(one.inputs.bucket)}`, one);
  }
  return {
    ofType: (type) => types.get(type) ?? [],
    ofBucket: (type, bucket) => buckets.get(`${type} ${bucket}`) ?? [],
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
  if (messages.length === 0) return [];
  const exception = config.exceptions.find(
    ({ resource: name }) => name === resource.name || name === resource.urn,
  );
  if (exception !== undefined) {
    if (exception.reason === "") messages.push("Its exception gives no reason. Write one.");
    else if (new Date(exception.expires) > today) return [];
    else
      messages.push(
        `Its exception expired (${exception.expires || "no date"}). Mend the resource, or renew the exception with a reason.`,
      );
  }
  return messages.map((message) => `${message} Why: ${rule.why}.`);
}

/** Judges resources in this process, with the verdicts that the engine would get from the pack. */
export function evaluate(
  resources: Resource[],
  { stack, config, today }: { stack: string; config?: unknown; today?: Date },
): Results {
  const context = { stack, ...indexOf(resources) };
  const violations: Violation[] = [];
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
