import { Mutant, MutableStack } from "../mutant";

const AGE = "DenySignaturesOlderThan15Minutes";
const VERSION = "DenyAllButSignatureVersion4";
const TLS = "DenyPlainHttp";
const PUBLIC = "EveryoneReadsObjects";
const CLOUDFRONT = "CloudFrontReadsObjects";
const STRANGER = "arn:aws:iam::999999999999:role/x";

const objects = (stack: MutableStack, bucket: string) => `arn:aws:s3:::${stack.bucket(bucket)}/*`;
const without = (bucket: string, sid: string) => (stack: MutableStack) =>
  stack.statements("bucketPolicy", bucket, (all) => all.filter(({ Sid }) => Sid !== sid));
const media = (sid: string, change: object | ((stack: MutableStack) => object)) => (stack: MutableStack) =>
  stack.statement("bucketPolicy", "media", sid, (one) => ({
    ...one,
    ...(typeof change === "function" ? (change as (stack: MutableStack) => object)(stack) : change),
  }));
const allow =
  (bucket: string, statement: object, what = "s3:GetObject") =>
  (stack: MutableStack) => {
    return stack.allow("bucketPolicy", bucket, {
      Action: what,
      Resource: objects(stack, bucket),
      ...statement,
    });
  };
const everyone = (change: object) => (stack: MutableStack) => {
  return stack.statement("bucketPolicy", "static", PUBLIC, (one) => ({ ...one, ...change }));
};
const SERVICE = { Service: "cloudfront.amazonaws.com" };
const from = (account: string) => ({
  ArnLike: { "aws:SourceArn": `arn:aws:cloudfront::${account}:distribution/*` },
});
const cloudFront = (change: object) => (stack: MutableStack) =>
  stack.statement("bucketPolicy", "static", CLOUDFRONT, (one) => ({ ...one, ...change }));
const origin = (change: object) => (stack: MutableStack) => {
  const [first] = stack.get("distribution", "static").inputs.origins as object[];
  stack.set("distribution", "static", "origins", [{ ...first, ...change }]);
};
const blockOff = (bucket: string, property: string, value: unknown) => (stack: MutableStack) => {
  stack.set("block", bucket, property, value);
};

const OTHERS = "DenyAllButTheApplication";
const EVERYTHING =
  '{"Version":"2012-10-17","Statement":{"Effect":"Allow","Principal":"*","Action":"*","Resource":"*"}}';

const tagsOf = (stack: MutableStack, bucket: string) =>
  stack.get("bucket", bucket).inputs.tags as Record<string, string>;
/** Makes a bucket what the static one is. */
const publish = (bucket: string) => (stack: MutableStack) => {
  tagsOf(stack, bucket).class = "static";
  for (const property of ["blockPublicPolicy", "restrictPublicBuckets"])
    blockOff(bucket, property, false)(stack);
  allow(bucket, { Sid: PUBLIC, Principal: "*" })(stack);
};
const lifecycle = (bucket: string, rule: object) => (stack: MutableStack) => {
  stack.set("lifecycle", bucket, "rules", [{ id: "x", status: "Enabled", filter: {}, ...rule }]);
};
/** Excepts one more role from the deny. */
const admit = (role: string) => (stack: MutableStack) =>
  stack.statement("bucketPolicy", "media", OTHERS, (one) => {
    const named = one.Condition?.ArnNotEquals?.["aws:PrincipalArn"] as string[];
    const more = `arn:aws:iam::123456789012:role/${stack.get("role", role).inputs.name as string}`;
    return { ...one, Condition: { ArnNotEquals: { "aws:PrincipalArn": [...named, more] } } };
  });

export const storage: Mutant[] = [
  // Public access blocks
  ["bucket-public-access-block", blockOff("media", "blockPublicPolicy", undefined)],
  ["bucket-public-access-block", blockOff("media", "blockPublicAcls", false)],
  ["bucket-public-access-block", blockOff("media", "ignorePublicAcls", false)],
  ["bucket-public-access-block", blockOff("media", "restrictPublicBuckets", "true")],
  ["bucket-public-access-block", blockOff("logs", "restrictPublicBuckets", false)],
  ["bucket-public-access-block", blockOff("static", "blockPublicAcls", false)],
  ["bucket-public-access-block", (stack) => stack.remove("block", "media")],
  ["bucket-public-access-block", blockOff("artifacts", "bucket", "another-bucket")],
  // ACLs
  ["bucket-without-acls", (stack) => stack.remove("ownership", "media")],
  ["bucket-without-acls", (s) => s.set("ownership", "media", "rule", { objectOwnership: "ObjectWriter" })],
  ["no-bucket-acl", (stack) => stack.set("bucket", "media", "acl", "private")],
  ["no-bucket-acl", (stack) => stack.set("bucket", "static", "grants", [{ type: "Group" }])],
  ["no-bucket-acl", (s) => s.add("aws:s3/bucketAcl:BucketAcl", "media", { bucket: s.bucket("media") })],
  ["no-bucket-acl", (stack) => stack.set("object", "enketo-bundle", "acl", "public-read")],
  // Parts of a bucket
  ["bucket-parts-apart", (stack) => stack.set("bucket", "media", "policy", EVERYTHING)],
  ["bucket-parts-apart", (stack) => stack.set("bucket", "media", "versioning", { enabled: false })],
  [
    "bucket-parts-apart",
    (s) => s.set("bucket", "media", "corsRules", [{ allowedMethods: ["PUT"], allowedOrigins: ["*"] }]),
  ],
  [
    "bucket-parts-apart",
    (s) => s.set("bucket", "media", "replicationConfiguration", { role: "x", rules: [] }),
  ],
  [
    "bucket-parts-named",
    (s) => s.add("aws:s3/bucketPolicy:BucketPolicy", "x", { bucket: "[unknown]", policy: EVERYTHING }),
  ],
  [
    "bucket-parts-named",
    (s) => s.add("aws:s3/bucketPolicy:BucketPolicy", "x", { bucket: "older-media", policy: EVERYTHING }),
  ],
  ["bucket-parts-named", (stack) => stack.set("block", "media", "bucket", "another-bucket")],
  // Classes
  [
    "bucket-class-fits",
    (s) => {
      publish("media")(s);
      s.statements("bucketPolicy", "media", (all) => all.filter(({ Sid }) => Sid === PUBLIC || Sid === TLS));
    },
  ],
  ["bucket-class-fits", publish("artifacts")],
  ["bucket-class-fits", publish("logs")],
  ["bucket-class-fits", (stack) => (tagsOf(stack, "media").class = "logs")],
  ["bucket-class-fits", (stack) => stack.variable("AWS_STORAGE_BUCKET_NAME", stack.bucket("static"))],
  ["bucket-class-fits", (stack) => stack.variable("AWS_STORAGE_BUCKET_NAME", "somebody-elses-bucket")],
  ["bucket-class-fits", (s) => s.option("web", "elbv2:loadbalancer/AccessLogsS3Bucket", s.bucket("media"))],
  // How long things are kept
  ["media-kept", lifecycle("media", { expiration: { days: 1 } })],
  ["media-kept", lifecycle("media", { expiration: { date: "2027-01-01" } })],
  ["media-kept", lifecycle("media", { noncurrentVersionExpiration: { noncurrentDays: 1 } })],
  ["media-kept", (stack) => stack.set("lifecycle", "media", "rules", "[unknown]")],
  ["logs-expire", (stack) => stack.remove("lifecycle", "logs")],
  ["logs-expire", lifecycle("logs", { expiration: { days: 90 }, status: "Disabled" })],
  // Age of signatures
  ["media-signature-age", without("media", AGE)],
  [
    "media-signature-age",
    media(AGE, { Condition: { NumericGreaterThan: { "s3:signatureAge": "3600000" } } }),
  ],
  ["media-signature-age", media(AGE, { Condition: { NumericGreaterThan: { "s3:signatureAge": "900001" } } })],
  ["media-signature-age", media(AGE, { Condition: { NumericLessThan: { "s3:signatureAge": "900000" } } })],
  ["media-signature-age", media(AGE, { Condition: { NumericEquals: { "s3:signatureAge": "900001" } } })],
  ["media-signature-age", media(AGE, { Condition: { StringEquals: { "s3:signatureAge": "900001" } } })],
  ["media-signature-age", media(AGE, { Condition: { NumericGreaterThan: { "s3:signatureAge": "900 s" } } })],
  ["media-signature-age", media(AGE, { Action: "s3:GetObject" })],
  ["media-signature-age", media(AGE, { Action: undefined, NotAction: "s3:GetObjectVersion" })],
  ["media-signature-age", media(AGE, { Principal: { AWS: STRANGER } })],
  ["media-signature-age", media(AGE, { Principal: undefined, NotPrincipal: { AWS: STRANGER } })],
  ["media-signature-age", media(AGE, { Effect: "Allow" })],
  ["media-signature-age", media(AGE, (s) => ({ Resource: `arn:aws:s3:::${s.bucket("media")}/private/*` }))],
  ["media-signature-age", media(AGE, (s) => ({ Resource: `arn:aws:s3:::${s.bucket("media")}` }))],
  ["media-signature-age", media(AGE, { Resource: undefined, NotResource: "arn:aws:s3:::*/a*" })],
  [
    "media-signature-age",
    (stack) =>
      stack.statement("bucketPolicy", "media", AGE, (one) => ({
        ...one,
        Condition: { ...one.Condition, StringEquals: { "s3:authType": "REST-QUERY-STRING" } },
      })),
  ],
  [
    "media-signature-age",
    (stack) =>
      stack.statement("bucketPolicy", "media", AGE, (one) => ({
        ...one,
        Condition: { ...one.Condition, NotIpAddress: { "aws:SourceIp": "10.0.0.0/8" } },
      })),
  ],
  [
    "media-signature-age",
    (stack) =>
      stack.statement("bucketPolicy", "media", AGE, (one) => ({
        ...one,
        Condition: { ...one.Condition, Null: { "aws:PrincipalTag/trusted": "true" } },
      })),
  ],
  [
    "media-signature-age",
    media(AGE, (s) => ({
      Resource: ["a*", "q*", "A*"].map((name) => objects(s, "media").replace("*", name)),
    })),
  ],
  ["media-signature-age", media(AGE, (s) => ({ Resource: objects(s, "media").replace("*", "*.jpg") }))],
  [
    "media-signature-age",
    media(AGE, (s) => ({
      Resource: ["?", "????????*"].map((name) => objects(s, "media").replace("*", name)),
    })),
  ],
  [
    "media-signature-age",
    media(AGE, (s) => ({
      Resource: ["???", "????*"].map((name) => objects(s, "media").replace("*", name)),
    })),
  ],
  [
    "media-signature-age",
    media(AGE, (s) => ({ Resource: undefined, NotResource: objects(s, "media").replace("*", "private/*") })),
  ],
  ["media-signature-age", media(AGE, { Action: ["s3:GetObject", "s3:GetObjectVersion", "s3:PutObject"] })],
  [
    "media-signature-age",
    media(AGE, {
      Condition: {
        NumericGreaterThan: { "s3:signatureAge": "900000" },
        NumericLessThan: { "S3:SIGNATUREAGE": "86400000" },
      },
    }),
  ],
  [
    "media-signature-age",
    media(AGE, { Principal: { AWS: ["arn:aws:iam::123456789012:role/insider", STRANGER] } }),
  ],
  // Media is for the application
  ["media-for-application", without("media", OTHERS)],
  [
    "media-for-application",
    media(OTHERS, {
      Condition: { ArnNotLike: { "aws:PrincipalArn": "arn:aws:iam::123456789012:role/*" } },
    }),
  ],
  ["media-for-application", admit("enketo")],
  ["media-for-application", admit("ci-preview")],
  ["media-for-application", media(OTHERS, { Action: ["s3:PutObject", "s3:DeleteObject"] })],
  [
    "media-for-application",
    media(OTHERS, {
      Condition: { ArnNotEqualsIfExists: { "aws:PrincipalArn": ["arn:aws:iam::123456789012:role/*"] } },
    }),
  ],
  // Version of signatures
  ["media-signature-version", without("media", VERSION)],
  [
    "media-signature-version",
    media(VERSION, { Condition: { StringEquals: { "s3:signatureversion": "AWS4-HMAC-SHA256" } } }),
  ],
  [
    "media-signature-version",
    media(VERSION, { Condition: { StringNotLike: { "s3:signatureversion": "AWS*" } } }),
  ],
  [
    "media-signature-version",
    media(VERSION, { Condition: { "ForAnyValue:StringNotEquals": { "aws:TagKeys": "AWS4-HMAC-SHA256" } } }),
  ],
  ["media-signature-version", media(VERSION, { Action: "s3:PutObject" })],
  // Who gets in
  ["bucket-private", allow("media", { Principal: "*" })],
  ["bucket-private", allow("media", { Principal: { AWS: "*" } })],
  ["bucket-private", allow("media", { Principal: { AWS: [STRANGER] } }, "s3:ListBucket")],
  ["bucket-private", allow("media", { Principal: { AWS: "999999999999" } })],
  ["bucket-private", allow("media", { Principal: { AWS: "arn:aws:iam::999999999999:root" } })],
  ["bucket-private", allow("media", { NotPrincipal: { AWS: STRANGER } })],
  ["bucket-private", allow("media", { Principal: { Service: "cloudfront.amazonaws.com" } })],
  ["bucket-private", allow("media", { Principal: { CanonicalUser: "79a59df900b949e5" } })],
  ["bucket-private", allow("media", { Principal: { Federated: "cognito-identity.amazonaws.com" } })],
  ["bucket-private", allow("logs", { Principal: "*" }, "s3:Get*")],
  ["bucket-private", allow("artifacts", { Principal: { AWS: ["*"] } })],
  [
    "bucket-private",
    allow("media", { Principal: "*", Condition: { IpAddress: { "aws:SourceIp": "192.0.2.0/24" } } }),
  ],
  [
    "bucket-private",
    allow("media", {
      Principal: "*",
      Condition: { StringLike: { "aws:Referer": "https://iaso.example.org/*" } },
    }),
  ],
  [
    "bucket-private",
    allow("media", {
      Principal: "*",
      Condition: { StringEqualsIfExists: { "aws:PrincipalAccount": "123456789012" } },
    }),
  ],
  [
    "bucket-private",
    allow("media", {
      Principal: "*",
      Condition: { StringNotEquals: { "aws:PrincipalAccount": "123456789012" } },
    }),
  ],
  [
    "bucket-private",
    allow("media", {
      Principal: "*",
      Condition: { StringEquals: { "aws:PrincipalAccount": ["123456789012", "999999999999"] } },
    }),
  ],
  [
    "bucket-private",
    allow("media", { Principal: "*", Condition: { Null: { "aws:PrincipalArn": "false" } } }),
  ],
  [
    "bucket-private",
    (s) =>
      s.statement("bucketPolicy", "logs", "LoadBalancersWriteAccessLogs", (one) => ({
        ...one,
        Condition: undefined,
      })),
  ],
  [
    "bucket-private",
    (s) =>
      s.add("aws:s3/bucketPolicy:BucketPolicy", "second", {
        bucket: s.bucket("media"),
        policy: '{"Version":"2012-10-17","Statement":[]}',
      }),
  ],
  ["bucket-private", (stack) => stack.set("bucketPolicy", "media", "policy", "[unknown]")],
  ["bucket-private", (stack) => stack.set("bucketPolicy", "media", "policy", "no JSON")],
  ["bucket-private", (s) => s.set("bucketPolicy", "media", "policy", JSON.parse(EVERYTHING) as object)],
  [
    "bucket-private",
    allow("media", {
      Principal: "*",
      Condition: { "ForAnyValue:StringEquals": { "aws:PrincipalAccount": "123456789012" } },
    }),
  ],
  [
    "bucket-private",
    allow("media", {
      Principal: "*",
      Condition: { StringLike: { "aws:PrincipalArn": "arn:aws:iam::*:role/iaso-*" } },
    }),
  ],
  [
    "bucket-private",
    allow("media", {
      Principal: "*",
      Condition: { StringEquals: { "aws:PrincipalOrgID": "o-example" } },
    }),
  ],
  // TLS
  ["bucket-tls-only", without("media", TLS)],
  ["bucket-tls-only", without("static", TLS)],
  ["bucket-tls-only", without("artifacts", TLS)],
  ["bucket-tls-only", media(TLS, { Condition: { Bool: { "aws:SecureTransport": "true" } } })],
  ["bucket-tls-only", media(TLS, (s) => ({ Resource: objects(s, "media") }))],
  ["bucket-tls-only", media(TLS, { Action: ["s3:GetObject", "s3:PutObject"] })],
  [
    "bucket-tls-only",
    media(TLS, { Condition: { Bool: { "aws:SecureTransport": "false", "aws:ViaAWSService": "false" } } }),
  ],
  ["bucket-tls-only", media(TLS, { Condition: { Null: { "aws:SecureTransport": "true" } } })],
  ["media-from-vpc", without("media", "DenyWritesAndListsFromElsewhere")],
  ...(
    [
      { Action: ["s3:PutObject"] },
      { Resource: "arn:aws:s3:::*/uploads/*" },
      { Condition: { StringNotEquals: { "aws:SourceVpc": "vpc-other" } } },
      { Condition: { StringEquals: { "aws:SourceVpc": "vpc-1" } } },
    ] as const
  ).map((change): Mutant => [
    "media-from-vpc",
    (s) =>
      s.statement("bucketPolicy", "media", "DenyWritesAndListsFromElsewhere", (one) => ({
        ...one,
        ...change,
      })),
  ]),
  // The static bucket
  ["static-write-protected", without("static", "OnlyDeployersWrite")],
  [
    "static-write-protected",
    (s) =>
      s.statement("bucketPolicy", "static", "OnlyDeployersWrite", (one) => ({
        ...one,
        Action: ["s3:DeleteObject", "s3:DeleteObjectVersion"],
      })),
  ],
  [
    "static-write-protected",
    (s) =>
      s.statement("bucketPolicy", "static", "OnlyDeployersWrite", (one) => ({
        ...one,
        Condition: { ArnNotLike: { "aws:PrincipalArn": "arn:aws:iam::123456789012:role/*" } },
      })),
  ],
  // The artifacts bucket
  ["artifacts-write-protected", without("artifacts", "OnlyDeployersWriteVersions")],
  ["artifacts-write-protected", without("artifacts", "DeploymentsWriteNothingOfUpdates")],
  ["artifacts-write-protected", without("artifacts", "OnlyPeopleRestore")],
  ...(["builds", "bundles", "journal", "locks", "wheel-lists", "wheels"] as const).map((folder): Mutant => [
    "artifacts-write-protected",
    (s) =>
      s.statements("bucketPolicy", "artifacts", (all) =>
        all.map((one) => ({
          ...one,
          Resource: [one.Resource].flat().filter((arn) => !String(arn).includes(`/${folder}/`)),
        })),
      ),
  ]),
  ["artifacts-write-protected", without("artifacts", "OnlyDeployersAndRehearsalsLock")],
  [
    "artifacts-write-protected",
    (s) =>
      s.statement("bucketPolicy", "artifacts", "DeploymentsWriteNothingOfUpdates", (one) => ({
        ...one,
        Condition: {
          ArnEquals: { "aws:PrincipalArn": ["arn:aws:iam::123456789012:role/iaso-staging-ci-deploy"] },
        },
      })),
  ],
  // What guards the objects
  ["bucket-versioning", (stack) => stack.remove("versioning", "media")],
  [
    "bucket-versioning",
    (s) => s.set("versioning", "media", "versioningConfiguration", { status: "Suspended" }),
  ],
  ["bucket-encryption", (stack) => stack.remove("encryption", "media")],
  ["bucket-encryption", (stack) => stack.set("encryption", "media", "rules", [])],
  ...[undefined, [], ["NONE"]].map((blockedEncryptionTypes): Mutant => [
    "bucket-own-keys",
    (stack) =>
      stack.set("encryption", "media", "rules", [
        { applyServerSideEncryptionByDefault: { sseAlgorithm: "AES256" }, blockedEncryptionTypes },
      ]),
  ]),
  ["bucket-class", (stack) => stack.set("bucket", "media", "tags", { env: "staging" })],
  ["bucket-class", (stack) => stack.set("bucket", "media", "tags", { class: "public" })],
  ["bucket-class", (stack) => stack.add("aws:s3/bucket:Bucket", "extra", { bucket: "extra" })],
  ["bucket-cors", (stack) => stack.set("cors", "media", "corsRules", "[unknown]")],
  [
    "bucket-cors",
    (s) => s.set("cors", "media", "corsRules", [{ allowedMethods: ["GET"], allowedOrigins: ["*"] }]),
  ],
  [
    "bucket-cors",
    (s) =>
      s.set("cors", "media", "corsRules", [
        { allowedMethods: ["GET", "PUT"], allowedOrigins: ["https://iaso.example.org"] },
      ]),
  ],
  [
    "bucket-cors",
    (s) =>
      s.set("cors", "media", "corsRules", [{ allowedMethods: ["GET"], allowedOrigins: ["https://*.org"] }]),
  ],
  [
    "bucket-cors",
    (s) => s.set("cors", "static", "corsRules", [{ allowedMethods: ["delete"], allowedOrigins: ["*"] }]),
  ],
  ["no-bucket-website", (s) => s.set("bucket", "media", "website", { indexDocument: "index.html" })],
  [
    "no-bucket-website",
    (s) => s.add("aws:s3/bucketWebsiteConfiguration:BucketWebsiteConfiguration", "media", { bucket: "x" }),
  ],
];

/** Edits of a static bucket that everyone reads from S3. */
export const publicStatic: Mutant[] = [
  ["static-readable", without("static", PUBLIC)],
  ["static-readable", everyone({ Action: "s3:*" })],
  ["static-readable", everyone({ Action: ["s3:GetObject", "s3:ListBucket"] })],
  ["static-readable", everyone({ Action: "s3:Get*" })],
  ["static-readable", everyone({ Action: ["s3:GetObject", "S3:PUTOBJECT"] })],
  ["static-readable", everyone({ Action: "s3:?*tObject" })],
  ["static-readable", everyone({ Action: undefined, NotAction: "s3:DeleteBucket" })],
  ["static-readable", everyone({ Principal: { AWS: "arn:aws:iam::999999999999:root" } })],
  ["static-readable", everyone({ Condition: { IpAddress: { "aws:SourceIp": "10.0.0.0/8" } } })],
  ["static-readable", allow("static", { Principal: { AWS: "*" } }, "s3:ReplicateObject")],
  [
    "static-readable",
    allow(
      "static",
      { Principal: "*", Condition: { Bool: { "aws:SecureTransport": "true" } } },
      "s3:PutObject",
    ),
  ],
  ["static-readable", everyone({ Action: ["s3:GetObject", "s3:GetObjectVersion"] })],
];

/** Edits of a private static bucket that CloudFront serves. */
export const privateStatic: Mutant[] = [
  ["static-readable", without("static", CLOUDFRONT)],
  ["static-readable", cloudFront({ Principal: { Service: "s3.amazonaws.com" } })],
  ["static-readable", cloudFront({ Principal: { AWS: STRANGER } })],
  ["static-readable", cloudFront({ Action: "s3:*" })],
  ["static-readable", cloudFront({ Action: ["s3:GetObject", "s3:PutObject"] })],
  ["static-readable", cloudFront({ Action: "s3:ListBucket" })],
  ["static-readable", cloudFront({ Condition: from("999999999999") })],
  ["static-readable", allow("static", { Principal: SERVICE, Condition: from("123456789012") }, "s3:Delete*")],
  ["static-readable", allow("static", { Effect: "Deny", Principal: "*" })],
  ["static-readable", (stack) => stack.remove("bucketPolicy", "static")],
  ["bucket-private", cloudFront({ Condition: undefined })],
  [
    "bucket-private",
    cloudFront({ Condition: { ArnLike: { "aws:SourceArn": "arn:aws:cloudfront::*:distribution/*" } } }),
  ],
  ["bucket-private", cloudFront({ Condition: { Null: { "aws:SourceArn": "false" } } })],
  ["bucket-private", allow("static", { Principal: "*" })],
  ["bucket-private", allow("static", { Principal: { AWS: STRANGER } })],
  ["bucket-public-access-block", blockOff("static", "blockPublicPolicy", false)],
  ["bucket-public-access-block", blockOff("static", "restrictPublicBuckets", false)],
  ["cloudfront-origin-access", origin({ originAccessControlId: undefined })],
  ["cloudfront-origin-access", origin({ originAccessControlId: "" })],
  ["cloudfront-origin-access", (stack) => (stack.get("distribution", "static").propertyDependencies = {})],
  ["cloudfront-origin-access", (s) => s.set("accessControl", "static", "signingBehavior", "never")],
  ["cloudfront-origin-access", (s) => s.set("accessControl", "static", "signingBehavior", "no-override")],
  [
    "cloudfront-origin-access",
    (s) => s.set("accessControl", "static", "originAccessControlOriginType", "lambda"),
  ],
  ["cloudfront-origin-access", (s) => s.remove("accessControl", "static")],
];
