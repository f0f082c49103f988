import { PreviewResource, PropertyValue } from "../../graph/document";
import { openings, Statement, statementsOf } from "./policyStatements";
import { isAbsent, own } from "../values";
import { hasOwn, isDeletedWithOwner } from "./lostState";
import { ResourceChange, Risk, RiskContext } from "./types";
import { label, risk, shown } from "./wording";

/** Secrets that become plain inputs. */
export function disclosedSecrets({ after, disclosed }: ResourceChange): Risk[] {
  return disclosed.flatMap((path) =>
    after === undefined
      ? []
      : risk(
          "access",
          `${label(after)} has ${path} in plain text, which was a secret: state, logs and previews show it`,
          true,
        ),
  );
}

const PUBLIC_ACCESS_BLOCK = "aws:s3/bucketPublicAccessBlock:BucketPublicAccessBlock";
const BLOCKS = ["blockPublicAcls", "blockPublicPolicy", "ignorePublicAcls", "restrictPublicBuckets"];

/**
 * Public access blocks that are off. A policy allows that for static buckets.
 *
 * @see https://docs.aws.amazon.com/AmazonS3/latest/userguide/access-control-block-public-access.html
 */
export function openedBucket({ before, after }: ResourceChange): Risk[] {
  if (after?.type !== PUBLIC_ACCESS_BLOCK) return [];
  const open = BLOCKS.filter(
    (block) =>
      own(after.inputs, block) !== true && (before === undefined || own(before.inputs, block) === true),
  );
  if (open.length === 0) return [];
  return risk(
    "access",
    `${label(after)} has ${open.join(", ")} off: a policy or an access control list can make the objects public`,
    true,
  );
}

/** Access that the policy documents of a resource newly allow, or no longer deny. */
export function openedPolicies({ kind, before, after }: ResourceChange, context: RiskContext): Risk[] {
  if (kind === "deleted" && before && isDeletedWithOwner(before, context)) return [];
  const resource = after ?? before;
  if (resource === undefined) return [];
  const [old, now] = [documentsOf(before), documentsOf(after)];
  return [...new Set([...old.keys(), ...now.keys()])].flatMap((path) => {
    const [was, is] = [old.get(path), now.get(path)];
    if (is === undefined && after !== undefined) {
      const value = own(after.inputs, path);
      if (!isAbsent(value)) {
        return risk(
          "access",
          `${label(after)} has a ${path} that the preview cannot read: check it after the update`,
        );
      }
      if (after.type === "aws:ec2/vpcEndpoint:VpcEndpoint") {
        return risk("access", `${label(after)} no longer has a policy: it lets every request through`);
      }
    }
    return openings(was ?? [], is ?? []).flatMap(({ message, severe }) =>
      risk("access", `${label(resource)} ${message}`, severe),
    );
  });
}

/** The policy documents among the inputs, by path. */
function documentsOf(resource: PreviewResource | undefined): Map<string, Statement[]> {
  const documents = new Map<string, Statement[]>();
  const visit = (value: PropertyValue, path: string): void => {
    const statements = statementsOf(value);
    if (statements !== undefined) documents.set(path, statements);
    else if (typeof value === "object" && value !== null) {
      for (const [key, inner] of Object.entries(value)) visit(inner, `${path}.${key}`);
    }
  };
  for (const [property, value] of Object.entries(resource?.inputs ?? {})) visit(value, property);
  return documents;
}

const ATTACHMENT = "aws:iam/rolePolicyAttachment:RolePolicyAttachment";
const INSTANCE_PROFILE = "aws:iam/instanceProfile:InstanceProfile";
const IDENTITY_PROVIDER = "aws:iam/openIdConnectProvider:OpenIdConnectProvider";

/** Rights that a role gets by attachments, another permissions boundary, or another trust. */
export function newRights({ kind, before, after, differences }: ResourceChange): Risk[] {
  if (after === undefined) return [];
  const risks: Risk[] = [];
  if (after.type === ATTACHMENT && (before === undefined || hasOwn(differences, "policyArn", "role"))) {
    const [policy, role] = [own(after.inputs, "policyArn"), own(after.inputs, "role")];
    const administrator = /\/(AdministratorAccess|PowerUserAccess|IAMFullAccess)$/.test(shown(policy));
    risks.push(
      ...risk("access", `${label(after)} gives ${shown(role)} the rights of ${shown(policy)}`, administrator),
    );
  }
  if (kind !== "added" && hasOwn(differences, "permissionsBoundary")) {
    risks.push(
      ...risk("access", `${label(after)} has another permissions boundary or none: its rights can grow`),
    );
  }
  if (after.type === INSTANCE_PROFILE && kind !== "added" && hasOwn(differences, "role")) {
    risks.push(...risk("access", `${label(after)} gives instances the rights of another role`));
  }
  if (after.type === IDENTITY_PROVIDER) {
    risks.push(
      ...risk("access", `${label(after)} decides which identity provider the account trusts: review it`),
    );
  }
  return risks;
}
