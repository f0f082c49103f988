import { GetQueueAttributesCommand, GetQueueUrlCommand } from "@aws-sdk/client-sqs";
import { errorName } from "../../cli/awsErrors";
import { type Check, ok } from "../check";

/** @see https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-configure-dead-letter-queue-redrive.html */
export const deadLetters: Check = {
  name: "dead letters",
  phase: "check-up",
  async check({ clients, stack }) {
    const name = stack.deadLetterQueue;
    const queue = await clients.sqs
      .send(new GetQueueUrlCommand({ QueueName: name }))
      .catch((error: unknown) => {
        if (/NonExistentQueue|QueueDoesNotExist/.test(errorName(error))) return undefined;
        throw error;
      });
    if (queue === undefined) {
      return {
        findings: [
          {
            wrong: `There is no queue ${name}.`,
            why: "Background tasks that fail would be lost without a trace.",
            fix: `pulumi up --stack ${stack.name} --refresh`,
          },
        ],
      };
    }
    const { Attributes = {} } = await clients.sqs.send(
      new GetQueueAttributesCommand({
        QueueUrl: queue.QueueUrl,
        AttributeNames: ["ApproximateNumberOfMessages", "QueueArn"],
      }),
    );
    const messages = Number(Attributes["ApproximateNumberOfMessages"] ?? 0);
    if (messages === 0) return ok();
    return {
      findings: [
        {
          wrong: `The queue ${name} holds ${messages} background tasks that failed.`,
          why: "They have not been done, and SQS deletes them after some days.",
          fix: `When the cause is gone, run them again: aws sqs start-message-move-task --region ${stack.region} --source-arn ${Attributes["QueueArn"] ?? ""}`,
        },
      ],
    };
  },
};
