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
 * Returns true for a policy of an Application Load Balancer that AWS has and that accepts TLS 1.2 and newer only.
 *
 * @see https://docs.aws.amazon.com/elasticloadbalancing/latest/application/describe-ssl-policies.html
 */
export function isModernLoadBalancerPolicy(policy: string): boolean {
  const forTls13 = "TLS13-1-[23]";
  const names = [
    `${forTls13}(-(Res|Ext1|Ext2))?-2021-06`,
    `${forTls13}(-(Res|Ext[012]))?-FIPS-2023-04`,
    `${forTls13}(-(Res|Ext[012]))?(-FIPS)?-PQ-2025-09`,
    "TLS-1-2-2017-01",
    "TLS-1-2-Ext-2018-06",
    "FS-1-2(-Res)?-2019-08",
    "FS-1-2-Res-2020-10",
  ];
  return new RegExp(`^ELBSecurityPolicy-(${names.join("|")})$`).test(policy);
}

/**
 * The policies of CloudFront whose ciphers all have forward secrecy and authenticate what they encrypt. Those from 2018
 * and 2019 accept CBC too.
 *
 * @see https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/secure-connections-supported-viewer-protocols-ciphers.html
 */
export const MODERN_CLOUDFRONT_POLICIES = [CLOUDFRONT_TLS_POLICY, "TLSv1.2_2025", "TLSv1.3_2025"];
