import * as aws from "@pulumi/aws";
import * as pulumi from "@pulumi/pulumi";
import { CLOUDFRONT_TLS_POLICY } from "../policies/facts/tlsPolicies";
import { createBucket, expireOldVersions } from "./common/bucket";
import { Naming } from "./common/naming";
import { PolicyStatement } from "./iam/policyDocument";

export interface StaticBucketArgs {
  naming: Naming;
  /**
   * Origins of the pages that load fonts and scripts from the bucket.
   *
   * @example ["https://iaso.example.org"]
   */
  webOrigins: string[];
  /** ARNs of the roles that deploy. Only they write and delete objects. */
  deployers: string[];
  /**
   * A CloudFront distribution in front of the bucket. The bucket is then private: only CloudFront reads it, also in an
   * account that blocks public access to S3. **Changing it interrupts static files until the update ends.**
   *
   * @default Browsers load static files from S3, and the bucket is public.
   */
  cloudFront?: {
    /**
     * Host name of the distribution.
     *
     * @example "static.example.org"
     */
    host: string;
    /** ARN of an issued certificate for `host` in us-east-1. CloudFront accepts no other region. */
    certificateArn: pulumi.Input<string>;
  };
}

/** @see https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/using-managed-cache-policies.html */
const CACHING_OPTIMIZED = "658327ea-f89d-4fab-a63d-7e88639e58f6";

/** @see https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/using-managed-response-headers-policies.html */
const CORS_AND_SECURITY_HEADERS = "e61eb60c-9c35-4d20-a928-2b84e02af89c";

/** Days for which S3 keeps overwritten and deleted static files, so that a rollback can restore them. */
const OLD_VERSION_DAYS = 30;

/**
 * Iaso's static files. Everyone can read an object over HTTPS, from S3 or through CloudFront. Only the roles that deploy
 * can write or delete one. The deploy tool sets `Cache-Control` on each object.
 *
 * @see https://docs.aws.amazon.com/AmazonS3/latest/userguide/example-bucket-policies.html
 * @see https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/private-content-restricting-access-to-s3.html
 */
export class StaticBucket extends pulumi.ComponentResource {
  /** Name of the bucket. */
  readonly bucketName: pulumi.Output<string>;
  /** Host name from which browsers load static files. */
  readonly host: string;
  /** Value of `STATIC_URL`. Iaso uses its host, with the path `/static/`. */
  readonly url: string;
  /** The CloudFront distribution, if there is one. */
  readonly distribution?: aws.cloudfront.Distribution;

  constructor(name: string, args: StaticBucketArgs, opts?: pulumi.ComponentResourceOptions) {
    super("iaso:index:StaticBucket", name, {}, opts);
    const { naming, webOrigins, deployers, cloudFront } = args;

    const { bucket } = createBucket(this, name, {
      naming,
      bucketClass: "static",
      statements: [
        cloudFront === undefined ? everyoneReads(naming) : cloudFrontReads(naming),
        onlyDeployersWrite(naming, deployers),
      ],
      publicPolicy: cloudFront === undefined,
      lifecycleRules: [expireOldVersions(OLD_VERSION_DAYS)],
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
    if (cloudFront !== undefined)
      this.distribution = this.createDistribution(name, naming, bucket, cloudFront);

    this.bucketName = bucket.bucket;
    this.host = cloudFront?.host ?? `${naming.bucket("static")}.s3.${naming.region}.amazonaws.com`;
    this.url = `https://${this.host}/static/`;
    this.registerOutputs({ bucketName: this.bucketName, host: this.host, url: this.url });
  }

  private createDistribution(
    name: string,
    naming: Naming,
    bucket: aws.s3.Bucket,
    { host, certificateArn }: NonNullable<StaticBucketArgs["cloudFront"]>,
  ): aws.cloudfront.Distribution {
    const accessControl = new aws.cloudfront.OriginAccessControl(
      name,
      {
        name: naming.name("static"),
        description: `Requests of CloudFront to the static files of ${naming.name()}`,
        originAccessControlOriginType: "s3",
        signingBehavior: "always",
        signingProtocol: "sigv4",
      },
      { parent: this },
    );
    return new aws.cloudfront.Distribution(
      name,
      {
        enabled: true,
        comment: `Static files of ${naming.name()}`,
        aliases: [host],
        httpVersion: "http2and3",
        isIpv6Enabled: true,
        priceClass: "PriceClass_All",
        origins: [
          {
            originId: "static-bucket",
            // Requests that CloudFront signs hold at the regional name only.
            domainName: bucket.bucketRegionalDomainName,
            originAccessControlId: accessControl.id,
          },
        ],
        defaultCacheBehavior: {
          targetOriginId: "static-bucket",
          viewerProtocolPolicy: "redirect-to-https",
          allowedMethods: ["GET", "HEAD"],
          cachedMethods: ["GET", "HEAD"],
          compress: true,
          cachePolicyId: CACHING_OPTIMIZED,
          // CloudFront does not forward the origin of the page, so one cached response serves all pages. It adds the
          // CORS headers itself.
          responseHeadersPolicyId: CORS_AND_SECURITY_HEADERS,
        },
        restrictions: { geoRestriction: { restrictionType: "none" } },
        viewerCertificate: {
          acmCertificateArn: certificateArn,
          minimumProtocolVersion: CLOUDFRONT_TLS_POLICY,
          sslSupportMethod: "sni-only",
        },
        tags: naming.tags(),
      },
      { parent: this },
    );
  }
}

function everyoneReads(naming: Naming): PolicyStatement {
  return {
    Sid: "EveryoneReadsObjects",
    Effect: "Allow",
    Principal: "*",
    Action: "s3:GetObject",
    Resource: `${naming.bucketArn("static")}/*`,
  };
}

/**
 * Allows the distributions of this account to read objects. The policy does not name one distribution: AWS chooses its
 * id, so rules could not judge the policy before the distribution exists.
 */
function cloudFrontReads(naming: Naming): PolicyStatement {
  return {
    Sid: "CloudFrontReadsObjects",
    Effect: "Allow",
    Principal: { Service: "cloudfront.amazonaws.com" },
    Action: "s3:GetObject",
    Resource: `${naming.bucketArn("static")}/*`,
    Condition: { ArnLike: { "aws:SourceArn": `arn:aws:cloudfront::${naming.accountId}:distribution/*` } },
  };
}

function onlyDeployersWrite(naming: Naming, deployers: string[]): PolicyStatement {
  return {
    Sid: "OnlyDeployersWrite",
    Effect: "Deny",
    Principal: "*",
    Action: ["s3:PutObject", "s3:DeleteObject", "s3:DeleteObjectVersion"],
    Resource: `${naming.bucketArn("static")}/*`,
    Condition: { ArnNotEquals: { "aws:PrincipalArn": deployers } },
  };
}
