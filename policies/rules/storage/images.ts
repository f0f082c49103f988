import { ownAccounts, regionsOf, resourcesWith, Stack } from "../../context";
import { ENVIRONMENT, optionOf, runsDocker, VARIABLES } from "../../optionSettings";
import { defineRule } from "../../rule";
import { isIaso } from "../application";
import { at, demand, hasUnknown, isUnknown, notEvaluated, object, text } from "../../values";

const REPOSITORY = "aws:ecr/repository:Repository";
const LIFECYCLE = "aws:ecr/lifecyclePolicy:LifecyclePolicy";

/** The rules in the JSON text of a lifecycle policy; undefined if it is no such text. */
function rulesIn(policy: unknown): unknown[] | undefined {
  try {
    const { rules } = object(JSON.parse(text(policy)));
    return Array.isArray(rules) ? (rules as unknown[]) : undefined;
  } catch {
    return undefined;
  }
}

export const imageRepositoryKept = defineRule({
  name: "image-repository-kept",
  types: [REPOSITORY],
  description:
    "A repository refuses to overwrite a tag and to be deleted with its images, scans each image, and deletes untagged images only",
  why: "without the images of a version, no instance of it starts, and no rollback to it succeeds",
  severity: "high",
  neighbours: true,
  check: ({ inputs }, stack) => {
    const { forceDelete, imageScanningConfiguration, imageTagMutability } = inputs;
    const scans = at(imageScanningConfiguration, "scanOnPush");
    const policies = resourcesWith(stack, LIFECYCLE, "repository", inputs.name);
    return [
      ...demand(imageTagMutability, imageTagMutability === "IMMUTABLE", "imageTagMutability", "IMMUTABLE"),
      ...demand(scans, scans === true, "scanOnPush", "true"),
      ...demand(forceDelete, forceDelete === undefined || forceDelete === false, "forceDelete", "false"),
      ...(policies.length === 1
        ? []
        : [`The repository has ${String(policies.length)} lifecycle policies. Write one for it.`]),
      ...policies.flatMap(({ inputs: { policy } }) => {
        if (hasUnknown(policy)) return notEvaluated("the lifecycle policy");
        const rules = rulesIn(policy);
        if (rules === undefined) return ["The lifecycle policy is no JSON text with rules. Write one."];
        return rules
          .map((rule) => object(object(rule).selection).tagStatus)
          .filter((status) => status !== "untagged")
          .map(
            (status) => `The lifecycle policy deletes images with tagStatus ${text(status)}. Write untagged.`,
          );
      }),
    ];
  },
});

/** The addresses of the program's repositories, as Docker names them. */
const addresses = (stack: Stack): string[] =>
  stack.ofType(REPOSITORY).flatMap(({ inputs }) => {
    const [account = "", region = ""] = [ownAccounts(stack)[0], regionsOf(stack)[0]];
    return isUnknown(inputs.name) ? [] : [`${account}.dkr.ecr.${region}.amazonaws.com/${text(inputs.name)}`];
  });

export const imageRepositoryOwn = defineRule({
  name: "image-repository-own",
  kind: "closed world",
  types: [ENVIRONMENT],
  description: "Iaso on the Docker platform pulls its images from a repository of this program",
  why: "whoever owns another repository could delete the images from which instances start",
  severity: "critical",
  neighbours: true,
  check: (environment, stack) => {
    if (!isIaso(environment)) return [];
    const address = optionOf(environment, VARIABLES, "IMAGE_REPOSITORY");
    if (address === undefined && !runsDocker(environment)) return [];
    return demand(
      address,
      addresses(stack).includes(text(address)),
      "IMAGE_REPOSITORY",
      "ACCOUNT.dkr.ecr.REGION.amazonaws.com/NAME of a repository of this program",
    );
  },
});
