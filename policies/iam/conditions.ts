import { matches } from "./wildcard";

/** Values of the condition keys of one request; an absent key has no value. */
export type Context = Record<string, string | string[]>;

type Test = (expected: string, actual: string) => boolean;

const numeric =
  (holds: (difference: number) => boolean): Test =>
  (expected, actual) => {
    const difference = Number(actual) - Number(expected);
    return expected.trim() !== "" && actual.trim() !== "" && !Number.isNaN(difference) && holds(difference);
  };

const instant = (text: string) => (/^\d+$/.test(text) ? Number(text) * 1000 : Date.parse(text));
const date =
  (holds: (difference: number) => boolean): Test =>
  (expected, actual) => {
    const difference = instant(actual) - instant(expected);
    return !Number.isNaN(difference) && holds(difference);
  };

/** Each of the six parts of an ARN is matched by itself, so that a wildcard does not reach over a colon. */
const arn: Test = (expected, actual) => {
  const patterns = expected.split(":");
  const parts = actual.split(":");
  if (patterns.length < 6 || parts.length < 6) return false;
  const six = (all: string[]) => [...all.slice(0, 5), all.slice(5).join(":")];
  const values = six(parts);
  return six(patterns).every((pattern, index) => matches(pattern, values[index] ?? "", false));
};

const address: Test = (expected, actual) => {
  const [network = "", length = "32"] = expected.split("/");
  const toNumber = (text: string) =>
    /^\d+(\.\d+){3}$/.test(text) ? text.split(".").reduce((sum, part) => sum * 256 + Number(part), 0) : NaN;
  const size = 2 ** (32 - Number(length));
  return Math.floor(toNumber(network) / size) === Math.floor(toNumber(actual) / size);
};

/** @see https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_condition_operators.html */
const OPERATORS: Record<string, Test> = {
  stringequals: (expected, actual) => expected === actual,
  stringequalsignorecase: (expected, actual) => expected.toLowerCase() === actual.toLowerCase(),
  stringlike: (expected, actual) => matches(expected, actual, false),
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

function operatorHolds(
  operator: string,
  key: string,
  expected: string[],
  context: Map<string, string[]>,
): boolean {
  let name = operator.toLowerCase();
  const quantifier = /^for(any|all)values?:/.exec(name)?.[1];
  if (quantifier !== undefined) name = name.slice(name.indexOf(":") + 1);
  const actual = context.get(key.toLowerCase());
  if (name === "null") return expected.some((wish) => wish.toLowerCase() === String(actual === undefined));
  const ifExists = name.endsWith("ifexists");
  if (ifExists) name = name.slice(0, -"ifexists".length);
  const negated = name.includes("not");
  const test = OPERATORS[name.replace("not", "")];
  // An operator that AWS does not know never makes a statement apply.
  if (test === undefined) return false;
  if (actual === undefined) return ifExists || quantifier === "all" || (negated && quantifier === undefined);
  const one = (value: string) => expected.some((wish) => test(wish, value)) !== negated;
  return quantifier === "any" ? actual.some(one) : actual.every(one);
}

/** Whether all conditions of a statement hold for a request. Keys and operators are read whatever their case. */
export function conditionsHold(condition: unknown, context: Context): boolean {
  if (condition === undefined || condition === null) return true;
  if (typeof condition !== "object") return false;
  const values = new Map(
    Object.entries(context).map(([key, value]) => [
      key.toLowerCase(),
      Array.isArray(value) ? value : [value],
    ]),
  );
  return Object.entries(condition as Record<string, unknown>).every(
    ([operator, block]) =>
      typeof block === "object" &&
      block !== null &&
      Object.entries(block as Record<string, unknown>).every(([key, expected]) =>
        operatorHolds(operator, key, (Array.isArray(expected) ? expected : [expected]).map(String), values),
      ),
  );
}
