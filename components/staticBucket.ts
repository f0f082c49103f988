import * as aws from "@pulumi/aws";
import * as pulumi from "@pulumi/pulumi";
import { createBucket, expireOldVersions } from "./common/bucket";
import { Naming } from "./common/naming";
import { PolicyStatement } from "./iam/policyDocument";

export interface StaticBucketArgs {
  naming: Naming;
  /** Origins of the pages that load fonts and scripts from here, such as `https://iaso.example.org`. */
  webOrigins: string[];
  /** A CloudFront distribution in front of the bucket, under a host name of its own. */
  cloudFront?: {
    host: string;
    /** ARN of a validated ACM certificate in us-east-1, the only region that CloudFront reads. */
    certificateArn: pulumi.Input<string>;
  };
}

/** Managed policies of CloudFront: https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/using-managed-cache-policies.html */
const CACHING_OPTIMIZED = "658327ea-f89d-4fab-a63d-7e88639e58f6";
const CORS_AND_SECURITY_HEADERS = "e61eb60c-9c35-4d20-a928-2b84e02af89c";

const DAYS_OLD_VERSIONS_ARE_KEPT = 30;

/**
 * Iaso's static files: readable by everyone over HTTPS, listable and writable by nobody but the deploy role. The
 * deploy tool gives each object its `Cache-Control`.
 *
 * @see https://docs.aws.amazon.com/AmazonS3/latest/userguide/example-bucket-policies.html
 */
export class StaticBucket extends pulumi.ComponentResource {
  readonly bucketName: pulumi.Output<string>;
  /** The host that browsers load static files from. */
  readonly host: string;
  /** Value of `STATIC_URL`. Iaso takes the host from it and always uses the path `/static/`. */
  readonly url: string;
  readonly distribution?: aws.cloudfront.Distribution;

  constructor(name: string, args: StaticBucketArgs, opts?: pulumi.ComponentResourceOptions) {
    super("iaso:index:StaticBucket", name, {}, opts);
    const { naming, webOrigins, cloudFront } = args;

    const { bucket } = createBucket(this, name, {
      naming,
      bucketClass: "static",
      statements: accessStatements(naming),
      publicPolicy: true,
      lifecycleRules: [expireOldVersions(DAYS_OLD_VERSIONS_ARE_KEPT)],
    });
    new aws.s3.BucketCorsConfiguration(
      name,
      {
        bucket: bucket.bucket,
        corsRules: [
          {
            allowedMethods: ["GET", "HEAD"],
            allowedOrigins: webOrigins,
            allowedHeaders: ["*"],
            maxAgeSeconds: 3600,
          },
        ],
      },
      { parent: bucket },
    );
    if (cloudFront !== undefined) this.distribution = this.distribute(name, naming, bucket, cloudFront);

    this.bucketName = bucket.bucket;
    this.host = cloudFront?.host ?? `${naming.bucket("static")}.s3.${naming.region}.amazonaws.com`;
    this.url = `https://${this.host}/static/`;
    this.registerOutputs({ bucketName: this.bucketName, host: this.host, url: this.url });
  }

  private distribute(
    name: string,
    naming: Naming,
    bucket: aws.s3.Bucket,
    { host, certificateArn }: NonNullable<StaticBucketArgs["cloudFront"]>,
  ): aws.cloudfront.Distribution {
    return new aws.cloudfront.Distribution(
      name,
      {
        enabled: true,
        comment: `Static files of ${naming.name()}`,
        aliases: [host],
        httpVersion: "http2and3",
        isIpv6Enabled: true,
        priceClass: "PriceClass_All",
        origins: [{ originId: "static-bucket", domainName: bucket.bucketRegionalDomainName }],
        defaultCacheBehavior: {
          targetOriginId: "static-bucket",
          viewerProtocolPolicy: "redirect-to-https",
          allowedMethods: ["GET", "HEAD"],
          cachedMethods: ["GET", "HEAD"],
          compress: true,
          cachePolicyId: CACHING_OPTIMIZED,
          // The bucket is not told which page asks, so that its answer, which is cached, suits all of them; CloudFront
          // adds the header that lets pages use fonts.
          responseHeadersPolicyId: CORS_AND_SECURITY_HEADERS,
        },
        restrictions: { geoRestriction: { restrictionType: "none" } },
        viewerCertificate: {
          acmCertificateArn: certificateArn,
          minimumProtocolVersion: "TLSv1.2_2021",
          sslSupportMethod: "sni-only",
        },
        tags: naming.tags(),
      },
      { parent: this },
    );
  }
}

/** Everyone reads objects; writing, deleting and listing are the deploy role's alone. */
function accessStatements(naming: Naming): PolicyStatement[] {
  const bucketArn = naming.bucketArn("static");
  return [
    {
      Sid: "EveryoneReadsObjects",
      Effect: "Allow",
      Principal: "*",
      Action: "s3:GetObject",
      Resource: `${bucketArn}/*`,
    },
    {
      Sid: "OnlyDeployRoleWrites",
      Effect: "Deny",
      Principal: "*",
      Action: ["s3:PutObject", "s3:DeleteObject", "s3:DeleteObjectVersion"],
      Resource: `${bucketArn}/*`,
      Condition: {
        ArnNotEquals: { "aws:PrincipalArn": naming.roleArn(naming.ciRole("deploy")) },
      },
    },
  ];
}
