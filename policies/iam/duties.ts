import { Condition, conditionsOf, list, Statement, strings } from "./document";

/** Permissions that belong to a duty. The texts hold placeholders in braces; `*` in them is any text. */
export interface Duty {
  /** The Sid of the statement that grants them. */
  sid: string;
  actions: string[];
  resources: string[];
  /** In a resource's policy: who has the permissions. */
  principal?: unknown;
  /** The conditions that a statement must have at least, with no other values. */
  condition?: Record<string, Record<string, string | string[]>>;
}

/** The values of the placeholders: none if the stack has no such thing. */
export type Values = Record<string, string[]>;

/** A duty in one environment: without placeholders, and with actions and operators in lower case. */
interface FilledDuty {
  actions: string[];
  resources: string[];
  principals: string[];
  conditions: Condition[];
}

/** The duties of a role, a boundary or a resource's policy in one environment. */
export interface FilledDuties {
  all: FilledDuty[];
  /** Finds the duties that name an action in these words, as most statements do. */
  byAction: Map<string, FilledDuty[]>;
}

const PLACEHOLDER = /(?<!\$)\{([a-z]+)\}/;

/** The texts that a text with placeholders stands for. */
function fill(text: string, values: Values): string[] {
  if (!text.includes("{")) return [text];
  const [found, name = ""] = PLACEHOLDER.exec(text) ?? [];
  if (found === undefined) return [text];
  return (values[name] ?? []).flatMap((value) => fill(text.replaceAll(found, value), values));
}

/** The entries of a principal, by kind. `"*"` is the same as `{ "AWS": "*" }`. */
const principalsOf = (principal: unknown): string[] =>
  typeof principal === "object" && principal !== null
    ? Object.entries(principal).flatMap(([kind, value]) => strings(value).map((one) => `${kind} ${one}`))
    : list(principal).map((one) => `AWS ${String(one)}`);

/** The parts of a duty that are the same in every environment, by the duty. */
const shared = new WeakMap<Duty, { actions: string[]; principals: string[]; conditions: Condition[] }>();

function sharedOf(duty: Duty) {
  const known = shared.get(duty);
  if (known !== undefined) return known;
  const parts = {
    actions: duty.actions.map((action) => action.toLowerCase()),
    principals: principalsOf(duty.principal),
    conditions: conditionsOf({ Condition: duty.condition }).map((one) => ({
      ...one,
      operator: one.operator.toLowerCase(),
    })),
  };
  shared.set(duty, parts);
  return parts;
}

/** Writes the values of an environment into duties. */
export function filled(duties: Duty[], values: Values): FilledDuties {
  const all = duties.map((duty) => {
    const { actions, principals, conditions } = sharedOf(duty);
    return {
      actions,
      resources: duty.resources.flatMap((one) => fill(one, values)),
      principals: principals.flatMap((one) => fill(one, values)),
      conditions: conditions.map((one) => ({
        ...one,
        values: one.values.flatMap((value) => fill(String(value), values)),
      })),
    };
  });
  const byAction = new Map<string, FilledDuty[]>();
  for (const duty of all)
    for (const action of duty.actions) byAction.set(action, [...(byAction.get(action) ?? []), duty]);
  return { all, byAction };
}

/** True if a pattern matches every text that another pattern matches. `?` and `*` in the other one are characters. */
function includes(pattern: string, other: string): boolean {
  const [start = "", ...rest] = pattern.split("*");
  if (rest.length === 0) return pattern === other;
  if (!other.startsWith(start)) return false;
  const end = rest.pop() ?? "";
  let at = start.length;
  for (const part of rest) {
    const found = other.indexOf(part, at);
    if (found < 0) return false;
    at = found + part.length;
  }
  return other.length - end.length >= at && other.endsWith(end);
}

const includedIn = (patterns: string[], other: string): boolean =>
  patterns.includes(other) || patterns.some((pattern) => includes(pattern, other));

/** True if a statement has the conditions of a duty. More conditions and fewer values limit it further. */
const hasConditions = (own: Condition[], { conditions }: FilledDuty): boolean =>
  conditions.every(({ operator, key, values }) => {
    const found = own.find((one) => one.key === key && one.operator.toLowerCase() === operator);
    return (
      found !== undefined && found.values.every((value) => includedIn(values as string[], String(value)))
    );
  });

/** The permissions of an Allow that no duty has, such as "sqs:PurgeQueue on arn:aws:sqs:…". */
export function beyond(statement: Statement, { all, byAction }: FilledDuties): string[] {
  if (statement.Effect !== "Allow") return [];
  if (statement.NotAction !== undefined || statement.NotResource !== undefined)
    return ["all but some actions or resources"];
  if (statement.NotPrincipal !== undefined) return ["something to all but some principals"];
  const own = conditionsOf(statement);
  const principals = principalsOf(statement.Principal);
  const resources = strings(statement.Resource);
  // A statement has many actions of few duties.
  const judged = new Map<FilledDuty, boolean>();
  const fits = (duty: FilledDuty): boolean => {
    const known = judged.get(duty);
    if (known !== undefined) return known;
    const fit = principals.every((one) => duty.principals.includes(one)) && hasConditions(own, duty);
    judged.set(duty, fit);
    return fit;
  };
  return strings(statement.Action).flatMap((action) => {
    const name = action.toLowerCase();
    const notIn = (duties: FilledDuty[]): string[] => {
      const fitting = duties.filter(fits);
      return resources.filter((resource) => !fitting.some((duty) => includedIn(duty.resources, resource)));
    };
    const left = notIn(byAction.get(name) ?? []);
    return (left.length === 0 ? [] : notIn(all.filter(({ actions }) => includedIn(actions, name)))).map(
      (resource) => `${action} on ${resource}`,
    );
  });
}
