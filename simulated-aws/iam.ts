import { arn, Creation, digest, idFromInputs, nameOrGenerated, ResourceTypes, requiredText } from "./model";

const named = (kind: string) => (creation: Creation) => {
  const id = nameOrGenerated(creation, "name");
  return {
    id,
    outputs: {
      name: id,
      arn: arn(creation, "iam", `${kind}/${id}`, { global: true }),
      uniqueId: `AROA${digest(id, 17).toUpperCase()}`,
    },
  };
};

export const resourceTypes: ResourceTypes = {
  "aws:iam/role:Role": named("role"),
  "aws:iam/instanceProfile:InstanceProfile": named("instance-profile"),
  "aws:iam/policy:Policy": (creation) => {
    const created = named("policy")(creation);
    return { ...created, id: created.outputs.arn };
  },
  "aws:iam/rolePolicy:RolePolicy": ({ inputs, name }) => ({
    id: `${requiredText(inputs, "role")}:${typeof inputs.name === "string" ? inputs.name : name}`,
    outputs: {},
  }),
  "aws:iam/rolePolicyAttachment:RolePolicyAttachment": idFromInputs("role", "policyArn"),
  "aws:iam/openIdConnectProvider:OpenIdConnectProvider": (creation) => {
    const host = requiredText(creation.inputs, "url").replace("https://", "");
    const id = arn(creation, "iam", `oidc-provider/${host}`, { global: true });
    return { id, outputs: { arn: id } };
  },
};
