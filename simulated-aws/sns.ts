import { arn, digest, knownBy, nameOr, ResourceTypes, text } from "./model";

export const resourceTypes: ResourceTypes = {
  "aws:sns/topic:Topic": (creation) => {
    const name = nameOr(creation, "name");
    const topicArn = arn(creation, "sns", name);
    return { id: topicArn, outputs: { name, arn: topicArn } };
  },
  "aws:sns/topicPolicy:TopicPolicy": knownBy("arn"),
  "aws:sns/topicSubscription:TopicSubscription": ({ inputs }) => {
    const id = `${text(inputs, "topic")}:${digest(JSON.stringify(inputs), 8)}`;
    return { id, outputs: { arn: id, pendingConfirmation: true } };
  },
};
