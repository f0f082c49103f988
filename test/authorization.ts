import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { PreviewDocument, PreviewResource } from "../graph/document";
import type { ChangedEnvironment } from "../policies/facts/beanstalkResources";
import type { ConditionKeys } from "../policies/iam/conditions";
import { type Statement, statementsOf, strings } from "../policies/iam/document";
import { object, text } from "../policies/values";
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

  /**
   * @param boundary Statements of the permissions boundary; undefined if the role has none.
   * @param tags Tags of the role.
   */
  constructor(
    readonly statements: Statement[],
    readonly boundary?: Statement[],
    readonly tags: Readonly<Record<string, string>> = {},
  ) {}

  /** This role with other statements. */
  with(statements: Statement[]): Role {
    return new Role(statements, this.boundary, this.tags);
  }

  /** This role without the statement of a Sid. */
  without(sid: unknown): Role {
    return this.with(this.statements.filter(({ Sid }) => Sid !== sid));
  }

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
          "aws:ResourceAccount": ACCOUNT,
          ...Object.fromEntries(
            Object.entries(this.tags).map(([tag, value]) => [`aws:PrincipalTag/${tag}`, value]),
          ),
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
export function unusedPermissions(role: Role): string[] {
  const unusedOf = (statement: Statement, element: "Action" | "Resource") =>
    strings(statement[element]).filter((pattern) => {
      const part = role.with([{ ...statement, [element]: pattern }]);
      return !role.asked.some((one) => part.allows(one));
    });
  return role.statements
    .filter(({ Effect }) => Effect === "Allow")
    .flatMap((statement) =>
      [...unusedOf(statement, "Action"), ...unusedOf(statement, "Resource")].map(
        (unused) => `${text(statement.Sid)}: ${unused}`,
      ),
    );
}

/** A made-up id of an environment: a preview does not know the ids that Beanstalk chooses. */
export const environmentId = (role: string): string => `e-${role.padEnd(10, "0")}`;

/** The Beanstalk environment of a role, such as `web`, of the stack `env`. */
export const changedOf = (env: string, role: string): ChangedEnvironment => ({
  region: REGION,
  accountId: ACCOUNT,
  environment: role === "web" ? `iaso-${env}` : `iaso-${env}-${role}`,
  environmentId: environmentId(role),
  application: role === "enketo" ? `iaso-${env}-enketo` : `iaso-${env}`,
  tags: { project: "iaso", env, "managed-by": "pulumi", role },
  loadBalancer: balancerOf("web"),
  roles: [role, "beanstalk-service"].map((name) => `arn:aws:iam::${ACCOUNT}:role/iaso-${env}-${name}`),
});

const { policies } = JSON.parse(
  readFileSync(join(__dirname, "../policies/facts/beanstalk-managed-policies.json"), "utf8"),
) as { policies: Record<string, { document: unknown }> };

/** A role with one of AWS's managed policies for Beanstalk. */
export const managedRole = (policy: string): Role => new Role(statementsOf(policies[policy]?.document));

const ATTACHMENT = "aws:iam/rolePolicyAttachment:RolePolicyAttachment";

/** The managed policies whose ARN is the value of a property. */
const policiesUsed = (
  document: PreviewDocument,
  { propertyDependencies }: PreviewResource,
  property: string,
) =>
  resourcesOf(document, "aws:iam/policy:Policy").filter(({ urn }) =>
    (propertyDependencies[property] ?? []).includes(urn),
  );

/** A made-up load balancer of an environment. */
export const balancerOf = (role: string): string => `app/awseb--AWSEB-${role}/0123456789abcdef`;

/** The made-up value of a tag whose value no preview knows. */
function madeUp(tag: string): string | undefined {
  const [, role = "", what] = /^(\w+)-(environment-id|load-balancer-id)$/.exec(tag) ?? [];
  if (what === undefined) return undefined;
  return what === "environment-id" ? environmentId(role) : balancerOf(role);
}

/**
 * The role of a name in a preview document, with its policies, AWS's own excepted, its permissions boundary, and its
 * tags, in which the ids of environments are made up.
 */
export function roleOf(document: PreviewDocument, name: string): Role {
  const role = find(document, "aws:iam/role:Role", name);
  const inline = resourcesOf(document, "aws:iam/rolePolicy:RolePolicy").filter(
    ({ inputs }) => inputs.role === role.inputs.name,
  );
  const attached = resourcesOf(document, ATTACHMENT)
    .filter(({ inputs }) => inputs.role === role.inputs.name)
    .flatMap((attachment) => policiesUsed(document, attachment, "policyArn"));
  const [boundary] = policiesUsed(document, role, "permissionsBoundary");
  const tags = Object.entries(object(role.inputs.tags)).map(([tag, value]) => [
    tag,
    madeUp(tag) ?? text(value),
  ]);
  return new Role(
    [...inline, ...attached].flatMap(({ inputs }) => statementsOf(inputs.policy)),
    boundary === undefined ? undefined : statementsOf(boundary.inputs.policy),
    Object.fromEntries(tags) as Record<string, string>,
  );
}
