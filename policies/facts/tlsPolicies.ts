/**
 * The TLS policy of the platform's load balancers: TLS 1.2 and 1.3 with forward secrecy.
 *
 * @see https://docs.aws.amazon.com/elasticloadbalancing/latest/application/describe-ssl-policies.html
 */
export const LOAD_BALANCER_TLS_POLICY = "ELBSecurityPolicy-TLS13-1-2-2021-06";

/**
 * The TLS policy of the platform's CloudFront distributions: TLS 1.2 and 1.3.
 *
 * @see https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/secure-connections-supported-viewer-protocols-ciphers.html
 */
export const CLOUDFRONT_TLS_POLICY = "TLSv1.2_2021";

/**
 * Returns the minor version of the oldest TLS that a policy of a load balancer or of CloudFront accepts: 2 for
 * TLS 1.2, 0 for TLS 1.0 and for a policy whose name tells no version.
 */
export function oldestTlsVersion(policy: string): number {
  const [, version = "0"] =
    /^ELBSecurityPolicy-(?:TLS13|TLS|FS)-1-(\d)-/.exec(policy) ?? /^TLSv1\.(\d)_/.exec(policy) ?? [];
  return Number(version);
}
