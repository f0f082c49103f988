import { arn, digest, ResourceTypes } from "./model";

/**
 * The hosted zone of every CloudFront domain name.
 *
 * @see https://docs.aws.amazon.com/general/latest/gr/cf_region.html
 */
const HOSTED_ZONE = "Z2FDTNDATAQYW2";

export const resourceTypes: ResourceTypes = {
  "aws:cloudfront/distribution:Distribution": (creation) => {
    const id = `E${digest(creation.name, 13).toUpperCase()}`;
    return {
      id,
      outputs: {
        arn: arn(creation, "cloudfront", `distribution/${id}`, { global: true }),
        domainName: `d${digest(id, 13)}.cloudfront.net`,
        hostedZoneId: HOSTED_ZONE,
        status: "Deployed",
      },
    };
  },
  "aws:cloudfront/originAccessControl:OriginAccessControl": (creation) => {
    const id = `E${digest(`origin access control ${creation.name}`, 13).toUpperCase()}`;
    return {
      id,
      outputs: { arn: arn(creation, "cloudfront", `origin-access-control/${id}`, { global: true }) },
    };
  },
};
