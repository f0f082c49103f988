import { dependenciesOf, every, ownAccounts, regionsOfResource, Stack } from "./context";
import { RESOURCE_TYPES } from "./facts/resourceTypes";
import { Resource } from "./resource";
import { isUnknown, text, UNKNOWN } from "./values";

/**
 * The ARNs and URLs that follow from the name of a resource. PATH is the path of an IAM resource.
 *
 * @see https://docs.aws.amazon.com/service-authorization/latest/reference/
 */
const ARNS: Record<string, string[]> = {
  "aws:backup/vault:Vault": ["arn:aws:backup:REGION:ACCOUNT:backup-vault:NAME"],
  "aws:cloudwatch/logGroup:LogGroup": ["arn:aws:logs:REGION:ACCOUNT:log-group:NAME"],
  "aws:iam/policy:Policy": ["arn:aws:iam::ACCOUNT:policyPATHNAME"],
  "aws:iam/role:Role": ["arn:aws:iam::ACCOUNT:rolePATHNAME"],
  "aws:sns/topic:Topic": ["arn:aws:sns:REGION:ACCOUNT:NAME"],
  "aws:sqs/queue:Queue": ["arn:aws:sqs:REGION:ACCOUNT:NAME", "https://sqs.REGION.amazonaws.com/ACCOUNT/NAME"],
  "aws:ssm/parameter:Parameter": ["arn:aws:ssm:REGION:ACCOUNT:parameterNAME"],
};

/** The name of a resource in AWS; "" if it has none. */
export const nameOf = ({ type, inputs }: Pick<Resource, "type" | "inputs">): string =>
  text(inputs[RESOURCE_TYPES[type]?.name?.property ?? ""]);

/** The names of the aliases of a KMS key. */
const aliasesOf = ({ type, urn, id }: Resource, stack: Stack): string[] =>
  type === "aws:kms/key:Key"
    ? every(stack, "aws:kms/alias:Alias")
        .filter(
          (alias) =>
            dependenciesOf(alias, "targetKeyId").includes(urn) ||
            (id !== undefined && id !== "" && alias.inputs.targetKeyId === id),
        )
        .map(nameOf)
    : [];

/** The texts by which another resource can name a resource: its id, name, ARN, URL, aliases and load balancers. */
export function identitiesOf(resource: Resource, stack: Stack): string[] {
  const { type, id = "", inputs, outputs = {} } = resource;
  const name = nameOf(resource);
  const fill = (format: string) =>
    ownAccounts(stack).flatMap((account) =>
      regionsOfResource(resource, stack).map((region) =>
        format
          .replace("REGION", region)
          .replace("ACCOUNT", account)
          .replace("PATH", text(inputs.path) || "/")
          .replace("NAME", name),
      ),
    );
  const formats = ARNS[type] ?? [];
  const { arn, url, fqdn, loadBalancers, allocationId } = outputs;
  // What AWS derives from the name is not read from the outputs, which are old if the program changes the name.
  const isNamed =
    name !== "" && (formats.length > 0 || id === outputs[RESOURCE_TYPES[type]?.name?.property ?? ""]);
  return [
    name,
    ...aliasesOf(resource, stack),
    ...(isNamed ? [] : [id, arn, url]).map(text),
    ...[fqdn, allocationId].map(text),
    ...(Array.isArray(loadBalancers) ? loadBalancers.map(text) : []),
    ...(name === "" ? [] : formats.flatMap(fill)),
  ].filter((one) => one !== "" && !isUnknown(one));
}

/** The resources of one type by the texts that name them. */
export const byIdentity = (type: string, stack: Stack): Map<string, Resource> =>
  stack.once(`${type} by identity`, () => {
    const named = every(stack, type).flatMap((resource) =>
      identitiesOf(resource, stack).map((identity) => [identity, resource] as const),
    );
    return new Map(named);
  });

/** True if the ids of all resources of a type are known. The engine does not pass the id of a resource before it exists. */
export const hasKnownIds = (type: string, stack: Stack): boolean =>
  stack.once(`ids of ${type} known`, () =>
    every(stack, type).every(({ id = "" }) => id !== "" && id !== UNKNOWN),
  );
