import { defineRule } from "../rule";
import { demand, text } from "../values";

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
  check: ({ inputs: { transitEncryptionEnabled, transitEncryptionMode, authToken } }) => [
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
    ...demand(authToken, text(authToken) !== "", "authToken", "a secret"),
  ],
});
