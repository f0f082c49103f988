import { list, judge, principalMatches, Requester, Statement, statementsOf } from "../iam/evaluate";
import { array, Context, demand, isUnknown, object, Resource, Rule, text } from "../rule";

const BUCKET = "aws:s3/bucket:Bucket";
const PART = {
  policy: "aws:s3/bucketPolicy:BucketPolicy",
  block: "aws:s3/bucketPublicAccessBlock:BucketPublicAccessBlock",
  ownership: "aws:s3/bucketOwnershipControls:BucketOwnershipControls",
  versioning: "aws:s3/bucketVersioning:BucketVersioning",
  encryption: "aws:s3/bucketServerSideEncryptionConfiguration:BucketServerSideEncryptionConfiguration",
  cors: "aws:s3/bucketCorsConfiguration:BucketCorsConfiguration",
};
const CLASSES = ["static", "media", "logs", "artifacts"];

const classOf = (bucket: Resource) => text(object(bucket.inputs.tags).class);
const nameOf = (bucket: Resource) => text(bucket.inputs.bucket);

/** Statements of a bucket's policies, or what keeps them from being judged. */
function policyOf(bucket: Resource, context: Context): { statements: Statement[]; problems: string[] } {
  const statements: Statement[] = [];
  const problems: string[] = [];
  for (const { inputs } of context.ofBucket(PART.policy, nameOf(bucket))) {
    if (isUnknown(inputs.policy) || isUnknown(JSON.stringify(inputs.policy ?? "")))
      problems.push(...demand("[unknown]", false, "the bucket's policy", ""));
    else
      try {
        statements.push(...statementsOf(inputs.policy));
      } catch (error) {
        problems.push(`The bucket's policy ${(error as Error).message}. Write a policy document as JSON.`);
      }
  }
  return { statements, problems };
}

const rule = (
  name: string,
  description: string,
  why: string,
  check: (bucket: Resource, context: Context) => string[],
  more: Partial<Rule> = {},
): Rule => ({
  name,
  area: "storage",
  description,
  why,
  severity: "high",
  level: "mandatory",
  types: [BUCKET],
  neighbours: true,
  check,
  ...more,
});

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
  "ACLs are off (BucketOwnerEnforced) and none is set",
  "an ACL grants access beside the bucket's policy",
  (bucket, context) => [
    ...part(PART.ownership, "ownership controls", ({ rule: owner }) =>
      demand(
        object(owner).objectOwnership,
        object(owner).objectOwnership === "BucketOwnerEnforced",
        "objectOwnership",
        "BucketOwnerEnforced",
      ),
    )(bucket, context),
    ...["acl", "grants"]
      .filter((name) => bucket.inputs[name] !== undefined)
      .map((name) => `The bucket sets ${name}. Remove it and write a bucket policy.`),
  ],
  { reference: "AWS FSBP S3.12" },
);

export const noBucketAcl: Rule = {
  ...rule("no-bucket-acl", "No ACL resource", "an ACL grants access beside the bucket's policy", () => [
    "An ACL is declared. Remove it and write a bucket policy.",
  ]),
  types: ["aws:s3/bucketAcl:BucketAcl", "aws:s3/bucketAclV2:BucketAclV2"],
  neighbours: undefined,
  reference: "AWS FSBP S3.12",
};

export const bucketVersioning = rule(
  "bucket-versioning",
  "Versioning is on",
  "an overwritten or deleted object could not be brought back",
  part(PART.versioning, "versioning", ({ versioningConfiguration: v }) =>
    demand(object(v).status, object(v).status === "Enabled", "versioning status", "Enabled"),
  ),
  { reference: "AWS FSBP S3.14" },
);

export const bucketEncryption = rule(
  "bucket-encryption",
  "Objects are encrypted by default",
  "data at rest must be unreadable without the key",
  part(PART.encryption, "encryption configuration", ({ rules }) => {
    const algorithms = array(rules).map((one) =>
      text(object(object(one).applyServerSideEncryptionByDefault).sseAlgorithm),
    );
    const good = algorithms.length > 0 && algorithms.every((one) => /^(AES256|aws:kms(:dsse)?)$/.test(one));
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
        const methods = array(object(one).allowedMethods).map((method) => text(method).toUpperCase());
        const origins = array(object(one).allowedOrigins).map(text);
        return [
          ...demand(
            methods,
            methods.every((method) => method === "GET" || method === "HEAD"),
            "allowedMethods",
            '["GET", "HEAD"]',
          ),
          ...(classOf(bucket) === "static"
            ? []
            : demand(
                origins,
                origins.every((origin) => isUnknown(origin) || /^https:\/\/[^*]+$/.test(origin)),
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

const STRANGER = "arn:aws:iam::999999999999:role/stranger";
const FORTUNATE = "arn:aws:iam::123456789012:role/insider";
const REQUESTERS: Requester[] = [{}, { arn: STRANGER }, { arn: FORTUNATE }];

/** Whether a request is refused whoever asks and whatever else it carries. */
function alwaysDenied(
  statements: Statement[],
  bucket: string,
  actions: string[],
  fixed: Record<string, string>,
): boolean {
  // Denies that only look at who asks would hide a missing one from the probes: the most trusted asker counts.
  const trusted = statements.flatMap(({ Condition }) =>
    Object.values(object(Condition)).flatMap((block) =>
      Object.entries(object(block))
        .filter(([key]) => key.toLowerCase() === "aws:principalarn")
        .flatMap(([, value]) => list(value).map((one) => text(one).replace(/[*?]/g, "x"))),
    ),
  );
  const askers = [...REQUESTERS, ...trusted.map((arn) => ({ arn }))].slice(0, 12);
  const types = ["REST-QUERY-STRING", "REST-HEADER", "POST"];
  const base: Record<string, string>[] = types.flatMap((type) => [
    {
      "s3:authType": type,
      "aws:SecureTransport": "true",
      "s3:signatureversion": "AWS4-HMAC-SHA256",
      "s3:signatureAge": "1",
    },
    {
      "s3:authType": type,
      "aws:SecureTransport": "false",
      "s3:signatureversion": "AWS4-HMAC-SHA256",
      "s3:signatureAge": "1",
    },
  ]);
  return actions.every((action) =>
    askers.every((requester) =>
      base.every((context) =>
        ["", "/", "/any", "/private/a.jpg"].every((path) => {
          if (path === "" && action !== "s3:ListBucket") return true;
          if (path !== "" && action === "s3:ListBucket") return true;
          const request = {
            requester,
            action,
            resource: `arn:aws:s3:::${bucket}${path}`,
            account: "123456789012",
            context: {
              ...context,
              ...fixed,
              ...(requester.arn === undefined ? {} : { "aws:PrincipalArn": requester.arn }),
            },
          };
          return judge(statements, request, true).decision === "deny";
        }),
      ),
    ),
  );
}

export const bucketTlsOnly = rule(
  "bucket-tls-only",
  "The bucket's policy refuses plain HTTP for every action and everyone",
  "data would travel readable for everyone on the way",
  (bucket, context) => {
    const { statements, problems } = policyOf(bucket, context);
    if (problems.length > 0) return problems;
    const actions = ["s3:GetObject", "s3:PutObject", "s3:DeleteObject", "s3:ListBucket"];
    return alwaysDenied(statements, nameOf(bucket), actions, { "aws:SecureTransport": "false" })
      ? []
      : [
          'The policy lets plain HTTP pass. Write a Deny of s3:* for "*" on the bucket and its objects where aws:SecureTransport is false.',
        ];
  },
  { reference: "AWS FSBP S3.5" },
);

export const mediaSignatureAge = rule(
  "media-signature-age",
  "Media refuses signatures that are older than the greatest age",
  "a link that leaks would stay open for as long as its writer chose",
  (bucket, context) => {
    if (classOf(bucket) !== "media") return [];
    const { statements, problems } = policyOf(bucket, context);
    if (problems.length > 0) return problems;
    const limit = Number(context.parameters.maxAgeMs);
    return [limit + 1, limit * 2, 3_600_000, 604_800_000].every((age) =>
      alwaysDenied(statements, nameOf(bucket), ["s3:GetObject"], { "s3:signatureAge": String(age) }),
    )
      ? []
      : [
          `The policy accepts signatures older than ${String(limit)} ms. Write a Deny of s3:* for "*" on all objects where s3:signatureAge is NumericGreaterThan ${String(limit)}.`,
        ];
  },
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
  (bucket, context) => {
    if (classOf(bucket) !== "media") return [];
    const { statements, problems } = policyOf(bucket, context);
    if (problems.length > 0) return problems;
    return alwaysDenied(statements, nameOf(bucket), ["s3:GetObject", "s3:PutObject"], {
      "s3:signatureversion": "AWS",
    })
      ? []
      : [
          'The policy accepts old signatures. Write a Deny of s3:* for "*" where s3:signatureversion is StringNotEquals AWS4-HMAC-SHA256.',
        ];
  },
  { severity: "critical" },
);

/** Values that keep strangers out when a positive operator demands them. */
const GUARDS = /^(aws:(principalaccount|sourceaccount|sourcearn|principalarn|sourceowner))$/;

function guarded({ Condition }: Statement, accounts: string[]): boolean {
  const ours = (value: unknown) => accounts.some((account) => text(value).includes(account));
  return Object.entries(object(Condition)).some(
    ([operator, block]) =>
      /^(string|arn)(equals|like)$/i.test(operator) &&
      Object.entries(object(block)).some(
        ([key, value]) => GUARDS.test(key.toLowerCase()) && list(value).every(ours),
      ),
  );
}

/** Whether an Allow reaches somebody outside the account, whatever its other conditions. */
export function reachesStrangers(statement: Statement, accounts: string[]): boolean {
  if (statement.Effect !== "Allow" || guarded(statement, accounts)) return false;
  if (statement.NotPrincipal !== undefined) return true;
  if (principalMatches(statement, {}) !== "none") return true;
  return Object.entries(object(statement.Principal)).some(([kind, value]) =>
    list(value).some((one) => {
      if (kind === "CanonicalUser" || kind === "Federated") return true;
      if (kind !== "AWS") return false;
      const account = /\d{12}/.exec(text(one))?.[0];
      return account === undefined || !accounts.includes(account);
    }),
  );
}

const ownAccounts = (context: Context) =>
  context
    .ofType("pulumi:providers:aws")
    .flatMap(
      ({ inputs }) =>
        text(inputs.allowedAccountIds).match(/\d{12}/g) ?? array(inputs.allowedAccountIds).map(text),
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

const HARMLESS = ["s3:GetObject"];
const FORBIDDEN = [
  "s3:PutObject", "s3:DeleteObject", "s3:DeleteObjectVersion", "s3:ListBucket", "s3:ListBucketVersions",
  "s3:GetObjectVersion", "s3:PutObjectAcl", "s3:PutBucketPolicy", "s3:DeleteBucketPolicy", "s3:GetBucketPolicy",
  "s3:AbortMultipartUpload", "s3:PutBucketAcl", "s3:ListBucketMultipartUploads", "s3:PutLifecycleConfiguration",
  "s3:GetObjectAcl", "s3:GetObjectTagging", "s3:PutObjectTagging", "s3:DeleteBucket", "s3:RestoreObject",
]; // prettier-ignore

export const staticReadable = rule(
  "static-readable",
  "Everyone reads the static bucket's objects and can do nothing else",
  "pages need their files, and a list or a write would give more than that",
  (bucket, context) => {
    if (classOf(bucket) !== "static") return [];
    const { statements, problems } = policyOf(bucket, context);
    if (problems.length > 0) return problems;
    const accounts = ownAccounts(context);
    const open = statements.filter((statement) => reachesStrangers(statement, accounts));
    const name = nameOf(bucket);
    const allowed = (action: string, subject: Statement[]) =>
      ["", "/a.css", "/b/c.js"].some(
        (path) =>
          judge(
            subject.map((one) => (subject === open ? { ...one, Condition: undefined } : one)),
            {
              requester: {},
              action,
              resource: `arn:aws:s3:::${name}${path}`,
              account: "",
              context: { "aws:SecureTransport": "true" },
            },
            true,
          ).decision === "allow",
      );
    return [
      ...HARMLESS.filter((action) => !allowed(action, statements)).map(
        (action) => `Not everyone may ${action}. Write an Allow of ${action} for "*" on all objects.`,
      ),
      ...FORBIDDEN.filter((action) => allowed(action, open)).map(
        (action) => `Everyone may ${action}. Write s3:GetObject as the only Action for "*".`,
      ),
      ...open
        .filter(({ Principal }) => Principal !== "*" && text(object(Principal).AWS) !== "*")
        .map(
          () =>
            'A statement reaches principals outside the account. Write Principal "*" with s3:GetObject only.',
        ),
    ];
  },
  { severity: "critical" },
);
