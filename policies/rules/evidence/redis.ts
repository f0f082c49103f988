import { dependenciesOf, every, Stack } from "../../context";
import { byIdentity } from "../../identity";
import { Resource } from "../../resource";
import { defineRule } from "../../rule";

import { array, at, demand, hasUnknown, isUnknown, notEvaluated, text } from "../../values";
import { ENVIRONMENT, optionOf, SECRET_VARIABLES, VARIABLES } from "../../optionSettings";

const REDIS = "aws:elasticache/replicationGroup:ReplicationGroup";
const PARAMETERS = "aws:elasticache/parameterGroup:ParameterGroup";

/** The variables of Enketo that name its two Redis. */
const MAIN = "ENKETO_REDIS_MAIN_URL";
const CACHE = "ENKETO_REDIS_CACHE_URL";

/** The eviction policy of a Redis, by its parameter group; that of AWS's default group is volatile-lru. */
function evictionOf(redis: Resource, stack: Stack): unknown {
  const group = byIdentity(PARAMETERS, stack).get(text(redis.inputs.parameterGroupName));
  if (group === undefined) return "volatile-lru";
  if (hasUnknown(group.inputs.parameters)) return "[unknown]";
  const values = array(group.inputs.parameters)
    .filter((one) => at(one as Record<string, unknown>, "name") === "maxmemory-policy")
    .map((one) => at(one as Record<string, unknown>, "value"));
  return values.length === 0 ? "volatile-lru" : values[values.length - 1];
}

/** The Redis by the first labels of their hosts: ID.…, or master.ID.… with TLS. The rest is AWS's. */
const byHost = (stack: Stack): Map<string, Resource> =>
  stack.once("Redis by host", () => {
    const pairs = every(stack, REDIS).flatMap((redis) => {
      const own = redis.outputs?.primaryEndpointAddress;
      const id = text(redis.inputs.replicationGroupId);
      // While the address is unknown, the id of the group tells what it will begin with.
      return typeof own === "string" && !isUnknown(own) && own.replace(/^master\./, "").startsWith(`${id}.`)
        ? [[own, redis] as const]
        : [[id, redis] as const, [`master.${id}`, redis] as const];
    });
    return new Map(pairs);
  });

/** The Redis that an address names. */
function redisAt(address: unknown, stack: Stack): Resource | undefined {
  const host = /^rediss?:\/\/(?:[^@/]*@)?([^:/]+):6379(?:\/\d+)?$/.exec(text(address))?.[1] ?? "";
  const hosts = byHost(stack);
  return hosts.get(host) ?? hosts.get(/^(?:master\.)?[^.]+/.exec(host)?.[0] ?? "");
}

/** Enketo's address for one of its Redis. */
const addressOf = (environment: Resource, name: string): unknown => optionOf(environment, VARIABLES, name);

/** True if a Redis is Enketo's persistent one: its address says so, else that it does not evict. */
function isPersistent(redis: Resource, stack: Stack): boolean {
  const named = stack.once("persistent Redis", () => {
    const addresses = every(stack, ENVIRONMENT).flatMap((one) => addressOf(one, MAIN) ?? []);
    return addresses.some(isUnknown) || addresses.length === 0
      ? undefined
      : new Set(addresses.map((one) => redisAt(one, stack)?.urn));
  });
  return named?.has(redis.urn) ?? !text(evictionOf(redis, stack)).startsWith("allkeys");
}

export const redisKeepsData = defineRule({
  name: "redis-keeps-data",
  kind: "evidence",
  types: [REDIS],
  description:
    "Enketo's persistent Redis has daily snapshots, a final one, and evicts nothing that has no expiry; its cache evicts anything",
  why: "it holds the links to forms that people filled in, and nothing else has them",
  severity: "high",
  neighbours: true,
  parameters: {
    minDays: {
      type: "number",
      default: 7,
      description: "Minimum number of days for which snapshots are kept",
    },
  },
  check: (redis, stack) => {
    const { minDays } = stack.parameters;
    const { snapshotRetentionLimit, finalSnapshotIdentifier } = redis.inputs;
    const eviction = evictionOf(redis, stack);
    if (!isPersistent(redis, stack))
      return demand(
        eviction,
        /^allkeys-(lru|lfu|random)$/.test(text(eviction)),
        "maxmemory-policy of its parameter group",
        "allkeys-lru",
      );
    return [
      ...demand(
        snapshotRetentionLimit,
        Number(snapshotRetentionLimit) >= minDays && Number(snapshotRetentionLimit) <= 35,
        "snapshotRetentionLimit",
        `a number from ${String(minDays)} to 35`,
      ),
      ...demand(
        finalSnapshotIdentifier,
        /^[a-z](?!.*--)[a-z0-9-]*[a-z0-9]$/i.test(text(finalSnapshotIdentifier)),
        "finalSnapshotIdentifier",
        "a name",
      ),
      ...demand(
        eviction,
        /^(noeviction|volatile-\w+)$/.test(text(eviction)),
        "maxmemory-policy of its parameter group",
        "noeviction or volatile-lru",
      ),
    ];
  },
});

export const redisFailover = defineRule({
  name: "redis-failover",
  kind: "evidence",
  types: [REDIS],
  description: "Enketo's persistent Redis has a replica in another zone, which takes over by itself",
  why: "the failure of one zone would stop data collection",
  severity: "medium",
  reference: "AWS FSBP ElastiCache.3",
  neighbours: true,
  check: (redis, stack) => {
    if (!isPersistent(redis, stack)) return [];
    const { numCacheClusters, automaticFailoverEnabled, multiAzEnabled } = redis.inputs;
    return [
      ...demand(numCacheClusters, Number(numCacheClusters) >= 2, "numCacheClusters", "2 or more"),
      ...demand(
        automaticFailoverEnabled,
        automaticFailoverEnabled === true,
        "automaticFailoverEnabled",
        "true",
      ),
      ...demand(multiAzEnabled, multiAzEnabled === true, "multiAzEnabled", "true"),
    ];
  },
});

export const redisTlsAgrees = defineRule({
  name: "redis-tls-agrees",
  kind: "values together",
  types: [ENVIRONMENT],
  description:
    "Enketo uses TLS and a token for its Redis exactly where the Redis demands them: rediss:// and ENKETO_REDIS_AUTH_TOKEN",
  why: "Enketo could not connect, and no form would open",
  severity: "high",
  neighbours: true,
  check: (environment, stack) => {
    if (text(environment.inputs.tags?.role) !== "enketo") return [];
    const hasToken = optionOf(environment, SECRET_VARIABLES, "ENKETO_REDIS_AUTH_TOKEN") !== undefined;
    const isOn = ({ inputs }: Resource) => text(inputs.transitEncryptionEnabled) === "true";
    if (every(stack, REDIS).some(({ inputs }) => isUnknown(inputs.transitEncryptionEnabled)))
      return notEvaluated("transitEncryptionEnabled of a Redis");
    const others = every(stack, REDIS).filter((redis) => isOn(redis) !== hasToken);
    const addresses = [MAIN, CACHE].flatMap((name) => {
      const address = addressOf(environment, name);
      const redis = isUnknown(address) ? undefined : redisAt(address, stack);
      const isTls = text(address).startsWith("rediss://");
      return redis === undefined || isOn(redis) === isTls
        ? []
        : [
            `Variable ${name} begins with ${isTls ? "rediss" : "redis"}://, but ${redis.name} has transitEncryptionEnabled ${String(!isTls)}. Write ${isTls ? "redis" : "rediss"}://.`,
          ];
    });
    return [
      ...addresses,
      ...others.map(
        ({ name }) =>
          `${name} has transitEncryptionEnabled ${String(!hasToken)}, and Enketo ${hasToken ? "a" : "no"} secret variable ENKETO_REDIS_AUTH_TOKEN. Write both or neither.`,
      ),
    ];
  },
});

export const enketoRedis = defineRule({
  name: "enketo-own-redis",
  kind: "closed world",
  types: [ENVIRONMENT],
  description: "Enketo keeps its data and its cache in two different Redis of this program",
  why: "a cache that is full would push the data out, and another Redis could be read by others",
  severity: "critical",
  neighbours: true,
  check: (environment, stack) => {
    if (text(environment.inputs.tags?.role) !== "enketo") return [];
    const [main, cache] = [addressOf(environment, MAIN), addressOf(environment, CACHE)];
    const linked = dependenciesOf(environment, "settings").filter((urn) => urn.includes(REDIS)).length;
    const check = (name: string, address: unknown) => {
      if (isUnknown(address)) return linked > 1 ? [] : notEvaluated(`variable ${name}`);
      return redisAt(address, stack) === undefined
        ? [`Variable ${name} is ${JSON.stringify(address)}. Write the address of a Redis of this program.`]
        : [];
    };
    return [
      ...check(MAIN, main),
      ...check(CACHE, cache),
      ...(!isUnknown(main) && main !== undefined && redisAt(main, stack) === redisAt(cache, stack)
        ? [`Variables ${MAIN} and ${CACHE} name one Redis. Write two.`]
        : []),
    ];
  },
});
