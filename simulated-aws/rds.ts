import { arn, digest, withNameAsId, nameOrGenerated, ResourceTypes, requiredText } from "./model";

export const resourceTypes: ResourceTypes = {
  "aws:rds/subnetGroup:SubnetGroup": withNameAsId("rds", "subgrp"),
  "aws:rds/parameterGroup:ParameterGroup": withNameAsId("rds", "pg"),
  "aws:rds/instance:Instance": (creation) => {
    const identifier = nameOrGenerated(creation, "identifier");
    const isManaged = creation.inputs.manageMasterUserPassword;
    const address = `${identifier}.c${digest(creation.accountId, 11)}.${creation.region}.rds.amazonaws.com`;
    return {
      id: `db-${digest(identifier, 26).toUpperCase()}`,
      outputs: {
        identifier,
        address,
        endpoint: `${address}:${requiredText({ port: 5432, ...creation.inputs }, "port")}`,
        arn: arn(creation, "rds", `db:${identifier}`),
        status: "available",
        ...(isManaged === true && {
          masterUserSecrets: [
            {
              kmsKeyId: arn(creation, "kms", `key/${digest(`key ${creation.accountId}`, 32)}`),
              secretArn: arn(
                creation,
                "secretsmanager",
                `secret:rds!db-${digest(identifier, 36)}-${digest(address, 6)}`,
              ),
              secretStatus: "active",
            },
          ],
        }),
      },
    };
  },
};
