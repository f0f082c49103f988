import { defineRule } from "../rule";
import { ENVIRONMENT, optionOf, SECRET_VARIABLES } from "../optionSettings";
import { demand } from "../values";

const REDIS = "aws:elasticache/replicationGroup:ReplicationGroup";

export const redisEncryptedAtRest = defineRule({
  name: "redis-encrypted-at-rest",
  types: [REDIS],
  description: "Redis is encrypted at rest",
  why: "a copied disk would be readable",
  severity: "high",
  reference: "AWS FSBP ElastiCache.4",
  check: ({ inputs: { atRestEncryptionEnabled } }) =>
    demand(atRestEncryptionEnabled, atRestEncryptionEnabled === true, "atRestEncryptionEnabled", "true"),
});

export const redisEncryptedInTransit = defineRule({
  name: "redis-encrypted-in-transit",
  types: [REDIS],
  description: "Redis requires TLS and a token",
  why: "others on the network could read and change the data",
  severity: "high",
  reference: "AWS FSBP ElastiCache.5",
  neighbours: true,
  check: ({ inputs: { transitEncryptionEnabled, transitEncryptionMode } }, stack) => [
    ...demand(
      transitEncryptionEnabled,
      transitEncryptionEnabled === true,
      "transitEncryptionEnabled",
      "true",
    ),
    ...demand(
      transitEncryptionMode,
      transitEncryptionMode !== "preferred",
      "transitEncryptionMode",
      "required: preferred accepts connections without TLS",
    ),
    // The token is set without Pulumi. Enketo uses one if its environment has it.
    ...(stack
      .ofType(ENVIRONMENT)
      .some((environment) => optionOf(environment, SECRET_VARIABLES, "ENKETO_REDIS_AUTH_TOKEN") !== undefined)
      ? []
      : ["No environment has the secret variable ENKETO_REDIS_AUTH_TOKEN. Write it for Enketo."]),
  ],
});
