import { dependenciesOf, Stack, tagOf } from "../context";
import { CLOUDFRONT_TLS_POLICY, MODERN_CLOUDFRONT_POLICIES } from "../facts/tlsPolicies";
import { ResourceOf } from "../resource";
import { defineRule } from "../rule";
import { array, at, demand, isUnknown, text } from "../values";

const DISTRIBUTION = "aws:cloudfront/distribution:Distribution";
const ACCESS_CONTROL = "aws:cloudfront/originAccessControl:OriginAccessControl";

export const cloudfrontTls = defineRule({
  name: "cloudfront-tls",
  types: [DISTRIBUTION],
  description: "CloudFront uses TLS 1.2 or newer on both sides and redirects HTTP to HTTPS",
  why: "attackers can break older versions",
  severity: "high",
  reference: "AWS FSBP CloudFront.3",
  check: ({ inputs }) => {
    const version = at(inputs.viewerCertificate, "minimumProtocolVersion");
    const viewerPolicies = [
      at(inputs.defaultCacheBehavior, "viewerProtocolPolicy"),
      ...array(inputs.orderedCacheBehaviors).map((behavior) => at(behavior, "viewerProtocolPolicy")),
    ];
    const origins = array(inputs.origins)
      .map((origin) => at(origin, "customOriginConfig"))
      .filter((config) => config !== undefined);
    return [
      ...origins.flatMap((config) => {
        const policy = at(config, "originProtocolPolicy");
        const protocols = at(config, "originSslProtocols");
        const modern = array(protocols).every((one) => /^TLSv1\.[23]$/.test(text(one)));
        return [
          ...demand(policy, policy === "https-only", "originProtocolPolicy", "https-only"),
          ...demand(protocols, modern, "originSslProtocols", '["TLSv1.2"]'),
        ];
      }),
      ...demand(
        version,
        MODERN_CLOUDFRONT_POLICIES.includes(text(version)),
        "minimumProtocolVersion",
        CLOUDFRONT_TLS_POLICY,
      ),
      ...viewerPolicies.flatMap((policy) =>
        demand(
          policy,
          policy === "redirect-to-https" || policy === "https-only",
          "viewerProtocolPolicy",
          "redirect-to-https",
        ),
      ),
    ];
  },
});

/** The names and URNs of the static buckets. */
const staticBuckets = ({ once, ofType }: Stack): Set<string> =>
  once("names and URNs of static buckets", () => {
    const buckets = ofType("aws:s3/bucket:Bucket").filter((bucket) => tagOf(bucket, "class") === "static");
    return new Set(buckets.flatMap(({ urn, inputs }) => [urn, text(inputs.bucket)]));
  });

/** The URNs of the Origin Access Controls, by which an id that is unknown at the first preview is recognised. */
const accessControls = ({ once, ofType }: Stack): Set<string> =>
  once("URNs of Origin Access Controls", () => new Set(ofType(ACCESS_CONTROL).map(({ urn }) => urn)));

/** The bucket that a regional domain name of S3 names; "" for another host. */
const bucketNameIn = (domain: unknown): string =>
  /^([a-z0-9.-]+)\.s3\.[a-z0-9-]+\.amazonaws\.com$/.exec(text(domain))?.[1] ?? "";

/** Returns true if a distribution of this program serves the bucket. */
export function isBehindCloudFront(
  { urn, inputs }: Pick<ResourceOf<"aws:s3/bucket:Bucket">, "urn" | "inputs">,
  { ofType }: Stack,
): boolean {
  return ofType(DISTRIBUTION).some((distribution) =>
    array(distribution.inputs.origins).some((origin) => {
      const domain = at(origin, "domainName");
      return isUnknown(domain)
        ? dependenciesOf(distribution, "origins").includes(urn)
        : bucketNameIn(domain) === text(inputs.bucket);
    }),
  );
}

export const cloudfrontOrigin = defineRule({
  name: "cloudfront-origin",
  types: [DISTRIBUTION],
  description: "CloudFront serves the static bucket of this program and nothing else",
  why: "pages would run untrusted scripts, or media would be public",
  severity: "critical",
  neighbours: true,
  check: (distribution, stack) => {
    const own = staticBuckets(stack);
    const used = dependenciesOf(distribution, "origins").filter((urn) => !accessControls(stack).has(urn));
    const isStatic = (domain: unknown) =>
      isUnknown(domain)
        ? used.length > 0 && used.every((urn) => own.has(urn))
        : own.has(bucketNameIn(domain));
    return array(distribution.inputs.origins)
      .map((origin) => at(origin, "domainName"))
      .filter((domain) => !isStatic(domain))
      .flatMap((domain) =>
        demand(domain, false, "domainName of an origin", "the domain name of the static bucket"),
      );
  },
});

export const cloudfrontOriginAccess = defineRule({
  name: "cloudfront-origin-access",
  types: [DISTRIBUTION, ACCESS_CONTROL],
  description: "CloudFront signs its requests to each origin (Origin Access Control)",
  why: "the private static bucket would refuse them, and pages would have no styles and scripts",
  severity: "high",
  reference: "AWS FSBP CloudFront.13",
  neighbours: true,
  check: (resource, stack) => {
    if (resource.type === ACCESS_CONTROL) {
      const { originAccessControlOriginType: kind, signingBehavior, signingProtocol } = resource.inputs;
      return [
        ...demand(kind, kind === "s3", "originAccessControlOriginType", "s3"),
        ...demand(signingBehavior, signingBehavior === "always", "signingBehavior", "always"),
        ...demand(signingProtocol, signingProtocol === "sigv4", "signingProtocol", "sigv4"),
      ];
    }
    const used = dependenciesOf(resource, "origins").some((urn) => accessControls(stack).has(urn));
    return array(resource.inputs.origins)
      .map((origin) => at(origin, "originAccessControlId"))
      .filter((id) => !used || (!isUnknown(id) && text(id) === ""))
      .flatMap((id) =>
        demand(
          id,
          false,
          "originAccessControlId of an origin",
          "the id of an Origin Access Control of this program",
        ),
      );
  },
});
