import { ELASTICACHE_NODE_TYPES } from "../../policies/facts/instanceTypes";
import type { Note, Part } from "../note";

/** The version whose image the tests of this project run. */
const IMAGE =
  "enketo/enketo-express:4.1.1@sha256:84f382ef00a880a80bba8e76d704aa40293d2c91c7f44ec1d7f140b630907094";

export const enketo: Part = {
  judge: ({ enketo: existing, otherEnketo, web }, set) => {
    const settings = { enketoImage: IMAGE };
    const notes = otherEnketo.map(({ name }): Note => ({
      kind: "decide",
      what: `There is another Enketo, ${name}, to which ENKETO_URL does not point.`,
      why: "The new platform has one Enketo. Links of that one to forms stop working with it.",
    }));
    if (existing === undefined) {
      const url = web.variables["ENKETO_URL"] ?? "";
      notes.push({
        kind: "decide",
        what:
          url === ""
            ? "The existing Iaso has no Enketo. The new one has."
            : "No Beanstalk environment of this account and region is the Enketo of ENKETO_URL.",
        why:
          url === ""
            ? "Web forms need it."
            : "Its data about forms, and the key that encrypts them, must be brought by hand, or links to forms stop working.",
      });
      return { settings, notes };
    }
    notes.push({
      kind: "decide",
      what: `The version of Enketo: ${existing.name} has it in its source bundle (${existing.version ?? "no version"}). The file has 4.1.1.`,
      why: "Enketo reads the data of earlier versions, not of later ones.",
      fix: set("enketoImage"),
    });
    const isKeyless = !("ENKETO_ENCRYPTION_KEY" in { ...existing.variables, ...existing.secretVariables });
    if (isKeyless) {
      notes.push({
        kind: "changes",
        what: `${existing.name} has no ENKETO_ENCRYPTION_KEY. The new one has.`,
        why: "Each of its containers chose a key of its own, which cannot be read: what Enketo encrypted is lost at each start.",
      });
    }
    return { settings, notes };
  },
};

export const redis: Part = {
  judge: ({ enketo: environment, redis: existing, unread }, set) => {
    const settings = { enketoRedisReplicas: 1 };
    const main = existing.find(({ kind }) => kind === "main");
    if (main === undefined) {
      // Another part lists what could not be read.
      const isUnknown = environment === undefined || unread.some(({ what }) => what === "Enketo's Redis");
      return {
        settings,
        notes: isUnknown
          ? []
          : [
              {
                kind: "decide",
                what: `The main Redis of ${environment.name} is not on ElastiCache.`,
                why: "It has no snapshot to start from: Enketo's ids of forms, and so the links to them, must be copied by hand.",
              },
            ],
      };
    }
    const { id, isEncrypted, nodes, nodeType, snapshotDays } = main;
    const isOffered = ELASTICACHE_NODE_TYPES.includes(nodeType);
    const notes: Note[] = [
      isOffered
        ? { kind: "taken over", what: `The size of Enketo's Redis ${id}: ${nodeType}.` }
        : {
            kind: "decide",
            what: `ElastiCache does not offer ${nodeType} any more: the file has the default.`,
            fix: set("enketoRedisNodeType"),
          },
    ];
    if (!isEncrypted)
      notes.push({ kind: "changes", what: `Enketo's Redis ${id} is not encrypted. The new one is.` });
    if (snapshotDays === 0) {
      notes.push({
        kind: "changes",
        what: `Enketo's Redis ${id} has no snapshots. The new one has.`,
        why: "It holds the links to forms that people filled in, and nothing else has them.",
      });
    }
    if (nodes < 2) {
      notes.push({
        kind: "changes",
        what: `Enketo's Redis ${id} has one node. The new one has a replica in another zone.`,
        why: "The failure of one zone would stop data collection.",
      });
    }
    if (existing.find(({ kind }) => kind === "cache")?.id === id) {
      notes.push({
        kind: "changes",
        what: `Enketo keeps its data and its cache in one Redis, ${id}. The new one has two.`,
        why: "A cache that is full would push the data out.",
      });
    }
    return { settings: { ...settings, ...(isOffered && { enketoRedisNodeType: nodeType }) }, notes };
  },
};
