import type { PreviewDocument } from "../graph/document";
import type { ConditionKeys } from "../policies/iam/conditions";
import { type Statement, statementsOf, strings } from "../policies/iam/document";
import { matches } from "../policies/iam/wildcard";
import { text } from "../policies/values";
import { judge } from "../policies/iam/evaluate";
import { find, resourcesOf } from "./support";

export const ACCOUNT = "123456789012";
export const REGION = "eu-central-1";

/** A permission that a request needs: AWS checks some requests for several. */
export interface Needed {
  action: string;
  resource: string;
  /** Condition keys besides those that every request has. */
  context?: ConditionKeys;
}

/** The permissions of one role: AWS allows what its policies and its boundary allow, and no Deny forbids. */
export class Role {
  /** Every permission that was asked for, once. */
  readonly asked: Needed[] = [];
  private readonly known = new Map<string, boolean>();

  /** @param boundary Statements of the permissions boundary; undefined if the role has none. */
  constructor(
    readonly statements: Statement[],
    private readonly boundary?: Statement[],
  ) {}

  allows({ action, resource, context = {} }: Needed): boolean {
    const key = JSON.stringify([action, resource, context]);
    let allowed = this.known.get(key);
    if (allowed === undefined) {
      const request = {
        requester: {},
        action,
        resource,
        account: ACCOUNT,
        // Requests to services without regions count as requests to us-east-1.
        context: {
          "aws:RequestedRegion": /^(cloudfront|iam|route53):/.test(action) ? "us-east-1" : REGION,
          "aws:SecureTransport": "true",
          ...context,
        },
      };
      allowed = [this.statements, this.boundary].every(
        (statements) => statements === undefined || judge(statements, request, false).decision === "allow",
      );
      this.known.set(key, allowed);
      this.asked.push({ action, resource, context });
    }
    return allowed;
  }

  /** The permissions that the role lacks, as "action on resource". */
  missing(needed: readonly Needed[]): string[] {
    return [
      ...new Set(
        needed.filter((one) => !this.allows(one)).map(({ action, resource }) => `${action} on ${resource}`),
      ),
    ];
  }
}

/** The action patterns and resource patterns of Allow statements that no request needs, as "Sid: pattern". */
export function unusedPermissions(statements: readonly Statement[], asked: readonly Needed[]): string[] {
  return statements
    .filter(({ Effect }) => Effect === "Allow")
    .flatMap((statement) => {
      const used = asked.filter((one) => new Role([statement]).allows(one));
      const actions = strings(statement.Action).filter(
        (pattern) => !used.some(({ action }) => matches(pattern, action, true)),
      );
      const resources = strings(statement.Resource).filter(
        (pattern) => !used.some(({ resource }) => matches(pattern, resource, false)),
      );
      return [...actions, ...resources].map((unused) => `${text(statement.Sid)}: ${unused}`);
    });
}

/** The role of a name in a preview document, with its policies, AWS's own excepted, and its permissions boundary. */
export function roleOf(document: PreviewDocument, name: string): Role {
  const role = find(document, "aws:iam/role:Role", name);
  const statements = resourcesOf(document, "aws:iam/rolePolicy:RolePolicy")
    .filter(({ inputs }) => inputs.role === role.inputs.name)
    .flatMap(({ inputs }) => statementsOf(inputs.policy));
  const boundary =
    role.inputs.permissionsBoundary === undefined
      ? undefined
      : statementsOf(find(document, "aws:iam/policy:Policy").inputs.policy);
  return new Role(statements, boundary);
}
