import { arn, digest, named, nameOr, ResourceTypes, text } from "./model";

export const resourceTypes: ResourceTypes = {
  "aws:rds/subnetGroup:SubnetGroup": named("rds", "subgrp"),
  "aws:rds/parameterGroup:ParameterGroup": named("rds", "pg"),
  "aws:rds/instance:Instance": (creation) => {
    const identifier = nameOr(creation, "identifier");
    const address = `${identifier}.c${digest(creation.accountId, 11)}.${creation.region}.rds.amazonaws.com`;
    return {
      id: `db-${digest(identifier, 26).toUpperCase()}`,
      outputs: {
        identifier,
        address,
        endpoint: `${address}:${text({ port: 5432, ...creation.inputs }, "port")}`,
        arn: arn(creation, "rds", `db:${identifier}`),
        status: "available",
      },
    };
  },
};
