import { ElasticBeanstalkClient } from "@aws-sdk/client-elastic-beanstalk";
import { RDSClient } from "@aws-sdk/client-rds";
import { S3Client } from "@aws-sdk/client-s3";
import { SQSClient } from "@aws-sdk/client-sqs";
import { SSMClient } from "@aws-sdk/client-ssm";
import { ConfiguredRetryStrategy } from "@smithy/core/retry";
import { NodeHttpHandler } from "@smithy/node-http-handler";

export interface Clients {
  beanstalk: ElasticBeanstalkClient;
  rds: RDSClient;
  s3: S3Client;
  sqs: SQSClient;
  ssm: SSMClient;
}

/** Attempts of one call, the first included. */
const ATTEMPTS = 6;
/** Milliseconds after which an unanswered request counts as lost. */
const REQUEST_TIMEOUT = 20_000;
/** Milliseconds between attempts at most. */
const LONGEST_DELAY = 10_000;

/**
 * The longest that one call can last with all its attempts, in milliseconds. The lease of the lock is longer, so
 * that a change that was begun under the lock has also ended under it.
 */
export const LONGEST_CALL = ATTEMPTS * REQUEST_TIMEOUT + (ATTEMPTS - 1) * LONGEST_DELAY;

/** Doubles from half a second, with jitter so that callers throttled together do not come back together. */
export function backoff(attempt: number): number {
  return Math.min(LONGEST_DELAY, 500 * 2 ** attempt) * (0.5 + Math.random() / 2);
}

export interface ClientSettings {
  region: string;
  /** S3-compatible servers at a plain address know buckets by path only. */
  pathStyle?: boolean;
  /** Milliseconds; 20 seconds by default. */
  requestTimeout?: number;
  /** Milliseconds before the given attempt. */
  delay?: (attempt: number) => number;
  /** Stands in for the network in tests that end the process at a given call. */
  requestHandler?: NodeHttpHandler;
}

/** Clients that repeat throttled and passing failures with backoff, and give up on silent connections. */
export function createClients(settings: ClientSettings): Clients {
  const requestTimeout = settings.requestTimeout ?? REQUEST_TIMEOUT;
  const config = {
    region: settings.region,
    retryStrategy: new ConfiguredRetryStrategy(ATTEMPTS, settings.delay ?? backoff),
    requestHandler:
      settings.requestHandler ??
      new NodeHttpHandler({ requestTimeout, throwOnRequestTimeout: true, connectionTimeout: 5_000 }),
  };
  return {
    beanstalk: new ElasticBeanstalkClient(config),
    rds: new RDSClient(config),
    s3: new S3Client({ ...config, forcePathStyle: settings.pathStyle === true }),
    sqs: new SQSClient(config),
    ssm: new SSMClient(config),
  };
}
