import { dependenciesOf, Stack, tagOf } from "../context";
import { CLOUDFRONT_TLS_POLICY, oldestTlsVersion } from "../facts/tlsPolicies";
import { defineRule } from "../rule";
import { array, at, demand, isUnknown, text } from "../values";

const DISTRIBUTION = "aws:cloudfront/distribution:Distribution";

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
        oldestTlsVersion(text(version)) >= 2,
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

export const cloudfrontOrigin = defineRule({
  name: "cloudfront-origin",
  types: [DISTRIBUTION],
  description: "CloudFront serves the static bucket of this program and nothing else",
  why: "pages would run untrusted scripts, or media would be public",
  severity: "critical",
  neighbours: true,
  check: (distribution, stack) => {
    const own = staticBuckets(stack);
    const used = dependenciesOf(distribution, "origins");
    const isStatic = (domain: unknown) =>
      isUnknown(domain)
        ? used.length > 0 && used.every((urn) => own.has(urn))
        : own.has(/^([a-z0-9.-]+)\.s3\.[a-z0-9-]+\.amazonaws\.com$/.exec(text(domain))?.[1] ?? "");
    return array(distribution.inputs.origins)
      .map((origin) => at(origin, "domainName"))
      .filter((domain) => !isStatic(domain))
      .flatMap((domain) =>
        demand(domain, false, "domainName of an origin", "the domain name of the static bucket"),
      );
  },
});
