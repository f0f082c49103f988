import { targetsOf } from "../../references";
import { Stack } from "../../context";
import { Resource } from "../../resource";
import { defineRule } from "../../rule";
import { array, at, demand, text } from "../../values";

const VERSION = "aws:elasticbeanstalk/applicationVersion:ApplicationVersion";
const OBJECT = "aws:s3/bucketObjectv2:BucketObjectv2";

/** The source bundles of this program that a version names. */
const bundlesOf = (version: Resource, stack: Stack): Resource[] => targetsOf(version, "key", OBJECT, stack);

export const versionOwnBundle = defineRule({
  name: "version-own-bundle",
  kind: "closed world",
  types: [VERSION],
  description: "Each application version has a source bundle of its own",
  why: "an environment would run the code of another",
  severity: "high",
  neighbours: true,
  check: (version, stack) => {
    const own = bundlesOf(version, stack).map(({ urn }) => urn);
    const sharing = stack
      .ofType(VERSION)
      .filter(
        (other) => other.urn !== version.urn && bundlesOf(other, stack).some(({ urn }) => own.includes(urn)),
      );
    return sharing.length === 0
      ? []
      : [`Version ${sharing[0]?.name ?? ""} has the same bundle. Write the key of a bundle of its own.`];
  },
});

export const versionsKept = defineRule({
  name: "versions-kept",
  kind: "evidence",
  types: ["aws:elasticbeanstalk/application:Application"],
  description: "Beanstalk deletes no source bundle, and no version that a rollback may need",
  why: "a rollback deploys an earlier version from its bundle",
  severity: "high",
  parameters: {
    minVersions: { type: "number", default: 50, description: "Minimum number of versions that are kept" },
    minDays: {
      type: "number",
      default: 90,
      description: "Minimum number of days for which versions are kept",
    },
  },
  check: ({ inputs: { appversionLifecycle } }, { parameters: { minDays, minVersions } }) =>
    array(appversionLifecycle as unknown).flatMap((lifecycle) => {
      const [deletes, count, age] = ["deleteSourceFromS3", "maxCount", "maxAgeInDays"].map((name) =>
        at(lifecycle as Record<string, unknown>, name),
      );
      // The engine shows 0 for what is not set.
      const isKept = (value: unknown, least: number) => Number(value ?? 0) === 0 || Number(value) >= least;
      return [
        ...demand(deletes, ["", "false"].includes(text(deletes)), "deleteSourceFromS3", "false"),
        ...demand(count, isKept(count, minVersions), "maxCount", `${String(minVersions)} or more`),
        ...demand(age, isKept(age, minDays), "maxAgeInDays", `${String(minDays)} or more`),
      ];
    }),
});
