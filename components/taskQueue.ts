import * as aws from "@pulumi/aws";
import * as pulumi from "@pulumi/pulumi";
import { Naming } from "./common/naming";
import { policyDocument } from "./iam/policyDocument";

export interface TaskQueueArgs {
  naming: Naming;
  timing: TaskTiming;
}

/** How long a task may take and how often it is tried: one truth for the queue, the daemon and the proxy. */
export interface TaskTiming {
  /** Seconds that the worker's daemon waits for the application's answer. The proxy gives up after 900. */
  inactivityTimeout: number;
  /** Seconds for which a received message is hidden from other workers: longer than the daemon waits. */
  visibilityTimeout: number;
  /** Seconds after which a message that nobody worked on is dropped. */
  retentionPeriod: number;
  /** Seconds for which dead letters are kept, at most 14 days. */
  deadLetterRetentionPeriod: number;
  /** How often a message is received before it becomes a dead letter. */
  maxReceives: number;
}

/**
 * The proxy on the instances ends a request after 900 seconds, so the daemon waits that long and the message
 * stays hidden a minute longer. A task that was begun ignores a second delivery, so retrying costs nothing, but
 * a message that failed three times will fail again.
 */
export const TASK_TIMING: TaskTiming = {
  inactivityTimeout: 900,
  visibilityTimeout: 960,
  retentionPeriod: 4 * 86_400,
  deadLetterRetentionPeriod: 14 * 86_400,
  maxReceives: 3,
};

/** Seconds for which a receive waits for a message, SQS's maximum. */
const LONG_POLLING_SECONDS = 20;

/**
 * The queue of Iaso's background tasks, with a queue for the messages that nobody could work on.
 *
 * @see https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-dead-letter-queues.html
 */
export class TaskQueue extends pulumi.ComponentResource {
  readonly queue: aws.sqs.Queue;
  readonly queueName: string;
  readonly deadLetterQueueName: string;

  constructor(name: string, args: TaskQueueArgs, opts?: pulumi.ComponentResourceOptions) {
    super("iaso:index:TaskQueue", name, {}, opts);
    const { naming, timing } = args;
    this.queueName = naming.queue;
    this.deadLetterQueueName = naming.name("tasks-dead-letters");

    const deadLetters = new aws.sqs.Queue(
      `${name}-dead-letters`,
      {
        name: this.deadLetterQueueName,
        sqsManagedSseEnabled: true,
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
        sqsManagedSseEnabled: true,
        receiveWaitTimeSeconds: LONG_POLLING_SECONDS,
        visibilityTimeoutSeconds: timing.visibilityTimeout,
        messageRetentionSeconds: timing.retentionPeriod,
        redrivePolicy: JSON.stringify({
          deadLetterTargetArn: naming.arn("sqs", this.deadLetterQueueName),
          maxReceiveCount: timing.maxReceives,
        }),
        tags: naming.tags(),
      },
      // SQS refuses a redrive policy that names a queue which does not exist; its ARN is built from its name.
      { parent: this, dependsOn: [deadLetters] },
    );
    refusePlainHttp(naming, this.queue, name, this.queueName);
    refusePlainHttp(naming, deadLetters, `${name}-dead-letters`, this.deadLetterQueueName);
    this.registerOutputs({ url: this.queue.url });
  }
}

function refusePlainHttp(naming: Naming, queue: aws.sqs.Queue, name: string, queueName: string): void {
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
