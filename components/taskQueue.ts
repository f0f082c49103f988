import * as aws from "@pulumi/aws";
import * as pulumi from "@pulumi/pulumi";
import { Naming } from "./common/naming";
import { EncryptionKey } from "./encryptionKey";
import { policyDocument } from "./iam/policyDocument";

export interface TaskQueueArgs {
  naming: Naming;
  /** Time limits of tasks. */
  timing: TaskTiming;
  /**
   * Encrypts the messages.
   *
   * @default SQS's own keys.
   */
  encryptionKey?: EncryptionKey;
}

/** Time limits of a task and its number of attempts, for the queue and for the worker's daemon. All times in seconds. */
export interface TaskTiming {
  /** How long the worker's daemon waits for Iaso's response. The proxy on the instance stops after 900. */
  inactivityTimeout: number;
  /** How long a received message is hidden from other workers. Must be longer than `inactivityTimeout`. */
  visibilityTimeout: number;
  /** Age at which SQS deletes a message that nobody has processed. At most 14 days. */
  retentionPeriod: number;
  /** Age at which SQS deletes a dead letter. At most 14 days. */
  deadLetterRetentionPeriod: number;
  /** Number of times a message is received before SQS moves it to the dead letter queue. */
  maxReceives: number;
}

/**
 * The proxy on the instances stops a request after 900 seconds, so the daemon waits as long, and the message stays
 * hidden a minute longer. Iaso ignores a second delivery of a task that it has started, so a retry is harmless. A
 * message that failed three times would fail again.
 */
export const TASK_TIMING: TaskTiming = {
  inactivityTimeout: 900,
  visibilityTimeout: 960,
  retentionPeriod: 4 * 86_400,
  deadLetterRetentionPeriod: 14 * 86_400,
  maxReceives: 3,
};

/** SQS's maximum. Long polling costs fewer requests. */
const LONG_POLLING_SECONDS = 20;

/** Time for which SQS uses a data key again: SQS's default, written so that the first preview knows it. */
const DATA_KEY_REUSE_SECONDS = 300;

/**
 * The queue of Iaso's background tasks, with a dead letter queue for messages that fail.
 *
 * @see https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-dead-letter-queues.html
 */
export class TaskQueue extends pulumi.ComponentResource {
  readonly queue: aws.sqs.Queue;
  readonly queueName: string;
  readonly deadLetterQueueName: string;

  constructor(name: string, args: TaskQueueArgs, opts?: pulumi.ComponentResourceOptions) {
    super("iaso:index:TaskQueue", name, {}, opts);
    const { naming, timing, encryptionKey } = args;
    this.queueName = naming.queue;
    this.deadLetterQueueName = naming.name("tasks-dead-letters");
    const encryption =
      encryptionKey === undefined
        ? { sqsManagedSseEnabled: true }
        : { kmsMasterKeyId: encryptionKey.alias, kmsDataKeyReusePeriodSeconds: DATA_KEY_REUSE_SECONDS };

    const deadLetters = new aws.sqs.Queue(
      `${name}-dead-letters`,
      {
        name: this.deadLetterQueueName,
        ...encryption,
        messageRetentionSeconds: timing.deadLetterRetentionPeriod,
        redriveAllowPolicy: JSON.stringify({
          redrivePermission: "byQueue",
          sourceQueueArns: [naming.arn("sqs", this.queueName)],
        }),
        tags: naming.tags(),
      },
      { parent: this },
    );
    this.queue = new aws.sqs.Queue(
      name,
      {
        name: this.queueName,
        ...encryption,
        receiveWaitTimeSeconds: LONG_POLLING_SECONDS,
        visibilityTimeoutSeconds: timing.visibilityTimeout,
        messageRetentionSeconds: timing.retentionPeriod,
        redrivePolicy: JSON.stringify({
          deadLetterTargetArn: naming.arn("sqs", this.deadLetterQueueName),
          maxReceiveCount: timing.maxReceives,
        }),
        tags: naming.tags(),
      },
      // SQS refuses a redrive policy with a queue that does not exist. The policy contains its ARN as text.
      { parent: this, dependsOn: [deadLetters] },
    );
    denyPlainHttp(naming, this.queue, name, this.queueName);
    denyPlainHttp(naming, deadLetters, `${name}-dead-letters`, this.deadLetterQueueName);
    this.registerOutputs({ url: this.queue.url });
  }
}

/** Creates a queue policy that denies requests without TLS. */
function denyPlainHttp(naming: Naming, queue: aws.sqs.Queue, name: string, queueName: string): void {
  new aws.sqs.QueuePolicy(
    name,
    {
      queueUrl: queue.url,
      policy: policyDocument([
        {
          Sid: "DenyPlainHttp",
          Effect: "Deny",
          Principal: "*",
          Action: "sqs:*",
          Resource: naming.arn("sqs", queueName),
          Condition: { Bool: { "aws:SecureTransport": "false" } },
        },
      ]),
    },
    { parent: queue },
  );
}
