import type { ResourceType } from "./args";
import type { Context } from "./context";
import type { Resource, ResourceOf } from "./resource";

export type Level = "advisory" | "mandatory" | "disabled";
/**
 * The kind of judgement that a rule makes: a value is safe in itself; everything named is this program's own; what a
 * role may do; who can reach whom; logs and alarms exist and last; values fit each other.
 */
export type Kind = "safe value" | "closed world" | "role" | "topology" | "evidence" | "values together";
export type Severity = "low" | "medium" | "high" | "critical";

/** A value that `policy-config.STACK.json` can set for a rule: a number from 0, or an array of strings. */
export type Parameter =
  | { type: "number"; default: number; description: string }
  | { type: "array"; default: string[]; description: string };

/** The values of a rule's parameters. A rule without parameters has none to read. */
export type ParameterValues<Parameters extends Record<string, Parameter>> = string extends keyof Parameters
  ? undefined
  : { readonly [Name in keyof Parameters]: Parameters[Name]["type"] extends "number" ? number : string[] };

interface RuleText {
  /** kebab-case, unique in the pack. */
  name: string;
  /** The requirement: one sentence without a full stop. */
  description: string;
  /** The reason: one clause without a full stop. It ends every message. */
  why: string;
  severity: Severity;
  /** The control of a published framework, such as "AWS FSBP S3.8" or "CIS AWS 3.0 5.2". */
  reference?: string;
}

interface RuleLiteral<Types, Judged, Parameters extends Record<string, Parameter>> extends RuleText {
  types: Types;
  /** The kind of the rule's area unless set. */
  kind?: Kind;
  /** Mandatory unless set. */
  level?: Level;
  /**
   * Set if the rule reads other resources too. The engine runs such a rule once, after all resources are registered,
   * and then shows the outputs of each resource together with its inputs.
   */
  neighbours?: true;
  parameters?: Parameters;
  /** Returns a message for each violation: what is wrong, then what to write instead. */
  check: (resource: Judged, context: Context<ParameterValues<Parameters>>) => string[];
}

/** A rule as the evaluator and the engine use it. */
export interface Rule extends RuleText {
  kind?: Kind;
  level: Level;
  neighbours: boolean;
  parameters: Record<string, Parameter>;
  types: readonly string[] | "all";
  check: (resource: Resource, context: Context) => string[];
}

/** Defines a rule for some resource types. `check` gets resources of these types only. */
export function defineRule<
  const Type extends ResourceType,
  const Parameters extends Record<string, Parameter>,
>(rule: RuleLiteral<readonly Type[], ResourceOf<Type>, Parameters>): Rule;
/** Defines a rule for the resources of every type. */
export function defineRule<const Parameters extends Record<string, Parameter>>(
  rule: RuleLiteral<"all", Resource, Parameters>,
): Rule;
export function defineRule(
  rule: RuleLiteral<readonly string[] | "all", never, Record<string, Parameter>>,
): Rule {
  // The evaluator passes only resources of the rule's types, so that the narrower parameter of `check` is right.
  const { check, level = "mandatory", neighbours = false, parameters = {} } = rule;
  return { ...rule, level, neighbours, parameters, check: check as unknown as Rule["check"] };
}
