import { arn, nameOrGenerated, ResourceTypes } from "./model";

export const resourceTypes: ResourceTypes = {
  "aws:ssm/parameter:Parameter": (creation) => {
    const id = nameOrGenerated(creation, "name");
    return {
      id,
      outputs: { name: id, arn: arn(creation, "ssm", `parameter${id}`), version: 1, tier: "Standard" },
    };
  },
};
