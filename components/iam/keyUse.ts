import { Naming } from "../common/naming";
import { OneOrMany, PolicyStatement } from "./policyDocument";

/** The use that a role makes of the environment's KMS key, and through which services. */
export interface KeyUse {
  Sid: string;
  Action: OneOrMany;
  /** Short names of the services, such as `s3`. */
  services: readonly string[];
  /** Names of the parameters that the role decrypts. Parameter Store passes each one's ARN to KMS. */
  parameterArns?: string[];
}

/**
 * Returns the statement that allows a role to use the key of its environment through services. It names the key by its
 * alias: the ARN is not known before the key exists, and a policy with an unknown part cannot be judged.
 *
 * @see https://docs.aws.amazon.com/kms/latest/developerguide/alias-authorization.html
 */
export function keyUse(naming: Naming, { Sid, Action, services, parameterArns }: KeyUse): PolicyStatement {
  return {
    Sid,
    Effect: "Allow",
    Action,
    Resource: naming.arn("kms", "key/*"),
    Condition: {
      StringEquals: {
        "kms:ViaService": services.map((service) => `${service}.${naming.region}.amazonaws.com`),
        ...(parameterArns && { "kms:EncryptionContext:PARAMETER_ARN": parameterArns }),
      },
      "ForAnyValue:StringEquals": { "kms:ResourceAliases": naming.keyAlias },
    },
  };
}
