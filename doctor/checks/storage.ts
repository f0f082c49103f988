import { GetEbsEncryptionByDefaultCommand } from "@aws-sdk/client-ec2";
import { GetBucketTaggingCommand, HeadBucketCommand, paginateListBuckets } from "@aws-sdk/client-s3";
import { GetPublicAccessBlockCommand } from "@aws-sdk/client-s3-control";
import { errorName, httpStatus, responseHeader } from "../../cli/awsErrors";
import { Unreachable } from "../errors";
import { type Check, type Finding, ok } from "../check";
import type { Context } from "../context";

/** @see https://docs.aws.amazon.com/ebs/latest/userguide/encryption-by-default.html */
export const diskEncryption: Check = {
  name: "EBS encryption by default",
  phase: "preflight",
  async check({ clients, stack }) {
    const { EbsEncryptionByDefault } = await clients.ec2.send(new GetEbsEncryptionByDefaultCommand({}));
    if (EbsEncryptionByDefault === true) return ok();
    return {
      findings: [
        {
          wrong: `New EBS volumes are not encrypted in ${stack.region}.`,
          why: "Beanstalk has no option for it, so the disks of all instances would be unencrypted.",
          fix: `aws ec2 enable-ebs-encryption-by-default --region ${stack.region}`,
        },
      ],
    };
  },
};

/** @see https://docs.aws.amazon.com/AmazonS3/latest/userguide/access-control-block-public-access.html */
export const accountPublicAccess: Check = {
  name: "public access to S3",
  phase: "preflight",
  async check({ clients, stack }) {
    if (stack.cloudFront) return ok("CloudFront reads the private static bucket");
    const block = await clients.s3Control
      .send(new GetPublicAccessBlockCommand({ AccountId: stack.accountId }))
      .catch((error: unknown) => {
        if (errorName(error) === "NoSuchPublicAccessBlockConfiguration") return undefined;
        throw error;
      });
    const { BlockPublicPolicy, RestrictPublicBuckets } = block?.PublicAccessBlockConfiguration ?? {};
    if (BlockPublicPolicy !== true && RestrictPublicBuckets !== true) return ok();
    return {
      findings: [
        {
          wrong: "The account blocks public access to S3, and static files are served from a public bucket.",
          why: "S3 refuses the policy of the static bucket, or browsers get 403 for every static file.",
          fix:
            `Serve static files through CloudFront: ${stack.setCommand("cloudFront")} true; ` +
            `${stack.setCommand("staticHost")} static.${stack.hostedZone}`,
        },
      ],
    };
  },
};

export const bucketNames: Check = {
  name: "bucket names",
  phase: "preflight",
  async check(context) {
    const { buckets } = context.stack;
    const prefix = buckets[0]?.replace(/[^-]*$/, "");
    const own = new Set<string>();
    for await (const page of paginateListBuckets({ client: context.clients.s3 }, { Prefix: prefix })) {
      for (const { Name = "" } of page.Buckets ?? []) own.add(Name);
    }
    const findings = await Promise.all(
      buckets.map((bucket) => (own.has(bucket) ? ownBucket(context, bucket) : otherBucket(context, bucket))),
    );
    return { findings: findings.flat() };
  },
};

/** A bucket of the account must be this stack's. */
async function ownBucket({ clients, stack }: Context, bucket: string): Promise<Finding[]> {
  const tagging = await clients.s3
    .send(new GetBucketTaggingCommand({ Bucket: bucket }))
    .catch((error: unknown) => {
      if (errorName(error) === "NoSuchTagSet") return undefined;
      throw error;
    });
  const tags = new Map((tagging?.TagSet ?? []).map(({ Key, Value }) => [Key, Value]));
  if (Object.entries(stack.tags).every(([key, value]) => tags.get(key) === value)) return [];
  return [
    {
      wrong: `The account already has a bucket ${bucket}, and it does not have this stack's tags.`,
      why: "pulumi up fails when it creates the bucket.",
      fix: `If nothing uses the bucket, delete it: aws s3 rb s3://${bucket}`,
    },
  ];
}

/** Bucket names are shared by all AWS customers. S3 tells everyone, without credentials, whether one is in use. */
async function otherBucket({ clients, stack }: Context, bucket: string): Promise<Finding[]> {
  try {
    await clients.anonymousS3.send(new HeadBucketCommand({ Bucket: bucket }));
  } catch (error) {
    if (httpStatus(error) === 404) return [];
    // S3 names the region of every bucket that exists, even if it refuses the request. A proxy on the way does not.
    if (responseHeader(error, "x-amz-bucket-region") === undefined) {
      throw new Unreachable(`the answer of S3 does not say whether a bucket ${bucket} exists`, {
        cause: error,
      });
    }
  }
  return [
    {
      wrong: `Another AWS account has a bucket ${bucket}.`,
      why: "Names of buckets are unique in the world, so pulumi up cannot create it.",
      fix: `Choose another organization: ${stack.setCommand("organization")} NAME`,
    },
  ];
}
