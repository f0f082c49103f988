import { arn, digest, nameOr, ResourceTypes, text } from "./model";

export const resourceTypes: ResourceTypes = {
  "aws:sqs/queue:Queue": (creation) => {
    const name = nameOr(creation, "name");
    const url = `https://sqs.${creation.region}.amazonaws.com/${creation.accountId}/${name}`;
    return { id: url, outputs: { name, url, arn: arn(creation, "sqs", name) } };
  },
  "aws:sqs/queuePolicy:QueuePolicy": ({ inputs }) => ({ id: text(inputs, "queueUrl"), outputs: {} }),
  "aws:sns/topic:Topic": (creation) => {
    const name = nameOr(creation, "name");
    const topicArn = arn(creation, "sns", name);
    return { id: topicArn, outputs: { name, arn: topicArn } };
  },
  "aws:sns/topicPolicy:TopicPolicy": ({ inputs }) => ({ id: text(inputs, "arn"), outputs: {} }),
  "aws:sns/topicSubscription:TopicSubscription": ({ inputs }) => {
    const id = `${text(inputs, "topic")}:${digest(JSON.stringify(inputs), 8)}`;
    return { id, outputs: { arn: id, pendingConfirmation: true } };
  },
};
