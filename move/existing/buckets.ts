import {
  GetBucketAclCommand,
  GetBucketEncryptionCommand,
  GetBucketPolicyStatusCommand,
  GetBucketVersioningCommand,
  GetPublicAccessBlockCommand,
  ListObjectsV2Command,
} from "@aws-sdk/client-s3";
import { errorName } from "../../cli/awsErrors";
import type { Clients } from "../../doctor/clients";

/** A bucket of the existing Iaso. */
export interface ExistingBucket {
  name: string;
  /** The variable that names it. */
  variable: string;
  /** True if its ACLs let everybody in: the bucket's own, or those that its objects may have. */
  allowsPublicAcls: boolean;
  hasPublicPolicy: boolean;
  hasVersions: boolean;
  isEncrypted: boolean;
  /** True if Iaso's static files are in it too. */
  hasStaticFiles: boolean;
}

const VARIABLES = ["AWS_STORAGE_BUCKET_NAME", "AWS_PUBLIC_STORAGE_BUCKET_NAME"];

/** The prefix under which Iaso uploads its static files, if they go to the bucket of media. */
export const STATIC_PREFIX = "iasostatics/";

const EVERYBODY = /\/groups\/(global\/AllUsers|global\/AuthenticatedUsers)$/;

/** Reads the buckets that the variables name. */
export async function readBuckets(
  { s3 }: Clients,
  variables: Readonly<Record<string, string>>,
): Promise<ExistingBucket[]> {
  const found: ExistingBucket[] = [];
  for (const variable of VARIABLES) {
    const Bucket = variables[variable] ?? "";
    if (Bucket === "" || found.some(({ name }) => name === Bucket)) continue;
    const { Grants = [] } = await s3.send(new GetBucketAclCommand({ Bucket }));
    const { PublicAccessBlockConfiguration: block = {} } = await orNone(
      "NoSuchPublicAccessBlockConfiguration",
      () => s3.send(new GetPublicAccessBlockCommand({ Bucket })),
    );
    const { PolicyStatus } = await orNone("NoSuchBucketPolicy", () =>
      s3.send(new GetBucketPolicyStatusCommand({ Bucket })),
    );
    const { Status } = await s3.send(new GetBucketVersioningCommand({ Bucket }));
    const encryption = await orNone("ServerSideEncryptionConfigurationNotFoundError", () =>
      s3.send(new GetBucketEncryptionCommand({ Bucket })),
    );
    const { Contents = [] } = await s3.send(
      new ListObjectsV2Command({ Bucket, Prefix: STATIC_PREFIX, MaxKeys: 1 }),
    );
    found.push({
      name: Bucket,
      variable,
      allowsPublicAcls:
        block.IgnorePublicAcls !== true &&
        (block.BlockPublicAcls !== true || Grants.some(({ Grantee }) => EVERYBODY.test(Grantee?.URI ?? ""))),
      hasPublicPolicy: PolicyStatus?.IsPublic === true && block.RestrictPublicBuckets !== true,
      hasVersions: Status === "Enabled",
      isEncrypted: encryption.ServerSideEncryptionConfiguration !== undefined,
      hasStaticFiles: Contents.length > 0,
    });
  }
  return found;
}

/** Runs a call that S3 answers with an error if the bucket lacks a configuration. */
async function orNone<T>(name: string, call: () => Promise<T>): Promise<Partial<T>> {
  try {
    return await call();
  } catch (error) {
    if (errorName(error) === name) return {};
    throw error;
  }
}
