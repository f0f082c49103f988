import { every, resourcesWith, Stack } from "../../context";
import { targetsOf, used } from "../../references";
import { Resource } from "../../resource";
import { defineRule } from "../../rule";

import { array, at, demand, hasUnknown, isUnknown, notEvaluated, object, text } from "../../values";
import { PART } from "../storage/bucket";

const DISTRIBUTION = "aws:cloudfront/distribution:Distribution";
const CERTIFICATE = "aws:acm/certificate:Certificate";

/**
 * AWS's own cache policies for files, and response header policies with CORS or security headers.
 *
 * @see https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/using-managed-cache-policies.html
 * @see https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/using-managed-response-headers-policies.html
 */
const CACHE_POLICIES = [
  "658327ea-f89d-4fab-a63d-7e88639e58f6",
  "b2884449-e4de-46a7-ac36-70bc7f1ddd6d",
  "4135ea2d-6df8-44a3-9df3-4b5a84be39ad",
];
const HEADER_POLICIES = [
  "60669652-455b-4ae9-85a4-c4c02393f86c",
  "5cc3b908-e619-4b99-88e5-2cf7f45965bd",
  "67f7725c-6f97-4210-82d7-5512b31e9d03",
  "e61eb60c-9c35-4d20-a928-2b84e02af89c",
  "eaab4381-ed33-4a86-88ca-d9558dc6cd63",
];

/** The certificates that an ARN names: by the ARN, or by the validation that a property waits for. */
function certificatesOf(distribution: Resource, arn: unknown, stack: Stack): Resource[] {
  const all = every(stack, CERTIFICATE);
  if (!isUnknown(arn) && all.some(({ outputs }) => outputs?.arn !== undefined))
    return all.filter(({ outputs }) => outputs?.arn === arn);
  const validation = "aws:acm/certificateValidation:CertificateValidation";
  return used(distribution, "viewerCertificate", validation, stack).flatMap((one) =>
    targetsOf(one, "certificateArn", CERTIFICATE, stack),
  );
}

export const cloudfrontWhole = defineRule({
  name: "cloudfront-whole",
  kind: "values together",
  types: [DISTRIBUTION],
  description:
    "CloudFront is on, only reads, caches by AWS's own policies, runs no code, and has a certificate for its names",
  why: "code at the edge could change scripts that act as every user, and pages would have no styles",
  severity: "high",
  neighbours: true,
  check: (distribution, stack) => {
    const { inputs } = distribution;
    const behaviors = [inputs.defaultCacheBehavior, ...array(inputs.orderedCacheBehaviors)];
    const origins = array(inputs.origins);
    const ids = origins.map((origin) => text(at(origin, "originId")));
    const viewer = inputs.viewerCertificate;
    const arn = at(viewer, "acmCertificateArn");
    const certificates = certificatesOf(distribution, arn, stack);
    const names = certificates
      .flatMap((one) => [one.inputs.domainName, ...array(one.inputs.subjectAlternativeNames)])
      .map(text);
    const aliases = array(inputs.aliases).map(text);
    const reads = (value: unknown, needed: boolean) => {
      const methods = array(value).map(text);
      return (
        (methods.length > 0 || !needed) &&
        methods.every((one) => ["GET", "HEAD", "OPTIONS"].includes(one)) &&
        (methods.length === 0 || (methods.includes("GET") && methods.includes("HEAD")))
      );
    };
    const set = (value: unknown) =>
      value !== undefined && JSON.stringify(value) !== "[]" && text(value) + JSON.stringify(value) !== '""';
    return [
      ...demand(inputs.enabled, inputs.enabled === true, "enabled", "true"),
      ...demand(
        aliases,
        aliases.length > 0 && (names.length === 0 || aliases.every((one) => names.includes(one))),
        "aliases",
        "the names of its certificate",
      ),
      ...(certificates.length === 1
        ? []
        : [`acmCertificateArn is ${JSON.stringify(arn)}. Write the ARN of a certificate of this program.`]),
      ...demand(
        at(viewer, "sslSupportMethod"),
        at(viewer, "sslSupportMethod") === "sni-only",
        "sslSupportMethod",
        "sni-only",
      ),
      ...demand(
        inputs.priceClass,
        ["", "PriceClass_All", "PriceClass_200", "PriceClass_100"].includes(text(inputs.priceClass)),
        "priceClass",
        "PriceClass_All",
      ),
      ...demand(
        inputs.httpVersion,
        ["", "http1.1", "http2", "http2and3", "http3"].includes(text(inputs.httpVersion)),
        "httpVersion",
        "http2and3",
      ),
      ...demand(
        at(at(inputs.restrictions, "geoRestriction"), "restrictionType"),
        at(at(inputs.restrictions, "geoRestriction"), "restrictionType") === "none",
        "restrictionType",
        "none: field workers travel",
      ),
      ...behaviors.flatMap((behavior) => [
        ...demand(
          at(behavior, "allowedMethods"),
          reads(at(behavior, "allowedMethods"), true),
          "allowedMethods",
          '["GET", "HEAD"]',
        ),
        ...demand(
          at(behavior, "cachedMethods"),
          reads(at(behavior, "cachedMethods"), true),
          "cachedMethods",
          '["GET", "HEAD"]',
        ),
        ...demand(
          at(behavior, "targetOriginId"),
          ids.includes(text(at(behavior, "targetOriginId"))),
          "targetOriginId",
          ids.join(" or "),
        ),
        ...demand(
          at(behavior, "cachePolicyId"),
          CACHE_POLICIES.includes(text(at(behavior, "cachePolicyId"))),
          "cachePolicyId",
          "AWS's CachingOptimized",
        ),
        ...demand(
          at(behavior, "responseHeadersPolicyId"),
          HEADER_POLICIES.includes(text(at(behavior, "responseHeadersPolicyId"))),
          "responseHeadersPolicyId",
          "AWS's CORS-and-SecurityHeadersPolicy",
        ),
        ...(
          [
            "lambdaFunctionAssociations",
            "functionAssociations",
            "originRequestPolicyId",
            "realtimeLogConfigArn",
            "fieldLevelEncryptionId",
          ] as const
        )
          .filter((name) => set(at(behavior, name)))
          .map((name) => `A behavior sets ${name}. Remove it.`),
      ]),
      ...origins.flatMap((origin) =>
        (["originPath", "customHeaders", "vpcOriginConfig"] as const)
          .filter((name) => set(at(origin, name)))
          .map((name) => `An origin sets ${name}. Remove it.`),
      ),
      ...(["originGroups", "continuousDeploymentPolicyId", "staging", "loggingConfig"] as const)
        .filter((name) => set(inputs[name]) && text(inputs[name]) !== "false")
        .map((name) => `${name} is set. Remove it.`),
    ];
  },
});

/** The hosts for which this program has a certificate. The rule `certificates-fit` judges them. */
const certifiedHosts = (stack: Stack): Set<string> =>
  stack.once(
    "hosts of certificates",
    () =>
      new Set(
        stack
          .ofType(CERTIFICATE)
          .flatMap(({ inputs }) => [inputs.domainName, ...array(inputs.subjectAlternativeNames)].map(text)),
      ),
  );

export const corsOwnOrigins = defineRule({
  name: "cors-own-origins",
  kind: "closed world",
  types: ["aws:s3/bucket:Bucket"],
  description: "Static files and media let pages of this platform, and of no other origin, read them",
  why: "a page of somebody else could use its visitor's access, and Iaso's own pages need theirs",
  severity: "high",
  neighbours: true,
  check: (bucket, stack) => {
    const kind = bucket.inputs.tags?.class;
    if (kind !== "static" && kind !== "media") return [];
    const hosts = certifiedHosts(stack);
    const rules = resourcesWith(stack, PART.cors, "bucket", bucket.inputs.bucket).flatMap(
      ({ inputs }) => array(inputs.corsRules) as Record<string, unknown>[],
    );
    const origins = rules.flatMap(({ allowedOrigins }) => array(allowedOrigins));
    return [
      ...(origins.length > 0
        ? []
        : ["No page may read the bucket's files. Write a BucketCorsConfiguration."]),
      ...origins.flatMap((origin) =>
        demand(
          origin,
          hosts.has(/^https:\/\/([^/*]+)$/.exec(text(origin))?.[1] ?? ""),
          "allowedOrigins",
          "https:// and a host with a certificate of this program",
        ),
      ),
      ...rules.flatMap(({ maxAgeSeconds }) =>
        demand(
          maxAgeSeconds,
          Number(maxAgeSeconds ?? 0) >= 0 && Number(maxAgeSeconds ?? 0) <= 86_400,
          "maxAgeSeconds",
          "86400 or less",
        ),
      ),
      ...rules.flatMap(({ exposeHeaders }) =>
        array(exposeHeaders).includes("*") ? ["exposeHeaders is *. Write the names."] : [],
      ),
    ];
  },
});

/** The names of the container images in the files of a bundle. */
const imagesIn = (source: unknown): string[] =>
  [...JSON.stringify(source ?? "").matchAll(/image(?:\\"|')? *: *(?:\\"|')?([^\s"'\\]+)/g)].map(
    ([, image = ""]) => image,
  );

/** True for a bundle that Pulumi downloads. */
const isRemote = (source: unknown): boolean => text(object(source).uri) !== "";

/** The names of the files of a bundle. */
const filesIn = (source: unknown): string[] => Object.keys(object(object(source).assets));

/** The lines of the files of a bundle by the name of the file, without comments, blank lines and code shown on pages. */
const linesIn = (source: unknown): [file: string, lines: string[]][] =>
  Object.entries(object(object(source).assets)).map(([file, asset]) => [
    file,
    text(object(asset).text)
      .replaceAll(/<code>[^<]*<\/code>/g, "")
      .split("\n")
      // `images` says which images may run.
      .filter((line) => !/^\s*(#.*|image: *\S+)?$/.test(line)),
  ]);

/** Programs and addresses by which a file could run code that is not in the bundle. */
const FETCHES =
  /\b(apk|apt|apt-get|base64|curl|dnf|docker|eval|ftp|git|ncat|netcat|npm|npx|pip3?|scp|sftp|ssh|telnet|wget|yarn|yum)\b|\bnc -|\/dev\/tcp|https?:\/\//;

/** Returns the lines of a bundle that run code from elsewhere. A Procfile starts scripts of its bundle only. */
function foreignCodeIn(source: unknown): string[] {
  const files = filesIn(source);
  return linesIn(source).flatMap(([file, lines]) =>
    lines
      .filter((line) =>
        file === "Procfile"
          ? !files.includes(/^[a-z]+: python3 ([\w./-]+)$/.exec(line)?.[1] ?? "")
          : FETCHES.test(line),
      )
      .map((line) => `${file}: ${line.trim()}`),
  );
}

export const imagesByDigest = defineRule({
  name: "images-by-digest",
  types: ["aws:s3/bucketObjectv2:BucketObjectv2"],
  description: "Bundles name container images by their digest",
  why: "whoever can push to the registry could change what a tag runs",
  severity: "medium",
  level: "advisory",
  parameters: {
    mirrors: {
      type: "array",
      default: ["public.ecr.aws/docker/library/"],
      description: "Prefixes of the names of images that AWS itself pushes",
    },
  },
  check: ({ inputs: { source } }, { parameters: { mirrors } }) =>
    hasUnknown(source)
      ? []
      : imagesIn(source)
          .filter((image) => !/@sha256:[0-9a-f]{64}$/.test(image))
          .filter((image) => !mirrors.some((mirror) => image.startsWith(mirror)))
          .map(
            (image) =>
              `The image ${image} has no digest. Write NAME:TAG@sha256:DIGEST; this shows it: docker buildx imagetools inspect ${image}`,
          ),
});

export const objectsInArtifacts = defineRule({
  name: "objects-in-artifacts",
  kind: "closed world",
  types: [
    "aws:s3/bucketObjectv2:BucketObjectv2",
    "aws:elasticbeanstalk/applicationVersion:ApplicationVersion",
  ],
  description:
    "Pulumi writes objects into the bucket for artifacts only, each bundle under its own key in the folder of updates, and a bundle runs its own code and known images only",
  why: "a script among the static files would act as every user",
  severity: "critical",
  neighbours: true,
  parameters: {
    images: {
      type: "array",
      default: ["enketo/enketo-express", "ghcr.io/enketo/enketo", "public.ecr.aws/docker/library/nginx"],
      description: "Container images that bundles may run",
    },
  },
  check: (object, stack) => {
    const buckets = resourcesWith(stack, "aws:s3/bucket:Bucket", "bucket", object.inputs.bucket);
    const isArtifacts = buckets.every(({ inputs }) => inputs.tags?.class === "artifacts");
    const { source }: Resource["inputs"] = object.inputs;
    if (hasUnknown(source)) return notEvaluated("source");
    const written = JSON.stringify(source ?? "");
    const images = imagesIn(source);
    const moving = images.filter((image) => !/(:v?\d[\w.-]*|@sha256:[0-9a-f]{64})$/.test(image));
    const foreign = images
      .map((image) => image.replace(/@.*$/, "").replace(/:[^/:]*$/, ""))
      .filter((image) => !stack.parameters.images.includes(image));
    return [
      ...demand(object.inputs.bucket, isArtifacts, "bucket", "the bucket with class artifacts"),
      ...demand(
        object.inputs.key,
        // The first version of an older stack keeps its key.
        /^(pulumi\/[\w-]+|bundles\/first)\/[\w.-]+\.zip$/.test(text(object.inputs.key)),
        "key",
        "pulumi/NAME/VERSION.zip",
      ),
      ...moving.map(
        (image) =>
          `The bundle runs image ${image} without a version: instances would start different ones. Write its version.`,
      ),
      ...foreign.map(
        (image) =>
          `The bundle runs image ${image}. Write one of ${stack.parameters.images.join(", ")}, or add it to images.`,
      ),
      ...foreignCodeIn(source).map(
        (line) => `The bundle runs code from elsewhere, in ${line}. Write the code into the bundle.`,
      ),
      ...(isRemote(source) ? ["The bundle comes from an address. Write its files into the program."] : []),
      ...filesIn(source)
        .filter((file) => /^\.(platform\/(config)?hooks|ebextensions)\b/.test(file))
        .map((file) => `The bundle has ${file}, which runs as root on each instance. Remove it.`),
      ...(/privileged: *true|network_mode|\/var\/run\/docker|pid: *host/.test(written)
        ? ["A container of the bundle gets the rights of its instance. Remove it."]
        : []),
    ];
  },
});
