import { arn, idFromInputs, nameOrGenerated, ResourceTypes } from "./model";

export const resourceTypes: ResourceTypes = {
  "aws:sqs/queue:Queue": (creation) => {
    const name = nameOrGenerated(creation, "name");
    const url = `https://sqs.${creation.region}.amazonaws.com/${creation.accountId}/${name}`;
    return { id: url, outputs: { name, url, arn: arn(creation, "sqs", name) } };
  },
  "aws:sqs/queuePolicy:QueuePolicy": idFromInputs("queueUrl"),
};
