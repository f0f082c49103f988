import { arn, digest, idFromInputs, nameOrGenerated, ResourceTypes, requiredText } from "./model";

export const resourceTypes: ResourceTypes = {
  "aws:sns/topic:Topic": (creation) => {
    const name = nameOrGenerated(creation, "name");
    const topicArn = arn(creation, "sns", name);
    return { id: topicArn, outputs: { name, arn: topicArn } };
  },
  "aws:sns/topicPolicy:TopicPolicy": idFromInputs("arn"),
  "aws:sns/topicSubscription:TopicSubscription": ({ inputs }) => {
    const id = `${requiredText(inputs, "topic")}:${digest(JSON.stringify(inputs), 8)}`;
    return { id, outputs: { arn: id, pendingConfirmation: true } };
  },
};
