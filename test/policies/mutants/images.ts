import { Mutant, MutableStack } from "../mutant";

const ACCOUNT = "123456789012";
const REGISTRY = `${ACCOUNT}.dkr.ecr.eu-central-1.amazonaws.com`;
const REPOSITORY = "aws:ecr/repository:Repository";
const LIFECYCLE = "aws:ecr/lifecyclePolicy:LifecyclePolicy";

/** The name of the repository, with the stack's own environment in it. */
const nameIn = (stack: MutableStack): string => String(stack.get("environment", "web").inputs.name);

/** The JSON text of a lifecycle policy that deletes images of a status. */
const expiring = (tagStatus: string): string =>
  JSON.stringify({ rules: [{ rulePriority: 1, selection: { tagStatus }, action: { type: "expire" } }] });

/** Adds a repository for images that no rule refuses, but for the inputs given. */
function addRepository(stack: MutableStack, inputs: object = {}): MutableStack {
  return stack
    .add(REPOSITORY, "images", {
      name: nameIn(stack),
      imageTagMutability: "IMMUTABLE",
      imageScanningConfiguration: { scanOnPush: true },
      tags: stack.get("queue", "tasks").inputs.tags,
      ...inputs,
    })
    .variable("IMAGE_REPOSITORY", `${REGISTRY}/${nameIn(stack)}`);
}

const kept = (inputs: object, policy: string | undefined = expiring("untagged")): Mutant => [
  "image-repository-kept",
  (stack) => addRepository(stack, inputs).add(LIFECYCLE, "images", { repository: nameIn(stack), policy }),
];

const pulledFrom = (addressOf: (name: string) => string | undefined): Mutant => [
  "image-repository-own",
  (stack) =>
    addRepository(stack)
      .set("environment", "web", "solutionStackName", "64bit Amazon Linux 2023 v4.13.9 running Docker")
      .variable("IMAGE_REPOSITORY", addressOf(nameIn(stack))),
];

/** Gives a role permissions on the repository, or on another one. */
const allows = (rule: string, role: string, action: string | string[], other?: string): Mutant => [
  rule,
  (stack) =>
    addRepository(stack).allow("rolePolicy", role, {
      Action: action,
      Resource: `arn:aws:ecr:eu-central-1:${ACCOUNT}:repository/${other ?? nameIn(stack)}`,
    }),
];

const PUSH = "ecr:PutImage";
const PULL = ["ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer"];

export const images: Mutant[] = [
  kept({ imageTagMutability: "MUTABLE" }),
  kept({ imageTagMutability: undefined }),
  kept({ imageTagMutability: "IMMUTABLE_WITH_EXCLUSION" }),
  kept({ imageScanningConfiguration: undefined }),
  kept({ imageScanningConfiguration: { scanOnPush: false } }),
  kept({ forceDelete: true }),
  kept({}, expiring("any")),
  kept({}, expiring("tagged")),
  kept({}, "{}"),
  ["image-repository-kept", (stack) => addRepository(stack)],
  pulledFrom(() => undefined),
  pulledFrom((name) => `${REGISTRY.replace(ACCOUNT, "999999999999")}/${name}`),
  pulledFrom((name) => `${REGISTRY.replace("eu-central-1", "us-east-1")}/${name}`),
  pulledFrom(() => `${REGISTRY}/other`),
  pulledFrom(() => "docker.io/blsq/iaso"),
  ["deployment-own", (stack) => describeRepository(addRepository(stack), "other")],
  allows("code-by-deployers", "web", PUSH),
  allows("code-by-deployers", "worker", "ecr:BatchDeleteImage"),
  allows("code-by-deployers", "ci-up", PUSH),
  allows("provisioners-only", "ci-deploy", "ecr:PutLifecyclePolicy"),
  allows("administrators-changes", "ci-up", "ecr:DeleteRepository"),
  allows("administrators-changes", "ci-deploy", "ecr:SetRepositoryPolicy"),
  allows("own-environment-only", "ci-deploy", PUSH, "iaso-*"),
  allows("instance-roles-narrow", "web", PULL, "*"),
  allows("pull-requests-read-only", "ci-preview", PULL, "*"),
];

/** Names a repository in the parameter by which the deploy tool finds the platform. */
function describeRepository(stack: MutableStack, imageRepository: string): MutableStack {
  const { inputs } = stack.get("parameter", "deployment");
  const fields = JSON.parse(String(inputs.insecureValue)) as object;
  return stack.set(
    "parameter",
    "deployment",
    "insecureValue",
    JSON.stringify({ ...fields, imageRepository }),
  );
}
