import { isWithin } from "../facts/ipRanges";
import { covers, Keys } from "./wildcard";

/** The values of the condition keys of one request. A key that is absent has no value. */
export type ConditionKeys = Record<string, string | string[]>;

type Test = (expected: string, actual: string, keys: Keys) => boolean;

const NUMBER = /^-?\d+(\.\d+)?$/;
const numeric =
  (holds: (difference: number) => boolean): Test =>
  (expected, actual) => {
    const difference = Number(actual) - Number(expected);
    return NUMBER.test(expected) && NUMBER.test(actual) && holds(difference);
  };

const instant = (text: string) => (/^\d+$/.test(text) ? Number(text) * 1000 : Date.parse(text));
const date =
  (holds: (difference: number) => boolean): Test =>
  (expected, actual) => {
    const difference = instant(actual) - instant(expected);
    return !Number.isNaN(difference) && holds(difference);
  };

/** Matches each of the six parts of an ARN separately: a wildcard does not match a colon. */
const arn: Test = (expected, actual, keys) => {
  // The name of a policy variable contains a colon too.
  const patterns = expected.split(/:(?![^{}]*\})/);
  const parts = actual.split(":");
  if (patterns.length < 6 || parts.length < 6) return false;
  const six = (all: string[]) => [...all.slice(0, 5), all.slice(5).join(":")];
  const values = six(parts);
  return six(patterns).every((pattern, index) => covers(pattern, values[index] ?? "", true, keys));
};

const address: Test = (expected, actual) => isWithin(actual, expected);

const lowerCase = (keys: Keys): Keys =>
  new Map([...keys].map(([key, values]) => [key, values.map((value) => value.toLowerCase())]));

/** @see https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_condition_operators.html */
const OPERATORS: Record<string, Test> = {
  stringequals: (expected, actual, keys) => covers(expected, actual, false, keys),
  stringequalsignorecase: (expected, actual, keys) =>
    covers(expected.toLowerCase(), actual.toLowerCase(), false, lowerCase(keys)),
  stringlike: (expected, actual, keys) => covers(expected, actual, true, keys),
  numericequals: numeric((difference) => difference === 0),
  numericlessthan: numeric((difference) => difference < 0),
  numericlessthanequals: numeric((difference) => difference <= 0),
  numericgreaterthan: numeric((difference) => difference > 0),
  numericgreaterthanequals: numeric((difference) => difference >= 0),
  dateequals: date((difference) => difference === 0),
  datelessthan: date((difference) => difference < 0),
  datelessthanequals: date((difference) => difference <= 0),
  dategreaterthan: date((difference) => difference > 0),
  dategreaterthanequals: date((difference) => difference >= 0),
  bool: (expected, actual) => expected.toLowerCase() === actual.toLowerCase(),
  binaryequals: (expected, actual) => expected === actual,
  arnequals: arn,
  arnlike: arn,
  ipaddress: address,
};

function operatorHolds(operator: string, key: string, expected: string[], context: Keys): boolean {
  let name = operator.toLowerCase();
  const quantifier = /^for(any|all)values?:/.exec(name)?.[1];
  if (quantifier !== undefined) name = name.slice(name.indexOf(":") + 1);
  const actual = context.get(key.toLowerCase());
  if (name === "null") return expected.some((wish) => wish.toLowerCase() === String(actual === undefined));
  const ifExists = name.endsWith("ifexists");
  if (ifExists) name = name.slice(0, -"ifexists".length);
  const negated = name.includes("not");
  const test = OPERATORS[name.replace("not", "")];
  // A statement with an unknown operator never applies.
  if (test === undefined) return false;
  if (actual === undefined) return ifExists || quantifier === "all" || (negated && quantifier === undefined);
  const one = (value: string) => expected.some((wish) => test(wish, value, context)) !== negated;
  // Without a quantifier AWS compares one value.
  if (quantifier === undefined && actual.length > 1) return false;
  return quantifier === "any" ? actual.some(one) : actual.every(one);
}

/** The values of condition keys by the key in lower case. */
export function keysOf(context: ConditionKeys): Keys {
  return new Map(
    Object.entries(context).map(([key, value]) => [
      key.toLowerCase(),
      Array.isArray(value) ? value : [value],
    ]),
  );
}

/** True if all conditions of a statement hold for a request. Keys and operators are case-insensitive. */
export function conditionsHold(condition: unknown, context: ConditionKeys): boolean {
  if (condition === undefined || condition === null) return true;
  if (typeof condition !== "object") return false;
  const values = keysOf(context);
  return Object.entries(condition as Record<string, unknown>).every(
    ([operator, block]) =>
      typeof block === "object" &&
      block !== null &&
      Object.entries(block as Record<string, unknown>).every(([key, expected]) =>
        operatorHolds(operator, key, (Array.isArray(expected) ? expected : [expected]).map(String), values),
      ),
  );
}
