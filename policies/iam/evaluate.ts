import { conditionsHold, ConditionKeys, keysOf } from "./conditions";
import { accountOf, Statement, strings } from "./document";
import { covers, isResolvable, Keys, matches } from "./wildcard";

/** The principal of a request: an IAM principal, an AWS service, or nobody (an anonymous request). */
export interface Requester {
  /** ARN of a role, user or assumed-role session; undefined for an anonymous request. */
  arn?: string;
  service?: string;
  federated?: string;
}

export interface Request {
  requester: Requester;
  action: string;
  resource: string;
  /** The account that owns the resource. */
  account: string;
  context: ConditionKeys;
}

export type Decision = "allow" | "deny" | "implicit-deny";

/** The actions of an element Action or NotAction, in lower case. */
interface ActionPatterns {
  names: Set<string>;
  patterns: string[];
}

/** The elements that were read already, by their statement: rules ask one statement about hundreds of actions. */
const readActions = new WeakMap<Statement, ActionPatterns>();

function actionPatternsOf(statement: Statement): ActionPatterns {
  const known = readActions.get(statement);
  if (known !== undefined) return known;
  const all = strings(statement.Action ?? statement.NotAction).map((one) => one.toLowerCase());
  const isPattern = (one: string) => /[*?$]/.test(one);
  const read = { names: new Set(all.filter((one) => !isPattern(one))), patterns: all.filter(isPattern) };
  readActions.set(statement, read);
  return read;
}

/** True if a statement is about an action. Statements must not change after the first question. */
export function actionMatches(statement: Statement, action: string): boolean {
  if ((statement.Action ?? statement.NotAction) === undefined) return false;
  const { names, patterns } = actionPatternsOf(statement);
  const name = action.toLowerCase();
  const isNamed = names.has(name) || patterns.some((pattern) => matches(pattern, name, false));
  return isNamed === (statement.Action !== undefined);
}

/** The statements that may be about an action: those that name it, and those with a pattern or a NotAction. */
interface ByAction {
  named: Map<string, Statement[]>;
  open: Statement[];
}

const indexed = new WeakMap<readonly Statement[], ByAction>();

function byActionOf(statements: readonly Statement[]): ByAction {
  const known = indexed.get(statements);
  if (known !== undefined) return known;
  const index: ByAction = { named: new Map(), open: [] };
  for (const statement of statements) {
    const { names, patterns } = actionPatternsOf(statement);
    if (patterns.length > 0 || statement.Action === undefined) index.open.push(statement);
    else
      for (const name of names) {
        const all = index.named.get(name);
        if (all === undefined) index.named.set(name, [statement]);
        else all.push(statement);
      }
  }
  indexed.set(statements, index);
  return index;
}

/** The statements about an action. The list must not change after the first question: it is indexed once. */
export function statementsAbout(statements: readonly Statement[], action: string): Statement[] {
  const { named, open } = byActionOf(statements);
  return [
    ...(named.get(action.toLowerCase()) ?? []),
    ...open.filter((statement) => actionMatches(statement, action)),
  ];
}

/** The pattern of an ARN, widened to all resources of its service, region and account. */
function withoutResource(pattern: string): string {
  return `${pattern.split(":").slice(0, 5).join(":")}:*`;
}

/** True if a statement applies to a resource. */
export function resourceMatches(statement: Statement, resource: string, keys: Keys): boolean {
  if (statement.Resource !== undefined)
    return strings(statement.Resource).some((pattern) => covers(pattern, resource, true, keys));
  // Trust policies name no resource: they apply to their role. A pattern with a variable that has no value may stand
  // for any resource of its service and account.
  return strings(statement.NotResource).every(
    (pattern) =>
      !covers(isResolvable(pattern, keys) ? pattern : withoutResource(pattern), resource, true, keys),
  );
}

const ROLE_SESSION = /^arn:(aws[\w-]*):sts::(\d{12}):assumed-role\/([^/]+)\/.+$/;

/** The ARNs by which a statement can name the requester: a session's own, and the one of its role. */
function names(arn: string): string[] {
  const session = ROLE_SESSION.exec(arn);
  return session === null
    ? [arn]
    : [arn, `arn:${session[1] ?? "aws"}:iam::${session[2] ?? ""}:role/${session[3] ?? ""}`];
}

type Named = "none" | "account" | "itself";

function principalNamed(value: unknown, requester: Requester): Named {
  if (value === "*") return "itself";
  if (typeof value !== "object" || value === null) return "none";
  let found: Named = "none";
  for (const [kind, entries] of Object.entries(value))
    for (const entry of strings(entries)) {
      if (kind === "Service" && entry === requester.service) return "itself";
      if (kind === "Federated" && entry === requester.federated) return "itself";
      if (kind !== "AWS") continue;
      if (entry === "*") return "itself";
      if (requester.arn === undefined) continue;
      const account = accountOf(requester.arn);
      if (names(requester.arn).includes(entry)) return "itself";
      if (entry === account || entry === `arn:aws:iam::${account}:root`) found = "account";
    }
  return found;
}

/** How a statement of a resource's policy names the requester: not at all, by its account, or itself. */
export function principalMatches(statement: Statement, requester: Requester): Named {
  if (statement.NotPrincipal !== undefined)
    return principalNamed(statement.NotPrincipal, requester) === "none" ? "itself" : "none";
  return principalNamed(statement.Principal, requester);
}

/** Evaluates the statements of a resource's policy, or (without `principals`) of an identity's policies. */
export function judge(
  statements: Statement[],
  request: Request,
  principals: boolean,
): { decision: Decision; by: Named } {
  const keys = keysOf(request.context);
  let by: Named = "none";
  for (const statement of statements) {
    const named = principals ? principalMatches(statement, request.requester) : "itself";
    if (named === "none") continue;
    if (!actionMatches(statement, request.action) || !resourceMatches(statement, request.resource, keys))
      continue;
    if (!conditionsHold(statement.Condition, request.context)) continue;
    if (statement.Effect === "Deny") return { decision: "deny", by: named };
    if (statement.Effect === "Allow" && by !== "itself") by = named;
  }
  return { decision: by === "none" ? "implicit-deny" : "allow", by };
}

/**
 * Evaluates a request against the resource's and the requester's policies. A Deny on either side wins. Within one
 * account, one Allow is enough, but an Allow that names only the account leaves the decision to identity policies.
 * Across accounts, both sides must allow.
 *
 * @see https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_evaluation-logic.html
 */
export function evaluateRequest(
  request: Request,
  resourceStatements: Statement[],
  identityStatements: Statement[],
): Decision {
  const resource = judge(resourceStatements, request, true);
  const { arn } = request.requester;
  // Only users and roles have policies of their own.
  if (arn === undefined) return resource.decision;
  const identity = judge(identityStatements, request, false);
  if (resource.decision === "deny" || identity.decision === "deny") return "deny";
  if (accountOf(arn) === request.account)
    return identity.decision === "allow" || (resource.decision === "allow" && resource.by === "itself")
      ? "allow"
      : "implicit-deny";
  return resource.decision === "allow" && identity.decision === "allow" ? "allow" : "implicit-deny";
}
