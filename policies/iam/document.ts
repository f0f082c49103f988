import { object, text, UNKNOWN } from "../values";

/** One statement of a policy document. AWS accepts one value or a list for each element. */
export interface Statement {
  Sid?: unknown;
  Effect?: unknown;
  Principal?: unknown;
  NotPrincipal?: unknown;
  Action?: unknown;
  NotAction?: unknown;
  Resource?: unknown;
  NotResource?: unknown;
  Condition?: unknown;
}

/** The documents that were read already, by their text: a dozen rules read each of them. */
const read = new Map<string, Statement[]>();

/** The number of documents that are kept: those of the largest stack, many times over. */
const KEPT = 5000;

/**
 * Reads a policy document: JSON text, or an object. The statements of one text are the same objects each time.
 *
 * @throws SyntaxError if the text is not JSON; TypeError if the document has no statements
 * @see https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_grammar.html
 */
export function statementsOf(document: unknown): Statement[] {
  if (typeof document !== "string") return statementsIn(document);
  const known = read.get(document);
  if (known !== undefined) return known;
  const statements = statementsIn(JSON.parse(document));
  if (read.size >= KEPT) read.clear();
  read.set(document, statements);
  return statements;
}

function statementsIn(parsed: unknown): Statement[] {
  if (typeof parsed !== "object" || parsed === null || !("Statement" in parsed))
    throw new TypeError("has no Statement");
  const statements = list(parsed.Statement);
  if (!statements.every((one) => typeof one === "object" && one !== null))
    throw new TypeError("has a Statement that is not an object");
  return statements;
}

export function list(value: unknown): unknown[] {
  return value === undefined ? [] : Array.isArray(value) ? (value as unknown[]) : [value];
}

export function strings(value: unknown): string[] {
  return list(value).map(String);
}

/** One condition: an operator, a condition key in lower case, and the values to compare with. */
export interface Condition {
  operator: string;
  key: string;
  values: unknown[];
}

/** The conditions that were read already, by their statement. */
const readConditions = new WeakMap<Statement, Condition[]>();

/** The conditions of a statement. IAM compares operators and keys case-insensitively. */
export function conditionsOf(statement: Statement): Condition[] {
  const known = readConditions.get(statement);
  if (known !== undefined) return known;
  const conditions = conditionsIn(statement);
  readConditions.set(statement, conditions);
  return conditions;
}

function conditionsIn({ Condition: blocks }: Statement): Condition[] {
  return Object.entries(object(blocks)).flatMap(([operator, block]) =>
    Object.entries(object(block)).map(([key, values]) => ({
      operator,
      key: key.toLowerCase(),
      values: list(values),
    })),
  );
}

/** True if a condition demands a value: the key must equal, or match, one of the values. */
export const demandsValue = ({ operator }: Condition): boolean =>
  /^(string|arn)(equals|like)$/i.test(operator);

/** The principals of one kind (AWS, Service, Federated) that the Allow statements of a trust policy name. */
export function trusted(document: unknown, kind: string): string[] {
  if (document === UNKNOWN || document === undefined) return [];
  return statementsOf(document)
    .filter(({ Effect }) => Effect === "Allow")
    .flatMap(({ Principal }) => list(object(Principal)[kind]).map(text));
}

/** The `sub` values of GitHub's tokens that a trust policy names, such as `repo:OWNER/NAME:pull_request`. */
export function githubSubjects(document: unknown): string[] {
  if (document === UNKNOWN || document === undefined) return [];
  return statementsOf(document)
    .flatMap(conditionsOf)
    .filter(({ key }) => key === "token.actions.githubusercontent.com:sub")
    .flatMap(({ values }) => values.map(text));
}

/** The account of an ARN. */
export function accountOf(arn: string): string {
  return arn.split(":")[4] ?? "";
}
