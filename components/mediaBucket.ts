import * as aws from "@pulumi/aws";
import * as pulumi from "@pulumi/pulumi";
import { createBucket, expireOldVersions } from "./common/bucket";
import { Naming } from "./common/naming";
import { PolicyStatement } from "./iam/policyDocument";

export interface MediaBucketArgs {
  naming: Naming;
  /** Origin of the application's pages, such as `https://iaso.example.org`. */
  webOrigin: string;
  /** Days for which overwritten and deleted media can be brought back. */
  oldVersionDays: number;
}

/** No signed URL works for longer than this, whatever expiry it was signed with: the application asks for an hour. */
const MAXIMUM_SIGNATURE_AGE_MS = 15 * 60 * 1000;

/**
 * Patients' media: reachable only by URLs that the application's roles signed at most 15 minutes ago.
 *
 * The bucket itself enforces that, also against administrators of the account: an explicit deny cannot be
 * overruled by any role's own policy. The bucket is kept when it leaves the program.
 *
 * @see https://docs.aws.amazon.com/AmazonS3/latest/API/bucket-policy-s3-sigv4-conditions.html
 */
export class MediaBucket extends pulumi.ComponentResource {
  readonly bucketName: pulumi.Output<string>;

  constructor(name: string, args: MediaBucketArgs, opts?: pulumi.ComponentResourceOptions) {
    super("iaso:index:MediaBucket", name, {}, opts);
    const { naming, webOrigin, oldVersionDays } = args;

    const { bucket } = createBucket(this, name, {
      naming,
      bucketClass: "media",
      statements: accessStatements(naming),
      lifecycleRules: [expireOldVersions(oldVersionDays)],
      keep: true,
    });
    new aws.s3.BucketCorsConfiguration(
      name,
      {
        bucket: bucket.bucket,
        corsRules: [
          {
            allowedMethods: ["GET", "HEAD"],
            allowedOrigins: [webOrigin],
            allowedHeaders: ["*"],
            maxAgeSeconds: 3600,
          },
        ],
      },
      { parent: bucket, retainOnDelete: true },
    );

    this.bucketName = bucket.bucket;
    this.registerOutputs({ bucketName: this.bucketName });
  }
}

function accessStatements(naming: Naming): PolicyStatement[] {
  const objects = `${naming.bucketArn("media")}/*`;
  const applicationRoles = [naming.instanceRole("web"), naming.instanceRole("worker")].map((role) =>
    naming.roleArn(role),
  );
  return [
    {
      Sid: "DenySignaturesOlderThan15Minutes",
      Effect: "Deny",
      Principal: "*",
      Action: "s3:*",
      Resource: objects,
      Condition: { NumericGreaterThan: { "s3:signatureAge": String(MAXIMUM_SIGNATURE_AGE_MS) } },
    },
    {
      // The age of older signatures is not judged. Requests without a signature have no version, so that
      // this denies them as well.
      Sid: "DenyAllButSignatureVersion4",
      Effect: "Deny",
      Principal: "*",
      Action: "s3:*",
      Resource: objects,
      Condition: { StringNotEquals: { "s3:signatureversion": "AWS4-HMAC-SHA256" } },
    },
    {
      Sid: "DenyAllButTheApplication",
      Effect: "Deny",
      Principal: "*",
      Action: "s3:*",
      Resource: objects,
      Condition: { ArnNotEquals: { "aws:PrincipalArn": applicationRoles } },
    },
  ];
}
