import { GetQueueAttributesCommand, type QueueAttributeName } from "@aws-sdk/client-sqs";
import { NotChecked } from "../../doctor/errors";
import { errorName } from "../../cli/awsErrors";
import type { Clients } from "../../doctor/clients";

/** The queue of Iaso's background tasks. */
export interface ExistingQueue {
  /** Tasks that wait or run. */
  messages: number;
  hasDeadLetterQueue: boolean;
  isEncrypted: boolean;
}

/** @throws NotChecked if there is no such queue */
export async function readQueue({ sqs }: Clients, url: string | undefined): Promise<ExistingQueue> {
  if (url === undefined || url === "")
    throw new NotChecked("neither the worker nor the variable BEANSTALK_SQS_URL names one");
  try {
    const { Attributes = {} } = await sqs.send(
      new GetQueueAttributesCommand({ QueueUrl: url, AttributeNames: ["All"] }),
    );
    const count = (name: QueueAttributeName) => Number(Attributes[name] ?? 0);
    return {
      messages: count("ApproximateNumberOfMessages") + count("ApproximateNumberOfMessagesNotVisible"),
      hasDeadLetterQueue: Attributes["RedrivePolicy"] !== undefined,
      isEncrypted:
        Attributes["SqsManagedSseEnabled"] === "true" || Attributes["KmsMasterKeyId"] !== undefined,
    };
  } catch (error) {
    if (/QueueDoesNotExist|NonExistentQueue/.test(errorName(error)))
      throw new NotChecked(`there is no queue ${url}`, { cause: error });
    throw error;
  }
}
