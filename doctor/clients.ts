import { ACMClient } from "@aws-sdk/client-acm";
import { BackupClient } from "@aws-sdk/client-backup";
import { CloudWatchClient } from "@aws-sdk/client-cloudwatch";
import { EC2Client } from "@aws-sdk/client-ec2";
import { ElasticBeanstalkClient } from "@aws-sdk/client-elastic-beanstalk";
import { ElasticLoadBalancingV2Client } from "@aws-sdk/client-elastic-load-balancing-v2";
import { IAMClient } from "@aws-sdk/client-iam";
import { RDSClient } from "@aws-sdk/client-rds";
import { Route53Client } from "@aws-sdk/client-route-53";
import { S3Client } from "@aws-sdk/client-s3";
import { S3ControlClient } from "@aws-sdk/client-s3-control";
import { ServiceQuotasClient } from "@aws-sdk/client-service-quotas";
import { SNSClient } from "@aws-sdk/client-sns";
import { SQSClient } from "@aws-sdk/client-sqs";
import { SSMClient } from "@aws-sdk/client-ssm";
import { STSClient } from "@aws-sdk/client-sts";
import { ConfiguredRetryStrategy } from "@smithy/core/retry";
import { NodeHttpHandler } from "@smithy/node-http-handler";
import { describeError, errorName, httpStatus } from "../cli/awsErrors";
import { exponentialBackoff } from "../cli/backoff";
import { Unreachable, MissingPermission } from "./errors";

export type Clients = ReturnType<typeof createClients>;

const ATTEMPTS = 4;
/** Milliseconds. */
const REQUEST_TIMEOUT = 10_000;
const CONNECTION_TIMEOUT = 5_000;
const LONGEST_DELAY = 4_000;

const DENIED = [
  "AccessDenied",
  "AccessDeniedException",
  "AuthorizationError",
  "AuthorizationErrorException",
  "InsufficientPrivilegesException",
  "UnauthorizedOperation",
];

/** Operations whose IAM action has another name. */
const ACTIONS: Record<string, string> = {
  "s3:ListBuckets": "s3:ListAllMyBuckets",
  "s3:ListObjectsV2": "s3:ListBucket",
  "s3:GetBucketEncryption": "s3:GetEncryptionConfiguration",
  "s3:GetPublicAccessBlock": "s3:GetBucketPublicAccessBlock",
  "s3control:GetPublicAccessBlock": "s3:GetAccountPublicAccessBlock",
};

/** The part of a client that {@link explain} uses; each client types its middleware differently. */
interface MiddlewareStack {
  add: (
    middleware: (
      next: (args: object) => Promise<never>,
      context: { commandName?: string },
    ) => (args: object) => Promise<never>,
    options: { step: "initialize"; priority: "high" },
  ) => void;
}

export interface ClientOptions {
  profile?: string;
  delay?: (attempt: number) => number;
}

/**
 * Read-only clients of all services that the checks ask. They give up after seconds, not minutes, and throw
 * {@link MissingPermission} with the IAM action if AWS denies a call, {@link Unreachable} if AWS cannot be reached.
 * @param options.profile The AWS profile of the credentials, where the AWS CLI has it.
 * @param options.delay Milliseconds before the given attempt.
 */
export function createClients(
  region: string,
  { delay = exponentialBackoff(LONGEST_DELAY), profile }: ClientOptions = {},
) {
  const endpoint = process.env["AWS_ENDPOINT_URL"];
  const forcePathStyle = endpoint !== undefined;
  const config = {
    region,
    ...(profile !== undefined && { profile }),
    retryStrategy: new ConfiguredRetryStrategy(ATTEMPTS, delay),
    requestHandler: new NodeHttpHandler({
      requestTimeout: REQUEST_TIMEOUT,
      throwOnRequestTimeout: true,
      connectionTimeout: CONNECTION_TIMEOUT,
    }),
  };
  return {
    acm: explain("acm", new ACMClient(config)),
    /** Certificates of CloudFront. */
    acmUsEast1: explain("acm", new ACMClient({ ...config, region: "us-east-1" })),
    /** Copies of backups are in another region. */
    backup: (vaultRegion: string) => explain("backup", new BackupClient({ ...config, region: vaultRegion })),
    beanstalk: explain("elasticbeanstalk", new ElasticBeanstalkClient(config)),
    cloudWatch: explain("cloudwatch", new CloudWatchClient(config)),
    ec2: explain("ec2", new EC2Client(config)),
    loadBalancing: explain("elasticloadbalancing", new ElasticLoadBalancingV2Client(config)),
    iam: explain("iam", new IAMClient(config)),
    quotas: explain("servicequotas", new ServiceQuotasClient(config)),
    rds: explain("rds", new RDSClient(config)),
    route53: explain("route53", new Route53Client(config)),
    // Servers at a plain address know neither buckets nor accounts by host name.
    s3: explain("s3", new S3Client({ ...config, forcePathStyle, followRegionRedirects: true })),
    /** Without credentials: the answer does not depend on permissions. */
    anonymousS3: explain(
      "s3",
      new S3Client({ ...config, forcePathStyle, signer: { sign: (request) => Promise.resolve(request) } }),
    ),
    s3Control: explain(
      "s3control",
      new S3ControlClient({
        ...config,
        ...(endpoint !== undefined && { endpointProvider: () => ({ url: new URL(endpoint) }) }),
      }),
    ),
    sns: explain("sns", new SNSClient(config)),
    // Servers at a plain address are not at the address of a queue.
    sqs: explain("sqs", new SQSClient({ ...config, useQueueUrlAsEndpoint: endpoint === undefined })),
    ssm: explain("ssm", new SSMClient(config)),
    sts: explain("sts", new STSClient(config)),
  };
}

/** Makes a client's errors say which permission is missing. */
function explain<C extends { middlewareStack: unknown }>(prefix: string, client: C): C {
  (client.middlewareStack as MiddlewareStack).add(
    (next, context) => async (args) => {
      try {
        return await next(args);
      } catch (error) {
        const operation = `${prefix}:${(context.commandName ?? "").replace(/Command$/, "")}`;
        throw explained(error, ACTIONS[operation] ?? operation);
      }
    },
    { step: "initialize", priority: "high" },
  );
  return client;
}

function explained(error: unknown, action: string): unknown {
  if (DENIED.includes(errorName(error))) return new MissingPermission(action);
  const status = httpStatus(error);
  // Without an answer, or with a server's failure or throttling after all attempts, nothing is known.
  if (status === undefined || status >= 500 || status === 429 || /throttl/i.test(errorName(error))) {
    return new Unreachable(`${action}: ${describeError(error)}`, { cause: error });
  }
  return error;
}
