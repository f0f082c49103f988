import { readFileSync } from "node:fs";
import { join } from "node:path";
import { ownAccounts, resourcesWith, Stack, tagOf } from "../../context";
import { ConditionKeys, conditionsHold, keysOf } from "../../iam/conditions";
import { conditionsOf, Statement, statementsOf, trusted } from "../../iam/document";
import { actionMatches, judge, principalMatches, Requester, resourceMatches } from "../../iam/evaluate";
import { allowsOutsiders } from "../../iam/principals";
import { ResourceOf } from "../../resource";
import { defineRule } from "../../rule";
import { first, hasUnknown, notEvaluated, text } from "../../values";
import { arnOfRole, Role, ROLE } from "../iam/grants";
import { classOf, isPublic, nameOf, PART } from "./bucket";

export type Bucket = ResourceOf<"aws:s3/bucket:Bucket">;

/** The actions of S3, and those of them that act on objects. */
const { actions: ALL_ACTIONS, objectActions: OBJECT_ACTIONS } = JSON.parse(
  readFileSync(join(__dirname, "..", "..", "facts", "s3-actions.json"), "utf8"),
) as { actions: string[]; objectActions: string[] };
const LIST_ACTIONS = ["s3:ListBucket", "s3:ListBucketVersions", "s3:ListBucketMultipartUploads"];

/** Checks the statements of a bucket's policy. A policy that cannot be read is a violation. */
export function checkPolicy(
  bucket: Bucket,
  stack: Stack,
  check: (statements: Statement[]) => string[],
): string[] {
  const policies = resourcesWith(stack, PART.policy, "bucket", bucket.inputs.bucket);
  // S3 keeps one policy: each one written replaces the one before, with its Deny statements.
  if (policies.length > 1) return ["The bucket has several policies. Write one with all statements."];
  const [policy] = policies;
  if (policy === undefined) return check([]);
  if (hasUnknown(policy.inputs.policy)) return notEvaluated("the bucket's policy");
  let statements: Statement[];
  try {
    statements = statementsOf(policy.inputs.policy);
  } catch (error) {
    return [`The bucket's policy ${(error as Error).message}. Write a policy document as JSON.`];
  }
  return check(statements);
}

/** Object keys that no real object has: only patterns for all objects match each of them. */
export const ANY_OBJECT = [1, 2, 3, 7, 99].map((length) => `/${"\u{f8ff}".repeat(length)}`);

/**
 * True if a request with these condition keys is denied for every principal. A Deny with another condition, a
 * NotPrincipal or a NotResource does not count, because a request could avoid it.
 */
export function alwaysDenied(
  statements: Statement[],
  bucket: Bucket,
  actions: string[],
  request: Record<string, string>,
  paths = ANY_OBJECT,
): boolean {
  const keys = keysOf(request);
  const named = (statement: Statement, path: string) =>
    resourceMatches(statement, `arn:aws:s3:::${nameOf(bucket)}${path}`, keys);
  const denials = statements.filter(
    (one) =>
      one.Effect === "Deny" &&
      one.NotPrincipal === undefined &&
      one.NotResource === undefined &&
      actions.some((action) => actionMatches(one, action)) &&
      // Most statements name other objects than the first one already.
      named(one, paths[0] ?? "") &&
      principalMatches(one, {}) !== "none" &&
      conditionsOf(one).every(({ key }) => keys.has(key)) &&
      conditionsHold(one.Condition, request) &&
      paths.every((path) => named(one, path)),
  );
  return denials.length > 0 && actions.every((action) => denials.some((one) => actionMatches(one, action)));
}

export const bucketTlsOnly = defineRule({
  name: "bucket-tls-only",
  types: ["aws:s3/bucket:Bucket"],
  description: "The bucket policy denies plain HTTP to everyone, for every action",
  why: "others on the network could read the data on its way",
  severity: "high",
  reference: "AWS FSBP S3.5",
  neighbours: true,
  check: (bucket, stack) =>
    checkPolicy(bucket, stack, (statements) => {
      const plainHttp = { "aws:SecureTransport": "false" };
      return alwaysDenied(statements, bucket, OBJECT_ACTIONS, plainHttp) &&
        alwaysDenied(statements, bucket, LIST_ACTIONS, plainHttp, [""])
        ? []
        : [
            'The policy allows plain HTTP. Write a Deny of s3:* for "*" on the bucket and its objects where aws:SecureTransport is false.',
          ];
    }),
});

export const mediaSignatureAge = defineRule({
  name: "media-signature-age",
  types: ["aws:s3/bucket:Bucket"],
  description: "Media denies signatures that are older than the maximum age",
  why: "a leaked link would work for as long as its signer chose",
  severity: "critical",
  neighbours: true,
  parameters: {
    maxAgeMs: {
      type: "number",
      default: 900_000,
      description: "Maximum age of a signature, in milliseconds",
    },
  },
  check: (bucket, stack) => {
    const { maxAgeMs } = stack.parameters;
    // 604,800,000 ms is the longest age that S3 itself accepts.
    const ages = [maxAgeMs + 1, maxAgeMs + 7_919, maxAgeMs * 2, 3_600_001, 86_399_999, 604_800_000];
    if (classOf(bucket) !== "media") return [];
    return checkPolicy(bucket, stack, (statements) =>
      ages.every((age) =>
        alwaysDenied(statements, bucket, OBJECT_ACTIONS, { "s3:signatureAge": String(age) }),
      )
        ? []
        : [
            `The policy accepts signatures older than ${String(maxAgeMs)} ms. Write a Deny of s3:* for "*" on all objects where s3:signatureAge is NumericGreaterThan ${String(maxAgeMs)}.`,
          ],
    );
  },
});

export const mediaSignatureVersion = defineRule({
  name: "media-signature-version",
  types: ["aws:s3/bucket:Bucket"],
  description: "Media denies signatures of a version before 4",
  why: "the age limit does not apply to older signature versions",
  severity: "critical",
  neighbours: true,
  check: (bucket, stack) =>
    classOf(bucket) !== "media"
      ? []
      : checkPolicy(bucket, stack, (statements) =>
          alwaysDenied(statements, bucket, OBJECT_ACTIONS, { "s3:signatureversion": "AWS" })
            ? []
            : [
                'The policy accepts old signatures. Write a Deny of s3:* for "*" where s3:signatureversion is StringNotEquals AWS4-HMAC-SHA256.',
              ],
        ),
});

/** A request by a role that no program has. */
export const byAnyRole = (stack: Stack) => ({
  "aws:PrincipalArn": `arn:aws:iam::${ownAccounts(stack)[0] ?? ""}:role/qz-71`,
});

/** The principals that a Deny excludes by their ARN. */
const exceptionsOf = (statement: Statement): string[] =>
  statement.Effect === "Deny"
    ? conditionsOf(statement)
        .filter(({ operator, key }) => /not/i.test(operator) && key === "aws:principalarn")
        .flatMap(({ values }) => values.map(text))
    : [];

/** The ARNs of the roles of web and worker. */
export const applicationRoles = (stack: Stack): Set<string> =>
  stack.once("ARNs of Iaso's roles", () => {
    const roles = stack.ofType(ROLE).filter((role) => ["web", "worker"].includes(tagOf(role, "role")));
    return new Set(roles.map((role) => arnOfRole(role, stack)));
  });

/** The ARNs of the roles that only AWS Backup can assume. `service-trust-source` demands that it acts for this account. */
const backupRoles = (stack: Stack): Set<string> =>
  stack.once("ARNs of the roles of AWS Backup", () => {
    const isBackups = ({ inputs: { assumeRolePolicy } }: Role) =>
      trusted(assumeRolePolicy, "Service").join() === "backup.amazonaws.com" &&
      ["AWS", "Federated"].every((kind) => trusted(assumeRolePolicy, kind).length === 0);
    const roles = stack.ofType(ROLE).filter(isBackups);
    return new Set(roles.map((role) => arnOfRole(role, stack)));
  });

export const mediaForApplication = defineRule({
  name: "media-for-application",
  types: ["aws:s3/bucket:Bucket"],
  description:
    "Only the roles of web and worker, and that of AWS Backup, reach media's objects, whatever the policies of other roles allow",
  why: "every role with a broad policy could read patients' data",
  severity: "critical",
  neighbours: true,
  check: (bucket, stack) =>
    classOf(bucket) !== "media"
      ? []
      : checkPolicy(bucket, stack, (statements) => [
          ...(alwaysDenied(statements, bucket, OBJECT_ACTIONS, byAnyRole(stack))
            ? []
            : [
                'The policy lets any role of the account in. Write a Deny of s3:* for "*" on all objects where aws:PrincipalArn is ArnNotEquals the roles of web and worker.',
              ]),
          ...statements
            .flatMap(exceptionsOf)
            .filter((arn) => !applicationRoles(stack).has(arn) && !backupRoles(stack).has(arn))
            .map(
              (arn) =>
                `The policy excludes ${arn}. Write only the ARNs of the roles of web and worker, and of AWS Backup's.`,
            ),
        ]),
});

export const bucketPrivate = defineRule({
  name: "bucket-private",
  types: ["aws:s3/bucket:Bucket"],
  description: "Only a static bucket without CloudFront lets principals outside the account in",
  why: "outsiders could read patients' data",
  severity: "critical",
  reference: "AWS FSBP S3.6",
  neighbours: true,
  check: (bucket, stack) =>
    isPublic(bucket, stack)
      ? []
      : checkPolicy(bucket, stack, (statements) =>
          statements
            .filter((statement) => allowsOutsiders(statement, ownAccounts(stack)))
            .map(
              ({ Sid }) =>
                `Statement ${text(Sid) || "without Sid"} lets principals outside the account in. Write roles of this account as Principal, or remove it.`,
            ),
        ),
});

/** Returns whether a policy allows a request to read an object over HTTPS. */
function isReadable(
  bucket: Bucket,
  statements: Statement[],
  requester: Requester,
  context: ConditionKeys = {},
): boolean {
  const resource = `arn:aws:s3:::${nameOf(bucket)}/a.css`;
  return (
    judge(
      statements,
      {
        requester,
        action: "s3:GetObject",
        resource,
        account: "",
        context: { "aws:SecureTransport": "true", ...context },
      },
      true,
    ).decision === "allow"
  );
}

const CLOUDFRONT = { service: "cloudfront.amazonaws.com" };

/** Returns what is wrong with the policy of a private static bucket that CloudFront serves. */
function problemsBehindCloudFront(bucket: Bucket, statements: Statement[], stack: Stack): string[] {
  const distributions = `arn:aws:cloudfront::${ownAccounts(stack)[0] ?? ""}:distribution/`;
  // The id of a distribution is unknown at the first preview.
  const readable = isReadable(bucket, statements, CLOUDFRONT, { "aws:SourceArn": `${distributions}E1QZ71` });
  const more = actionsOf(
    statements.filter((one) => one.Effect === "Allow" && principalMatches(one, CLOUDFRONT) !== "none"),
  );
  return [
    ...(readable
      ? []
      : [
          `CloudFront cannot read. Write an Allow of s3:GetObject for cloudfront.amazonaws.com on all objects where aws:SourceArn is ArnLike ${distributions}*.`,
        ]),
    ...(more.length === 0
      ? []
      : [
          `CloudFront may ${first(more)}. Write s3:GetObject as the only Action for cloudfront.amazonaws.com.`,
        ]),
  ];
}

/** Returns the actions beside reading an object that a policy's statements name. */
const actionsOf = (statements: Statement[]): string[] =>
  ALL_ACTIONS.filter(
    (action) => action !== "s3:GetObject" && statements.some((statement) => actionMatches(statement, action)),
  );

export const staticReadable = defineRule({
  name: "static-readable",
  types: ["aws:s3/bucket:Bucket"],
  description:
    "Everyone can read objects of the static bucket, but not list or write: from S3, or only through CloudFront if it serves the bucket",
  why: "pages need their files, and nobody outside needs to list or write them",
  severity: "critical",
  neighbours: true,
  check: (bucket, stack) => {
    if (classOf(bucket) !== "static") return [];
    return checkPolicy(bucket, stack, (statements) => {
      if (!isPublic(bucket, stack)) return problemsBehindCloudFront(bucket, statements, stack);
      const more = actionsOf(
        statements.filter((statement) => allowsOutsiders(statement, ownAccounts(stack))),
      );
      return [
        ...(isReadable(bucket, statements, {})
          ? []
          : ['Not everyone can read. Write an Allow of s3:GetObject for "*" on all objects.']),
        ...(more.length === 0
          ? []
          : [`Outsiders may ${first(more)}. Write s3:GetObject as the only Action for "*".`]),
      ];
    });
  },
});
