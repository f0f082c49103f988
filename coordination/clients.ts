import { BackupClient } from "@aws-sdk/client-backup";
import { CloudWatchClient } from "@aws-sdk/client-cloudwatch";
import { ElasticBeanstalkClient } from "@aws-sdk/client-elastic-beanstalk";
import { ECRClient } from "@aws-sdk/client-ecr";
import { EC2Client } from "@aws-sdk/client-ec2";
import { ElasticLoadBalancingV2Client } from "@aws-sdk/client-elastic-load-balancing-v2";
import { RDSClient } from "@aws-sdk/client-rds";
import { S3Client } from "@aws-sdk/client-s3";
import { SQSClient } from "@aws-sdk/client-sqs";
import { SSMClient } from "@aws-sdk/client-ssm";
import { fromIni } from "@aws-sdk/credential-provider-ini";
import { ConfiguredRetryStrategy } from "@smithy/core/retry";
import { NodeHttpHandler } from "@smithy/node-http-handler";
import { exponentialBackoff } from "../cli/backoff";

export interface Clients {
  beanstalk: ElasticBeanstalkClient;
  cloudWatch: CloudWatchClient;
  ec2: EC2Client;
  ecr: ECRClient;
  loadBalancing: ElasticLoadBalancingV2Client;
  rds: RDSClient;
  s3: S3Client;
  sqs: SQSClient;
  ssm: SSMClient;
}

/** Attempts of one call, including the first. */
const ATTEMPTS = 6;
/** Milliseconds after which an unanswered request counts as lost. */
const REQUEST_TIMEOUT = 20_000;
/** Longest delay between two attempts, in milliseconds. */
const LONGEST_DELAY = 10_000;

/**
 * The longest time that one call can take with all its attempts, in milliseconds. The lock's lease is longer, so a
 * change that begins under the lock also ends under it.
 */
export const LONGEST_CALL = ATTEMPTS * REQUEST_TIMEOUT + (ATTEMPTS - 1) * LONGEST_DELAY;

/** Milliseconds before the given attempt. */
export const backoff = exponentialBackoff(LONGEST_DELAY);

export interface ClientSettings {
  region: string;
  /** The profile of the AWS CLI whose credentials are used; by default those of the environment. */
  profile?: string;
  /** Puts the bucket into the path of S3 URLs, which S3-compatible servers without DNS need. */
  pathStyle?: boolean;
  /** Milliseconds; 20 seconds by default. */
  requestTimeout?: number;
  /** Milliseconds before the given attempt. */
  delay?: (attempt: number) => number;
  /** Replaces the network in tests that kill the process at a given call. */
  requestHandler?: NodeHttpHandler;
}

/** The input of a request to S3, as the SDK's middleware sees it. */
interface BucketInput {
  Bucket?: string;
  CopySource?: string;
}

/**
 * Lets S3 refuse requests to a bucket of another account. Names of buckets are unique in the world: after one of ours is
 * deleted, somebody else can create a bucket with its name.
 *
 * @see https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucket-owner-condition.html
 */
export function requireBucketOwner(s3: S3Client, accountId: string): void {
  s3.middlewareStack.add(
    (next) => (args) => {
      const { Bucket, CopySource } = args.input as BucketInput;
      const owner = {
        ...(Bucket !== undefined && { ExpectedBucketOwner: accountId }),
        ...(CopySource !== undefined && { ExpectedSourceBucketOwner: accountId }),
      };
      return next({ ...args, input: { ...args.input, ...owner } });
    },
    { step: "initialize" },
  );
}

/** Creates clients that retry throttled calls and temporary failures with backoff, and time out on silence. */
export function createClients(settings: ClientSettings): Clients {
  const config = configOf(settings);
  return {
    beanstalk: new ElasticBeanstalkClient(config),
    cloudWatch: new CloudWatchClient(config),
    ec2: new EC2Client(config),
    ecr: new ECRClient(config),
    loadBalancing: new ElasticLoadBalancingV2Client(config),
    rds: new RDSClient(config),
    s3: new S3Client({ ...config, forcePathStyle: settings.pathStyle === true }),
    sqs: new SQSClient(config),
    ssm: new SSMClient(config),
  };
}

/** Creates a client of AWS Backup, which only the commands of backups need, and in several regions. */
export const createBackupClient = (settings: ClientSettings): BackupClient =>
  new BackupClient(configOf(settings));

function configOf(settings: ClientSettings) {
  const requestTimeout = settings.requestTimeout ?? REQUEST_TIMEOUT;
  return {
    region: settings.region,
    // Not the clients' own option profile: with keys in the environment it warns, and may change its meaning.
    ...(settings.profile === undefined ? {} : { credentials: fromIni({ profile: settings.profile }) }),
    retryStrategy: new ConfiguredRetryStrategy(ATTEMPTS, settings.delay ?? backoff),
    requestHandler:
      settings.requestHandler ??
      new NodeHttpHandler({ requestTimeout, throwOnRequestTimeout: true, connectionTimeout: 5_000 }),
  };
}
