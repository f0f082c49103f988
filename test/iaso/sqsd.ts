import { request } from "node:http";
import { setTimeout as sleep } from "node:timers/promises";
import {
  ChangeMessageVisibilityCommand,
  DeleteMessageCommand,
  type Message,
  ReceiveMessageCommand,
  SendMessageCommand,
  type SQSClient,
} from "@aws-sdk/client-sqs";

export interface SqsdArgs {
  sqs: SQSClient;
  queueUrl: string;
  /** The socket of the worker's nginx. */
  proxy: string;
  /** The options of the namespace aws:elasticbeanstalk:sqsd. */
  options: Readonly<Record<string, string>>;
}

/** A message that the application did not accept. */
export interface Refused {
  path: string;
  status: number;
  answer: string;
}

const VERSION = "3.0.5";

/**
 * The daemon of worker environments: posts each message of the queue to the application, deletes it after 200, and
 * makes it visible again after any other answer. SQS moves a message to the dead letters after its last attempt.
 *
 * A periodic task is a message whose attributes name the path. It is posted without a body.
 *
 * @see https://docs.aws.amazon.com/elasticbeanstalk/latest/dg/using-features-managing-env-tiers.html
 */
export class Sqsd {
  readonly refused: Refused[] = [];
  /** Number of messages that the application accepted. */
  accepted = 0;
  private running = true;
  private readonly loop: Promise<void>;

  constructor(private readonly args: SqsdArgs) {
    this.loop = this.poll();
  }

  async stop(): Promise<void> {
    this.running = false;
    await this.loop;
  }

  /** Sends a periodic task, as the leader among the daemons does when it is due. */
  async schedule(name: string, path: string): Promise<void> {
    const text = (StringValue: string) => ({ DataType: "String", StringValue });
    await this.args.sqs.send(
      new SendMessageCommand({
        QueueUrl: this.args.queueUrl,
        MessageBody: "elasticbeanstalk scheduled job",
        MessageAttributes: {
          "beanstalk.sqsd.path": text(path),
          "beanstalk.sqsd.task_name": text(name),
          "beanstalk.sqsd.scheduled_time": text(new Date().toISOString()),
        },
      }),
    );
  }

  private async poll(): Promise<void> {
    const { options, queueUrl, sqs } = this.args;
    while (this.running) {
      const { Messages = [] } = await sqs.send(
        new ReceiveMessageCommand({
          QueueUrl: queueUrl,
          MaxNumberOfMessages: 1,
          WaitTimeSeconds: 1,
          VisibilityTimeout: Number(options["VisibilityTimeout"]),
          MessageAttributeNames: ["All"],
          MessageSystemAttributeNames: ["All"],
        }),
      );
      for (const message of Messages) await this.deliver(message);
      if (Messages.length === 0) await sleep(200);
    }
  }

  private async deliver(message: Message): Promise<void> {
    const { options, queueUrl, sqs } = this.args;
    const attribute = (name: string) => message.MessageAttributes?.[`beanstalk.sqsd.${name}`]?.StringValue;
    const scheduled = attribute("scheduled_time");
    const path = attribute("path") ?? options["HttpPath"] ?? "/";
    const system = message.Attributes ?? {};
    const time = (milliseconds?: string) => new Date(Number(milliseconds)).toISOString();
    const headers = {
      "content-type": options["MimeType"] ?? "application/json",
      "User-Agent": `aws-sqsd/${VERSION}`,
      "X-aws-sqsd-msgid": message.MessageId ?? "",
      "X-aws-sqsd-receive-count": system.ApproximateReceiveCount ?? "1",
      "X-aws-sqsd-first-received-at": time(system.ApproximateFirstReceiveTimestamp),
      "X-aws-sqsd-sent-at": time(system.SentTimestamp),
      "X-aws-sqsd-queue": queueUrl.split("/").at(-1) ?? "",
      "X-aws-sqsd-path": path,
      "X-aws-sqsd-sender-id": system.SenderId ?? "",
      ...(scheduled === undefined
        ? {}
        : { "X-aws-sqsd-scheduled-at": scheduled, "X-aws-sqsd-taskname": attribute("task_name") ?? "" }),
    };
    const { answer, status } = await this.post(
      path,
      headers,
      scheduled === undefined ? message.Body : undefined,
    );
    const ReceiptHandle = message.ReceiptHandle;
    if (status === 200) {
      await sqs.send(new DeleteMessageCommand({ QueueUrl: queueUrl, ReceiptHandle }));
      this.accepted += 1;
      return;
    }
    this.refused.push({ path, status, answer: answer.slice(0, 500) });
    const VisibilityTimeout = Number(options["ErrorVisibilityTimeout"]);
    await sqs.send(
      new ChangeMessageVisibilityCommand({ QueueUrl: queueUrl, ReceiptHandle, VisibilityTimeout }),
    );
  }

  private post(
    path: string,
    headers: Record<string, string>,
    body = "",
  ): Promise<{ status: number; answer: string }> {
    const length = { "Content-Length": String(Buffer.byteLength(body)), Host: "localhost" };
    return new Promise((resolve) => {
      const options = {
        socketPath: this.args.proxy,
        method: "POST",
        path,
        headers: { ...headers, ...length },
      };
      const outgoing = request(options, (incoming) => {
        let answer = "";
        incoming.on("data", (chunk: Buffer) => (answer += chunk.toString()));
        incoming.on("end", () => {
          resolve({ status: incoming.statusCode ?? 0, answer });
        });
      });
      outgoing.on("error", (error) => {
        resolve({ status: 0, answer: error.message });
      });
      outgoing.end(body);
    });
  }
}
