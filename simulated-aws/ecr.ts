import { arn, idFromInputs, nameOrGenerated, ResourceTypes } from "./model";
import { PropertyValue } from "../graph/document";

export const resourceTypes: ResourceTypes = {
  "aws:ecr/repository:Repository": (creation) => {
    const { accountId, region } = creation;
    const name = nameOrGenerated(creation, "name");
    return {
      id: name,
      outputs: {
        name,
        arn: arn(creation, "ecr", `repository/${name}`),
        registryId: accountId,
        repositoryUrl: `${accountId}.dkr.ecr.${region}.amazonaws.com/${name}`,
      },
    };
  },
  "aws:ecr/lifecyclePolicy:LifecyclePolicy": (creation) => {
    refuseInvalidRules(creation.inputs.policy);
    return idFromInputs("repository")(creation);
  },
};

/** @see https://docs.aws.amazon.com/AmazonECR/latest/userguide/lifecycle_policy_parameters.html */
function refuseInvalidRules(policy: PropertyValue | undefined): void {
  const { rules = [] } = JSON.parse(typeof policy === "string" ? policy : "{}") as { rules?: Rule[] };
  const invalid = (what: string) => new Error(`InvalidParameterException: Lifecycle policy: ${what}`);
  if (rules.length === 0 || rules.length > 50) throw invalid("1 to 50 rules");
  const priorities = rules.map(({ rulePriority }) => rulePriority);
  if (new Set(priorities).size < rules.length) throw invalid("two rules have the same rulePriority");
  for (const { action, selection } of rules) {
    const {
      countNumber = 0,
      countType,
      countUnit,
      tagPatternList,
      tagPrefixList,
      tagStatus,
    } = selection ?? {};
    if (action?.type !== "expire") throw invalid("an action is not expire");
    if (!(countNumber > 0)) throw invalid("countNumber is not above 0");
    if (!["sinceImagePushed", "imageCountMoreThan"].includes(countType ?? "")) throw invalid("countType");
    if ((countType === "sinceImagePushed") !== (countUnit === "days")) throw invalid("countUnit");
    if (!["tagged", "untagged", "any"].includes(tagStatus ?? "")) throw invalid("tagStatus");
    const lists = [tagPatternList, tagPrefixList].filter((list) => list !== undefined);
    if (lists.length !== (tagStatus === "tagged" ? 1 : 0)) throw invalid("tagPatternList or tagPrefixList");
  }
}

interface Rule {
  rulePriority?: number;
  selection?: {
    tagStatus?: string;
    tagPatternList?: string[];
    tagPrefixList?: string[];
    countType?: string;
    countUnit?: string;
    countNumber?: number;
  };
  action?: { type?: string };
}
