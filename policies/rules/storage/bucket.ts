import { resourcesWith, Stack, tagOf } from "../../context";
import { ENVIRONMENT, settingsOf } from "../../optionSettings";
import { Resource, ResourceOf } from "../../resource";
import { defineRule } from "../../rule";
import { isBehindCloudFront } from "../cloudfront";
import { array, at, demand, text } from "../../values";

const BUCKET = "aws:s3/bucket:Bucket";

/** The resources that configure a bucket. */
export const PART = {
  policy: "aws:s3/bucketPolicy:BucketPolicy",
  publicAccessBlock: "aws:s3/bucketPublicAccessBlock:BucketPublicAccessBlock",
  ownership: "aws:s3/bucketOwnershipControls:BucketOwnershipControls",
  versioning: "aws:s3/bucketVersioning:BucketVersioning",
  encryption: "aws:s3/bucketServerSideEncryptionConfiguration:BucketServerSideEncryptionConfiguration",
  cors: "aws:s3/bucketCorsConfiguration:BucketCorsConfiguration",
  logging: "aws:s3/bucketLogging:BucketLogging",
  lifecycle: "aws:s3/bucketLifecycleConfiguration:BucketLifecycleConfiguration",
} as const;

const CLASSES = ["static", "media", "logs", "artifacts"];

export const classOf = (bucket: Pick<Resource, "inputs">): string => tagOf(bucket, "class");
export const nameOf = (bucket: ResourceOf<typeof BUCKET>): string => text(bucket.inputs.bucket);

/** Returns true if everyone reads the bucket itself: the static one, unless CloudFront serves it. */
export const isPublic = (bucket: ResourceOf<typeof BUCKET>, stack: Stack): boolean =>
  classOf(bucket) === "static" && !isBehindCloudFront(bucket, stack);

/** Checks each part of one type that a bucket has. A bucket without one is a violation. */
export function checkPart<Type extends (typeof PART)[keyof typeof PART]>(
  bucket: ResourceOf<typeof BUCKET>,
  stack: Stack,
  type: Type,
  title: string,
  check: (inputs: ResourceOf<Type>["inputs"]) => string[],
): string[] {
  const parts = resourcesWith(stack, type, "bucket", bucket.inputs.bucket);
  return parts.length === 0
    ? [`Bucket ${nameOf(bucket)} has no ${title}. Write one for this bucket.`]
    : parts.flatMap(({ inputs }) => check(inputs));
}

export const bucketClass = defineRule({
  name: "bucket-class",
  types: [BUCKET],
  description: "The tag `class` of a bucket says what the bucket holds: static, media, logs or artifacts",
  why: "the class decides who may read the bucket",
  severity: "high",
  check: (bucket) =>
    demand(classOf(bucket), CLASSES.includes(classOf(bucket)), "tag class", `one of ${CLASSES.join(", ")}`),
});

/** The options that name a bucket, and the class that the bucket must have. */
const BUCKET_OPTIONS: Record<string, string> = {
  "aws:elasticbeanstalk:application:environment/ARTIFACTS_BUCKET": "artifacts",
  "aws:elasticbeanstalk:application:environment/AWS_STORAGE_BUCKET_NAME": "media",
  "aws:elasticbeanstalk:application:environment/AWS_PUBLIC_STORAGE_BUCKET_NAME": "static",
  "aws:elbv2:loadbalancer/AccessLogsS3Bucket": "logs",
};

const bucketsUsedBy = (environment: ResourceOf<typeof ENVIRONMENT>) =>
  settingsOf(environment).flatMap(({ namespace, name, value }) => {
    const bucketClass = BUCKET_OPTIONS[`${namespace}/${name}`];
    return bucketClass === undefined ? [] : [{ name, bucketClass, value }];
  });

const staticBucketsInUse = ({ once, ofType }: Stack): Set<string> =>
  once("static buckets in use", () => {
    const used = ofType(ENVIRONMENT).flatMap(bucketsUsedBy);
    return new Set(used.filter((one) => one.bucketClass === "static").map(({ value }) => text(value)));
  });

export const bucketClassFits = defineRule({
  name: "bucket-class-fits",
  types: [BUCKET, ENVIRONMENT],
  description: "A bucket has the class of its use by Iaso or the load balancer; no other bucket is static",
  why: "with the wrong class, patients' data would be judged as public files",
  severity: "critical",
  neighbours: true,
  check: (resource, stack) => {
    if (resource.type === ENVIRONMENT)
      return bucketsUsedBy(resource).flatMap(({ name, bucketClass, value }) => {
        const buckets = resourcesWith(stack, BUCKET, "bucket", value);
        const fits = buckets.length > 0 && buckets.every((bucket) => classOf(bucket) === bucketClass);
        return demand(value, fits, name, `the name of a bucket of this program with class ${bucketClass}`);
      });
    return classOf(resource) !== "static" || staticBucketsInUse(stack).has(nameOf(resource))
      ? []
      : ["The bucket has class static, but Iaso keeps its static files in another. Write its own class."];
  },
});

export const bucketPublicAccessBlock = defineRule({
  name: "bucket-public-access-block",
  types: [BUCKET],
  description:
    "All four public access blocks are on; the static bucket may turn off the two for policies if CloudFront does not serve it",
  why: "one wrong policy or ACL would publish the objects",
  severity: "critical",
  reference: "AWS FSBP S3.8",
  neighbours: true,
  check: (bucket, stack) =>
    checkPart(bucket, stack, PART.publicAccessBlock, "public access block", (inputs) =>
      (["blockPublicAcls", "ignorePublicAcls", "blockPublicPolicy", "restrictPublicBuckets"] as const)
        .filter((name) => !isPublic(bucket, stack) || name.includes("Acls"))
        .flatMap((name) => demand(inputs[name], inputs[name] === true, name, "true")),
    ),
});

export const bucketWithoutAcls = defineRule({
  name: "bucket-without-acls",
  types: [BUCKET],
  description: "ACLs are off (BucketOwnerEnforced)",
  why: "an ACL grants access beside the bucket policy",
  severity: "high",
  reference: "AWS FSBP S3.12",
  neighbours: true,
  check: (bucket, stack) =>
    checkPart(bucket, stack, PART.ownership, "ownership controls", ({ rule }) => {
      const ownership = at(rule, "objectOwnership");
      return demand(ownership, ownership === "BucketOwnerEnforced", "objectOwnership", "BucketOwnerEnforced");
    }),
});

export const bucketPartsNamed = defineRule({
  name: "bucket-parts-named",
  types: Object.values(PART),
  description: "The policy, access block, CORS and other parts of a bucket name a bucket of this program",
  why: "no rule would judge what they change on another bucket",
  severity: "high",
  neighbours: true,
  check: ({ inputs }, stack) =>
    demand(
      inputs.bucket,
      resourcesWith(stack, BUCKET, "bucket", inputs.bucket).length > 0,
      "bucket",
      "the name of a bucket of this program",
    ),
});

/** Properties of a bucket that this program sets with separate resources. */
const INLINE = [
  "policy",
  "corsRules",
  "versioning",
  "serverSideEncryptionConfiguration",
  "replicationConfiguration",
  "lifecycleRules",
  "logging",
] as const;

export const bucketPartsApart = defineRule({
  name: "bucket-parts-apart",
  types: [BUCKET],
  description:
    "The policy, CORS, versioning, encryption, lifecycle and access logs of a bucket are separate resources; no replication",
  why: "two places would contradict each other, and no rule judges the one inside the bucket",
  severity: "high",
  check: ({ inputs }) => [
    ...INLINE.filter((name) => inputs[name] !== undefined).map(
      (name) => `The bucket sets ${name} itself. Remove it and write a separate resource.`,
    ),
    ...demand(
      at(inputs, "requestPayer"),
      ["", "BucketOwner"].includes(text(at(inputs, "requestPayer"))),
      "requestPayer",
      "nothing: signed links would fail",
    ),
    ...demand(
      at(inputs, "accelerationStatus"),
      ["", "Suspended"].includes(text(at(inputs, "accelerationStatus"))),
      "accelerationStatus",
      "nothing: requests would leave the region",
    ),
  ],
});

const OBJECT = "aws:s3/bucketObjectv2:BucketObjectv2";

export const noBucketAcl = defineRule({
  name: "no-bucket-acl",
  types: ["aws:s3/bucketAcl:BucketAcl", "aws:s3/bucketAclV2:BucketAclV2", OBJECT, BUCKET],
  description: "No bucket and no object has an ACL",
  why: "an ACL grants access beside the bucket policy",
  severity: "high",
  reference: "AWS FSBP S3.12",
  check: (resource) => {
    const none =
      resource.type === BUCKET
        ? (at(resource.inputs, "acl") ?? at(resource.inputs, "grants")) === undefined
        : resource.type === OBJECT && resource.inputs.acl === undefined;
    return none ? [] : ["The resource sets an ACL. Remove it and write a bucket policy."];
  },
});

export const bucketVersioning = defineRule({
  name: "bucket-versioning",
  types: [BUCKET],
  description: "Versioning is on",
  why: "an overwritten or deleted object could not be restored",
  severity: "high",
  reference: "AWS FSBP S3.14",
  neighbours: true,
  check: (bucket, stack) =>
    checkPart(bucket, stack, PART.versioning, "versioning", ({ versioningConfiguration }) => {
      const status = at(versioningConfiguration, "status");
      const mfaDelete = at(versioningConfiguration, "mfaDelete");
      return [
        ...demand(status, status === "Enabled", "versioning status", "Enabled"),
        // S3 accepts it only from the root user with a code, and then refuses lifecycle rules.
        ...demand(mfaDelete, ["", "Disabled"].includes(text(mfaDelete)), "mfaDelete", "nothing"),
      ];
    }),
});

export const bucketEncryption = defineRule({
  name: "bucket-encryption",
  types: [BUCKET],
  description: "Objects are encrypted by default",
  why: "a copied disk must be unreadable without the key",
  severity: "high",
  reference: "AWS FSBP S3.17",
  neighbours: true,
  check: (bucket, stack) =>
    checkPart(bucket, stack, PART.encryption, "encryption configuration", ({ rules }) => {
      const algorithms = array(rules).map((rule) =>
        at(at(rule, "applyServerSideEncryptionByDefault"), "sseAlgorithm"),
      );
      const encrypts = algorithms.every((one) => /^(AES256|aws:kms(:dsse)?)$/.test(text(one)));
      return demand(algorithms, algorithms.length > 0 && encrypts, "sseAlgorithm", "AES256 or aws:kms");
    }),
});

export const bucketOwnKeys = defineRule({
  name: "bucket-own-keys",
  types: [BUCKET],
  description: "S3 refuses objects that are encrypted with a key in the request (SSE-C)",
  why: "an attacker could encrypt every object with a key that nobody else has",
  severity: "high",
  neighbours: true,
  check: (bucket, stack) =>
    checkPart(bucket, stack, PART.encryption, "encryption configuration", ({ rules }) => {
      const blocked = array(rules).map((rule) => array(at(rule, "blockedEncryptionTypes")));
      return demand(
        blocked,
        blocked.length > 0 && blocked.every((types) => types.includes("SSE-C")),
        "blockedEncryptionTypes",
        '["SSE-C"]',
      );
    }),
});

export const bucketCors = defineRule({
  name: "bucket-cors",
  types: [BUCKET],
  description: "CORS allows reading only; media names its origins",
  why: "any web page could use the access of its visitor",
  severity: "high",
  neighbours: true,
  check: (bucket, stack) =>
    resourcesWith(stack, PART.cors, "bucket", bucket.inputs.bucket)
      .flatMap(({ inputs }) => array(inputs.corsRules))
      .flatMap((rule) => {
        const methods = array(at(rule, "allowedMethods"));
        const origins = array(at(rule, "allowedOrigins")).map(text);
        const reads = methods.every((method) => method === "GET" || method === "HEAD");
        return [
          ...demand(methods, methods.length > 0 && reads, "allowedMethods", '["GET", "HEAD"]'),
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
});

export const noBucketWebsite = defineRule({
  name: "no-bucket-website",
  types: [BUCKET, "aws:s3/bucketWebsiteConfiguration:BucketWebsiteConfiguration"],
  description: "No bucket is a website",
  why: "the website endpoint of S3 speaks plain HTTP only",
  severity: "high",
  check: (resource) =>
    resource.type !== BUCKET || at(resource.inputs, "website") !== undefined
      ? ["Website hosting is on. Remove it and use CloudFront."]
      : [],
});
