import { readFileSync } from "node:fs";
import { join } from "node:path";
import { conditionsHold, keysOf } from "../iam/conditions";
import {
  actionMatches,
  judge,
  list,
  principalMatches,
  resourceMatches,
  Statement,
  statementsOf,
} from "../iam/evaluate";
import {
  array,
  at,
  Context,
  demand,
  groupBy,
  hasUnknown,
  isUnknown,
  notEvaluated,
  object,
  Resource,
  Rule,
  rulesOf,
  first,
  text,
} from "../rule";

const BUCKET = "aws:s3/bucket:Bucket";
const PART = {
  policy: "aws:s3/bucketPolicy:BucketPolicy",
  block: "aws:s3/bucketPublicAccessBlock:BucketPublicAccessBlock",
  ownership: "aws:s3/bucketOwnershipControls:BucketOwnershipControls",
  versioning: "aws:s3/bucketVersioning:BucketVersioning",
  encryption: "aws:s3/bucketServerSideEncryptionConfiguration:BucketServerSideEncryptionConfiguration",
  cors: "aws:s3/bucketCorsConfiguration:BucketCorsConfiguration",
  lifecycle: "aws:s3/bucketLifecycleConfiguration:BucketLifecycleConfiguration",
};
const ENVIRONMENT = "aws:elasticbeanstalk/environment:Environment";
const CLASSES = ["static", "media", "logs", "artifacts"];

const classOf = (bucket: Resource) => text(object(bucket.inputs.tags).class);
const nameOf = (bucket: Resource) => text(bucket.inputs.bucket);

/** Statements of a bucket's policies, or what keeps them from being judged. */
function policyOf(bucket: Resource, context: Context): { statements: Statement[]; problems: string[] } {
  const statements: Statement[] = [];
  const problems: string[] = [];
  const policies = context.ofBucket(PART.policy, nameOf(bucket));
  // S3 keeps one policy: the last one written replaces the others, their denials among them.
  if (policies.length > 1) problems.push("The bucket has several policies. Write one with all statements.");
  for (const { inputs } of policies) {
    if (hasUnknown(inputs.policy)) problems.push(...notEvaluated("the bucket's policy"));
    else
      try {
        statements.push(...statementsOf(inputs.policy));
      } catch (error) {
        problems.push(`The bucket's policy ${(error as Error).message}. Write a policy document as JSON.`);
      }
  }
  return { statements, problems };
}

const rule = rulesOf({ area: "storage", types: [BUCKET], neighbours: true });

const part =
  (type: string, title: string, judgePart: (inputs: Record<string, unknown>, bucket: Resource) => string[]) =>
  (bucket: Resource, context: Context) => {
    const parts = context.ofBucket(type, nameOf(bucket));
    return parts.length === 0
      ? [`Bucket ${nameOf(bucket)} has no ${title}. Write one that names it.`]
      : parts.flatMap(({ inputs }) => judgePart(inputs, bucket));
  };

export const bucketClass = rule(
  "bucket-class",
  "A bucket declares by its tag `class` what it holds: static, media, logs or artifacts",
  "without a class nobody knows who may read it",
  (bucket) =>
    demand(classOf(bucket), CLASSES.includes(classOf(bucket)), "tag class", `one of ${CLASSES.join(", ")}`),
  { neighbours: undefined },
);

/** Where the application and its load balancer name a bucket, and the class that it must have. */
const USES: Record<string, string> = {
  "aws:elasticbeanstalk:application:environment/AWS_STORAGE_BUCKET_NAME": "media",
  "aws:elasticbeanstalk:application:environment/AWS_PUBLIC_STORAGE_BUCKET_NAME": "static",
  "aws:elbv2:loadbalancer/AccessLogsS3Bucket": "logs",
};

const usesOf = (environment: Resource) =>
  array(environment.inputs.settings).flatMap((one) => {
    const { namespace, name, value } = object(one);
    const wanted = USES[`${text(namespace)}/${text(name)}`];
    return wanted === undefined ? [] : [{ option: text(name), wanted, value }];
  });

export const bucketClassFits: Rule = {
  ...rule(
    "bucket-class-fits",
    "Buckets that Iaso and its load balancer use have the class for that use; no other one is static",
    "a class decides who may read: with the wrong one patients' data would be judged as static files",
    (resource, context) => {
      if (resource.type === ENVIRONMENT)
        return usesOf(resource).flatMap(({ option, wanted, value }) => {
          const buckets = context.once("buckets", () => groupBy(context.ofType(BUCKET), nameOf));
          const fits = buckets.get(text(value))?.every((bucket) => classOf(bucket) === wanted) === true;
          return demand(value, fits, option, `the name of a bucket of this program with class ${wanted}`);
        });
      const used = context.once(
        "static buckets in use",
        () =>
          new Set(
            context
              .ofType(ENVIRONMENT)
              .flatMap(usesOf)
              .flatMap(({ wanted, value }) => (wanted === "static" ? [text(value)] : [])),
          ),
      );
      return classOf(resource) !== "static" || used.has(nameOf(resource))
        ? []
        : ["The bucket has class static, and Iaso has its static files elsewhere. Write its own class."];
    },
    { severity: "critical" },
  ),
  types: [BUCKET, ENVIRONMENT],
};

export const bucketPublicAccessBlock = rule(
  "bucket-public-access-block",
  "All four public access blocks are on; the static bucket leaves out the two about policies only",
  "one wrong policy or ACL would publish the objects",
  part(PART.block, "public access block", (inputs, bucket) =>
    ["blockPublicAcls", "ignorePublicAcls", "blockPublicPolicy", "restrictPublicBuckets"].flatMap((name) =>
      classOf(bucket) === "static" && !name.includes("Acls")
        ? []
        : demand(inputs[name], inputs[name] === true, name, "true"),
    ),
  ),
  { severity: "critical", reference: "AWS FSBP S3.8" },
);

export const bucketWithoutAcls = rule(
  "bucket-without-acls",
  "ACLs are off (BucketOwnerEnforced)",
  "an ACL grants access beside the bucket's policy",
  part(PART.ownership, "ownership controls", ({ rule: owner }) => {
    const ownership = at(owner, "objectOwnership");
    return demand(ownership, ownership === "BucketOwnerEnforced", "objectOwnership", "BucketOwnerEnforced");
  }),
  { reference: "AWS FSBP S3.12" },
);

export const bucketPartsNamed: Rule = {
  ...rule(
    "bucket-parts-named",
    "A bucket's policy, access block, CORS and the like name a bucket of this program",
    "no rule would judge what they do to another bucket",
    ({ inputs }, context) => {
      const buckets = context.once("buckets by name", () => new Set(context.ofType(BUCKET).map(nameOf)));
      return demand(
        inputs.bucket,
        buckets.has(text(inputs.bucket)),
        "bucket",
        "the name of a bucket of this program",
      );
    },
  ),
  types: Object.values(PART),
};

/** What a bucket could say itself, beside the resources that are made for it. */
const INLINE = [
  "policy",
  "corsRules",
  "versioning",
  "serverSideEncryptionConfiguration",
  "replicationConfiguration",
  "lifecycleRules",
];

export const bucketPartsApart = rule(
  "bucket-parts-apart",
  "A bucket's policy, CORS, versioning, encryption and lifecycle are resources of their own; nothing is replicated",
  "two places would say different things, and no rule judges the one inside the bucket",
  ({ inputs }) =>
    INLINE.filter((name) => inputs[name] !== undefined).map(
      (name) => `The bucket sets ${name} itself. Remove it and write a resource of its own.`,
    ),
  { neighbours: undefined },
);

const OBJECT = "aws:s3/bucketObjectv2:BucketObjectv2";

export const noBucketAcl: Rule = {
  ...rule(
    "no-bucket-acl",
    "No ACL, neither of a bucket nor of an object",
    "an ACL grants access beside the bucket's policy",
    ({ inputs, type }) =>
      (type !== OBJECT && type !== BUCKET) || (inputs.acl ?? inputs.grants) !== undefined
        ? ["An ACL is declared. Remove it and write a bucket policy."]
        : [],
  ),
  types: ["aws:s3/bucketAcl:BucketAcl", "aws:s3/bucketAclV2:BucketAclV2", OBJECT, BUCKET],
  neighbours: undefined,
  reference: "AWS FSBP S3.12",
};

export const bucketVersioning = rule(
  "bucket-versioning",
  "Versioning is on",
  "an overwritten or deleted object could not be brought back",
  part(PART.versioning, "versioning", ({ versioningConfiguration }) => {
    const status = at(versioningConfiguration, "status");
    return demand(status, status === "Enabled", "versioning status", "Enabled");
  }),
  { reference: "AWS FSBP S3.14" },
);

export const bucketEncryption = rule(
  "bucket-encryption",
  "Objects are encrypted by default",
  "data at rest must be unreadable without the key",
  part(PART.encryption, "encryption configuration", ({ rules }) => {
    const algorithms = array(rules).map((one) =>
      at(one, "applyServerSideEncryptionByDefault", "sseAlgorithm"),
    );
    const good =
      algorithms.length > 0 && algorithms.every((one) => /^(AES256|aws:kms(:dsse)?)$/.test(text(one)));
    return demand(algorithms, good, "sseAlgorithm", "AES256 or aws:kms");
  }),
  { reference: "AWS FSBP S3.17" },
);

export const bucketCors = rule(
  "bucket-cors",
  "CORS allows reading only; media names its origins",
  "any web page could use a visitor's access",
  (bucket, context) =>
    context.ofBucket(PART.cors, nameOf(bucket)).flatMap(({ inputs }) =>
      array(inputs.corsRules).flatMap((one) => {
        const methods = array(at(one, "allowedMethods")).map((method) =>
          isUnknown(method) ? method : text(method).toUpperCase(),
        );
        const origins = array(at(one, "allowedOrigins")).map(text);
        return [
          ...demand(
            methods,
            methods.length > 0 && methods.every((method) => method === "GET" || method === "HEAD"),
            "allowedMethods",
            '["GET", "HEAD"]',
          ),
          ...(classOf(bucket) === "static"
            ? []
            : demand(
                origins,
                origins.every((origin) => /^https:\/\/[^*]+$/.test(origin)),
                "allowedOrigins",
                "the application's own https:// address",
              )),
        ];
      }),
    ),
);

export const noBucketWebsite: Rule = {
  ...rule(
    "no-bucket-website",
    "No website hosting",
    "a website endpoint speaks plain HTTP only",
    ({ inputs, type }) =>
      type !== BUCKET || inputs.website !== undefined
        ? ["Website hosting is on. Remove it and put CloudFront in front."]
        : [],
  ),
  types: [BUCKET, "aws:s3/bucketWebsiteConfiguration:BucketWebsiteConfiguration"],
  neighbours: undefined,
};

const { actions: ALL_ACTIONS, objectActions: OBJECT_ACTIONS } = JSON.parse(
  readFileSync(join(__dirname, "..", "facts", "s3-actions.json"), "utf8"),
) as { actions: string[]; objectActions: string[] };
const LIST_ACTIONS = ["s3:ListBucket", "s3:ListBucketVersions", "s3:ListBucketMultipartUploads"];

/** Names that nobody writes: only patterns for objects of any name cover them all. */
const ANY_OBJECT = [1, 2, 3, 7, 99].map((length) => `/${"\u{f8ff}".repeat(length)}`);

/**
 * Whether a request with these condition keys is refused whoever asks and whatever else it carries. Only statements
 * that look at nothing else count: another condition, a NotPrincipal or a NotResource would be a way round.
 */
function alwaysDenied(
  statements: Statement[],
  bucket: string,
  actions: string[],
  context: Record<string, string>,
  paths = ANY_OBJECT,
): boolean {
  const keys = Object.keys(context).map((key) => key.toLowerCase());
  const denials = statements.filter(
    (one) =>
      one.Effect === "Deny" &&
      one.NotPrincipal === undefined &&
      one.NotResource === undefined &&
      principalMatches(one, {}) !== "none" &&
      Object.values(object(one.Condition)).every((block) =>
        Object.keys(object(block)).every((key) => keys.includes(key.toLowerCase())),
      ) &&
      conditionsHold(one.Condition, context) &&
      paths.every((path) => resourceMatches(one, `arn:aws:s3:::${bucket}${path}`, keysOf(context))),
  );
  return denials.length > 0 && actions.every((action) => denials.some((one) => actionMatches(one, action)));
}

/** Judges the policy of the buckets of a class, or of all. */
const policyOfClass =
  (
    wanted: string | undefined,
    judgePolicy: (statements: Statement[], bucket: Resource, context: Context) => string[],
  ): Rule["check"] =>
  (bucket, context) => {
    if (wanted !== undefined && classOf(bucket) !== wanted) return [];
    const { statements, problems } = policyOf(bucket, context);
    return problems.length > 0 ? problems : judgePolicy(statements, bucket, context);
  };

export const bucketTlsOnly = rule(
  "bucket-tls-only",
  "The bucket's policy refuses plain HTTP for every action and everyone",
  "data would travel readable for everyone on the way",
  policyOfClass(undefined, (statements, bucket) => {
    const plainHttp = { "aws:SecureTransport": "false" };
    return alwaysDenied(statements, nameOf(bucket), OBJECT_ACTIONS, plainHttp) &&
      alwaysDenied(statements, nameOf(bucket), LIST_ACTIONS, plainHttp, [""])
      ? []
      : [
          'The policy lets plain HTTP pass. Write a Deny of s3:* for "*" on the bucket and its objects where aws:SecureTransport is false.',
        ];
  }),
  { reference: "AWS FSBP S3.5" },
);

export const mediaSignatureAge = rule(
  "media-signature-age",
  "Media refuses signatures that are older than the greatest age",
  "a link that leaks would stay open for as long as its writer chose",
  policyOfClass("media", (statements, bucket, context) => {
    const limit = Number(context.parameters.maxAgeMs);
    // The last one is the longest that S3 itself allows.
    return [limit + 1, limit + 7_919, limit * 2, 3_600_001, 86_399_999, 604_800_000].every((age) =>
      alwaysDenied(statements, nameOf(bucket), OBJECT_ACTIONS, { "s3:signatureAge": String(age) }),
    )
      ? []
      : [
          `The policy accepts signatures older than ${String(limit)} ms. Write a Deny of s3:* for "*" on all objects where s3:signatureAge is NumericGreaterThan ${String(limit)}.`,
        ];
  }),
  {
    severity: "critical",
    parameters: {
      maxAgeMs: {
        type: "number",
        default: 900_000,
        description: "Greatest age of a signature, in milliseconds",
      },
    },
  },
);

export const mediaSignatureVersion = rule(
  "media-signature-version",
  "Media refuses signatures older than version 4",
  "the age of older signatures is not judged",
  policyOfClass("media", (statements, bucket) => {
    return alwaysDenied(statements, nameOf(bucket), OBJECT_ACTIONS, { "s3:signatureversion": "AWS" })
      ? []
      : [
          'The policy accepts old signatures. Write a Deny of s3:* for "*" where s3:signatureversion is StringNotEquals AWS4-HMAC-SHA256.',
        ];
  }),
  { severity: "critical" },
);

const ROLE = "aws:iam/role:Role";

/** A role that no program has. */
const anyRole = (context: Context) => ({
  "aws:PrincipalArn": `arn:aws:iam::${ownAccounts(context)[0] ?? ""}:role/qz-71`,
});

/** Principals whom a Deny leaves out by name. */
const exceptedBy = ({ Effect, Condition }: Statement): unknown[] =>
  Effect === "Deny"
    ? Object.entries(object(Condition))
        .filter(([operator]) => /not/i.test(operator))
        .flatMap(([, block]) => Object.entries(object(block)))
        .flatMap(([key, value]) => (key.toLowerCase() === "aws:principalarn" ? list(value) : []))
    : [];

export const mediaForApplication = rule(
  "media-for-application",
  "Media's objects are for Iaso's own roles only, whatever other roles' policies say",
  "every role with a broad policy, and everyone who takes it, could read patients' data",
  policyOfClass("media", (statements, bucket, context) => {
    const own = context.once(
      "ARNs of Iaso's roles",
      () =>
        new Set(
          context
            .ofType(ROLE)
            .filter(({ inputs }) => ["web", "worker"].includes(text(object(inputs.tags).role)))
            .map(({ inputs }) => `arn:aws:iam::${ownAccounts(context)[0] ?? ""}:role/${text(inputs.name)}`),
        ),
    );
    const others = statements
      .flatMap(exceptedBy)
      .map(text)
      .filter((arn) => !own.has(arn));
    return [
      ...(alwaysDenied(statements, nameOf(bucket), OBJECT_ACTIONS, anyRole(context))
        ? []
        : [
            'The policy lets any role of the account in. Write a Deny of s3:* for "*" on all objects where aws:PrincipalArn is ArnNotEquals the roles of web and worker.',
          ]),
      ...others.map(
        (arn) => `The policy excepts ${arn}. Except the roles of web and worker only, by their ARNs.`,
      ),
    ];
  }),
  { severity: "critical" },
);

export const staticWriteProtected = rule(
  "static-write-protected",
  "Static files are written and deleted by named roles only, whatever other roles' policies say",
  "who changes a script on the pages acts as everyone who opens them",
  policyOfClass("static", (statements, bucket, context) => {
    const writes = ["s3:PutObject", "s3:DeleteObject", "s3:DeleteObjectVersion"];
    return alwaysDenied(statements, nameOf(bucket), writes, anyRole(context))
      ? []
      : [
          `The policy lets any role of the account write. Write a Deny of ${writes.join(", ")} for "*" on all objects where aws:PrincipalArn is ArnNotEquals the deployment's role.`,
        ];
  }),
);

export const mediaKept = rule(
  "media-kept",
  "Media never expires, and what was overwritten or deleted is kept for some days",
  "a lifecycle rule deletes for good and asks nobody",
  (bucket, context) =>
    classOf(bucket) !== "media"
      ? []
      : context.ofBucket(PART.lifecycle, nameOf(bucket)).flatMap(({ inputs }) =>
          hasUnknown(inputs.rules)
            ? notEvaluated("the bucket's lifecycle")
            : array(inputs.rules).flatMap((one) => {
                const { status, expiration, noncurrentVersionExpiration } = object(one);
                const { days, date } = object(expiration);
                const kept = at(noncurrentVersionExpiration, "noncurrentDays");
                const least = Number(context.parameters.minDays);
                if (status !== "Enabled") return [];
                return [
                  // The engine shows what AWS adds, 0 days among it.
                  ...(Number(days ?? 0) === 0 && text(date) === ""
                    ? []
                    : ["Objects expire. Remove days and date from expiration."]),
                  ...(noncurrentVersionExpiration === undefined
                    ? []
                    : demand(kept, Number(kept) >= least, "noncurrentDays", `${String(least)} or more`)),
                ];
              }),
        ),
  {
    parameters: {
      minDays: {
        type: "number",
        default: 7,
        description: "Days for which old versions are kept at least",
      },
    },
  },
);

export const logsExpire = rule(
  "logs-expire",
  "Logs in a bucket expire after a set time",
  "logs would be kept forever, and with them what they say about people",
  (bucket, context) =>
    classOf(bucket) !== "logs"
      ? []
      : part(PART.lifecycle, "lifecycle", ({ rules }) =>
          hasUnknown(rules) ||
          array(rules).some(
            (one) => Number(at(one, "expiration", "days")) > 0 && at(one, "status") === "Enabled",
          )
            ? demand(rules, true, "the bucket's lifecycle", "")
            : ["No log expires. Write an enabled rule with expiration.days."],
        )(bucket, context),
  { severity: "medium", reference: "AWS FSBP S3.13" },
);

/** Condition keys that keep strangers out when they must have a value of this account. */
const GUARDS = ["aws:principalaccount", "aws:sourceaccount", "aws:sourcearn", "aws:principalarn"];

/** An account's number, or an ARN that leaves no doubt about its account. */
export function isOf(accounts: string[], value: unknown): boolean {
  const [, partition, service, , account] = text(value).split(":");
  return (
    accounts.includes(text(value)) ||
    (accounts.includes(account ?? "") && !/[*?$]/.test(`${partition ?? ""}${service ?? ""}`))
  );
}

function isGuarded({ Condition }: Statement, accounts: string[]): boolean {
  return Object.entries(object(Condition)).some(
    ([operator, block]) =>
      /^(string|arn)(equals|like)$/i.test(operator) &&
      Object.entries(object(block)).some(
        ([key, value]) =>
          GUARDS.includes(key.toLowerCase()) &&
          list(value).length > 0 &&
          list(value).every((one) => isOf(accounts, one)),
      ),
  );
}

/**
 * Whether an Allow reaches somebody outside the account, whatever its other conditions. An AWS service acts for
 * whoever asks it, so that it is a stranger too unless a condition names the account for which it acts.
 *
 * @see https://docs.aws.amazon.com/IAM/latest/UserGuide/confused-deputy.html
 */
export function reachesStrangers(statement: Statement, accounts: string[]): boolean {
  if (statement.Effect !== "Allow" || isGuarded(statement, accounts)) return false;
  if (statement.NotPrincipal !== undefined) return true;
  if (principalMatches(statement, {}) !== "none") return true;
  return Object.entries(object(statement.Principal)).some(([kind, value]) =>
    list(value).some((one) => kind !== "AWS" || !isOf(accounts, one)),
  );
}

/** Accounts that the stack may change, as its provider says. */
export const ownAccounts = (context: Context): string[] =>
  context.once("own accounts", () =>
    context
      .ofType("pulumi:providers:aws")
      .flatMap(
        ({ inputs }) =>
          text(inputs.allowedAccountIds).match(/\d{12}/g) ?? array(inputs.allowedAccountIds).map(text),
      ),
  );

export const bucketPrivate = rule(
  "bucket-private",
  "A bucket that is not static lets nobody outside the account in",
  "patients' data would be readable by strangers",
  (bucket, context) => {
    if (classOf(bucket) === "static") return [];
    const { statements, problems } = policyOf(bucket, context);
    const accounts = ownAccounts(context);
    return [
      ...problems,
      ...statements
        .filter((statement) => reachesStrangers(statement, accounts))
        .map(
          (statement) =>
            `Statement ${text(statement.Sid) || "without Sid"} lets principals outside the account in. Name roles of this account as Principal, or remove it.`,
        ),
    ];
  },
  { severity: "critical", reference: "AWS FSBP S3.6" },
);

export const staticReadable = rule(
  "static-readable",
  "Everyone reads the static bucket's objects and can do nothing else",
  "pages need their files, and a list or a write would give more than that",
  policyOfClass("static", (statements, bucket, context) => {
    const mayRead = judge(
      statements,
      {
        requester: {},
        action: "s3:GetObject",
        resource: `arn:aws:s3:::${nameOf(bucket)}/a.css`,
        account: "",
        context: { "aws:SecureTransport": "true" },
      },
      true,
    );
    const accounts = ownAccounts(context);
    const open = statements.filter((statement) => reachesStrangers(statement, accounts));
    const more = ALL_ACTIONS.filter(
      (action) => action !== "s3:GetObject" && open.some((statement) => actionMatches(statement, action)),
    );
    return [
      ...(mayRead.decision === "allow"
        ? []
        : ['Not everyone may read. Write an Allow of s3:GetObject for "*" on all objects.']),
      ...(more.length === 0
        ? []
        : [`Strangers may ${first(more)}. Write s3:GetObject as the only Action for "*".`]),
    ];
  }),
  { severity: "critical" },
);
